/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox table: the results of many cells side by side. */
#include "report/table.h"

#include <getopt.h>
#include <string.h>

#include "verbs.h"

static const char usage[] =
	"usage: fairvox table [--layout grid] [--format md|csv|json] RESULTS\n\n"
	"Prints a table of all cells in a results folder: F1, ACC, and the TPR and DP gap of every\n"
	"attribute, mean and sd over folds. csv is long: one line per cell x fold x seed x metric.\n\n"
	"      --layout L  grid (default): one row a cell\n"
	"      --format F  md (default), csv or json\n";

static fv_status parse(fv_ctx *ctx, int argc, char **argv, core_table_format *format,
	const char **dir)
{
	static const struct option longs[] = {{"layout", required_argument, NULL, 'l'},
		{"format", required_argument, NULL, 'f'}, {0}};
	static const char *const formats[] = {"md", "csv", "json"};
	*format = CORE_TABLE_MD;
	for (int option; (option = cli_option(ctx, argc, argv, "", longs)) != -1;) {
		if (option == '?')
			return FV_CONFIG;
		if (option == 'l') {
			if (strcmp(optarg, "grid"))
				return fv_fail(ctx, FV_CONFIG, "--layout: '%s' is not grid", optarg);
			continue;
		}
		int i = 0;
		while (i < 3 && strcmp(optarg, formats[i]))
			i++;
		if (i == 3)
			return fv_fail(ctx, FV_CONFIG, "--format: '%s' is not md, csv or json",
				optarg);
		*format = (core_table_format)i;
	}
	if (optind + 1 != argc)
		return fv_fail(ctx, FV_CONFIG, "table: one results folder is to be named");
	*dir = argv[optind];
	return FV_OK;
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	core_table_format format;
	const char *dir = NULL;
	core_results *results;
	core_grid grid;
	core_text text = {0};
	fv_status status = parse(ctx, argc, argv, &format, &dir);
	if (!status)
		status = core_results_read(ctx, dir, &results);
	if (status)
		return status;
	status = core_grid_make(ctx, results, &grid);
	if (!status)
		status = core_grid_write(ctx, results, &grid, format, &text);
	if (!status)
		fwrite(text.data, 1, text.size, stdout);
	core_text_free(&text);
	core_results_free(results);
	return status ? status : cli_flush(ctx);
}

const cli_verb cli_verb_table = {"table", "results of many cells side by side", usage, run};
