/* SPDX-License-Identifier: Apache-2.0 */
/* A results folder of others: the files of two runs of two variants are the parts of the input. `table` in its formats,
 * `status` and `verify` open it. */
#include <stdio.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "report/grid_tables.h"
#include "report/history.h"
#include "report/short_table.h"
#include "report/verify.h"
#include "report/write_sqlite.h"

#define ERM "erm-01234567/fold1-seed1/"
#define RW "rw-89abcdef/fold1-seed1/"

static const char *const names[] = {ERM "metrics.json", ERM "env.json", ERM "predictions.csv",
	ERM "metrics.jsonl", ERM "done", RW "metrics.json", RW "env.json", RW "predictions.csv",
	RW "done", RW "failed", RW ".begun", RW ".lease-1"};

static void make_folders(void)
{
	static const char *const folders[] = {"erm-01234567", ERM, "rw-89abcdef", RW};
	char path[512];
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		snprintf(path, sizeof path, "%s/%s", fuzz_make_folder(), folders[i]);
		(void)mkdir(path, 0700);
	}
}

static void write_document(fv_ctx *ctx, const core_document *document)
{
	for (int f = 0; f < CORE_TABLE_FORMATS; f++) {
		core_text text = {0};
		fuzz_check_status(
			ctx, core_document_write(ctx, document, (core_table_format)f, &text));
		core_text_free(&text);
	}
}

static fv_status add_grid(fv_ctx *ctx, const core_results *results, core_document *document)
{
	core_variant_axes axes;
	core_short_choice choice;
	core_grid grid;
	core_table_options options = core_table_default();
	options.draws.n = 10;
	options.details = true;
	fv_status status = core_axes_find(ctx, results, &axes);
	if (status)
		return status;
	status = core_short_choose(ctx, results, &axes, NULL, NULL, &choice);
	if (!status) {
		options.request = choice.request;
		options.n_requests = choice.n_requests;
		status = core_grid_make(ctx, results, &options, &grid);
	}
	if (!status)
		status = core_add_short(ctx, &grid, &axes, &choice, document);
	if (!status)
		status = core_grid_tables(ctx, &grid, document);
	core_axes_free(&axes);
	return status;
}

static void read_curves(fv_ctx *ctx, const core_results *results)
{
	for (size_t i = 0; i < results->n; i++)
		for (size_t k = 0; k < results->variant[i].n; k++) {
			json_t *epochs = NULL;
			fv_status status =
				core_history_read(ctx, &results->variant[i].run[k], &epochs);
			fuzz_check_status(ctx, status);
			json_decref(status ? NULL : epochs);
			core_error_clear(ctx);
		}
}

static void show_results(fv_ctx *ctx, const core_results *results)
{
	core_document *document = core_document_new(ctx);
	fuzz_require(document != NULL, "out of memory");
	fv_status status = add_grid(ctx, results, document);
	fuzz_check_status(ctx, status);
	if (!status)
		write_document(ctx, document);
	core_document_free(document);
	core_error_clear(ctx);
	document = core_document_new(ctx);
	status = core_add_runs(ctx, results, 10, document);
	fuzz_check_status(ctx, status);
	core_text text = {0};
	if (!status)
		fuzz_check_status(ctx, core_write_sqlite(ctx, document, results, &text));
	core_text_free(&text);
	core_document_free(document);
	core_error_clear(ctx);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	make_folders();
	fuzz_write_parts(data, size, names, sizeof names / sizeof *names);
	fv_ctx *ctx = core_ctx_new();
	core_results *results;
	core_verified verified;
	fv_status status = core_results_read(ctx, fuzz_make_folder(), &results);
	fuzz_check_status(ctx, status);
	if (!status) {
		read_curves(ctx, results);
		show_results(ctx, results);
		if (size % 16 == 0) /* it computes every null anew */
			status = core_verify(ctx, results, &verified);
		fuzz_require(status == FV_OK || core_error_lines(ctx) > 0,
			"a difference without a message");
		core_results_free(results);
	}
	core_ctx_free(ctx);
	return 0;
}
