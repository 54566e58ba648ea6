/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox table: result tables of the variants in a results folder. */
#include "report/grid_tables.h"
#include "report/pairs.h"
#include "report/paper.h"
#include "report/select_variants.h"
#include "report/tuning.h"

#include <getopt.h>
#include <string.h>

#include "verbs.h"

static const char usage[] =
	"usage: fairvox table [OPTION...] RESULTS\n"
	"\n"
	"Prints result tables of all variants in a results folder: F1, ACC, and the TPR and\n"
	"DP gap of every attribute, as mean and sd over folds and pooled, each gap with its\n"
	"null, and each variant compared with training without debiasing. CSV is in long\n"
	"form: one line for each metric and rate of each run.\n"
	"\n"
	"      --layout L        grid (default): one row per variant; pairs: every variant\n"
	"                        against every other; paper1, paper2: Tables 1 and 2 of Lin,\n"
	"                        Chou, Lee, Interspeech 2025\n"
	"      --against published  with a paper layout: the published numbers beside yours\n"
	"      --format F        text (default), md, tex (booktabs), csv or json\n"
	"      --rows KEY=VALUE,...  only variants that match. KEY: a matrix axis (train.batch\n"
	"                        or batch), loss, encoder, grouper, profile, select or\n"
	"                        variant; * and ? are wildcards\n"
	"      --trials          also the trials of tuned variants, each as a variant\n"
	"      --reference VARIANT  compare with this variant\n"
	"      --draws N         draws of every null and comparison, at least 2000 (default 5000)\n"
	"      --min-support N   mark figures that rest on fewer positives (default 10)\n"
	"      --no-baselines    omit the rows of the trivial baselines\n";

enum layout { GRID, PAIRS, PAPER1, PAPER2, LAYOUTS };
static const char *const layouts[LAYOUTS] = {"grid", "pairs", "paper1", "paper2"};

struct table {
	enum layout layout;
	bool against;
	core_table_format format;
	core_table_options options;
	const char *rows; /* NULL: all variants */
	bool trials;
	const char *dir;
};

static fv_status find_word(fv_ctx *ctx, const char *option, const char *const *words, int n,
	const char *said, int *out)
{
	for (*out = 0; *out < n; ++*out)
		if (!strcmp(said, words[*out]))
			return FV_OK;
	core_text list = {0};
	for (int i = 0; i < n; i++)
		core_text_add(&list, "%s%s", !i ? "" : i + 1 < n ? ", " : " or ", words[i]);
	fv_status status = fv_fail(ctx, FV_CONFIG, "%s: '%s' is not %s", option, said, list.data);
	core_text_free(&list);
	return status;
}

static fv_status parse_option(fv_ctx *ctx, int option, struct table *t)
{
	int index;
	fv_status status = FV_OK;
	if (option == 'l') {
		status = find_word(ctx, "--layout", layouts, LAYOUTS, optarg, &index);
		t->layout = status ? GRID : (enum layout)index;
	}
	if (option == 'a') {
		static const char *const words[] = {"published"};
		status = find_word(ctx, "--against", words, 1, optarg, &index);
		t->against = true;
	}
	if (option == 'f') {
		const char *formats[CORE_TABLE_FORMATS];
		for (int f = 0; f < CORE_TABLE_FORMATS; f++)
			formats[f] = core_table_format_name((core_table_format)f);
		status = find_word(ctx, "--format", formats, CORE_TABLE_FORMATS, optarg, &index);
		t->format = (core_table_format)index;
	}
	if (option == 'R')
		t->rows = optarg;
	if (option == 't')
		t->trials = true;
	if (option == 'r')
		t->options.reference = optarg;
	if (option == 'd')
		status = cli_int(ctx, "--draws", optarg, 2000, 10000000, &t->options.draws.n);
	if (option == 'm')
		status = cli_int(ctx, "--min-support", optarg, 0, 1000000, &t->options.min_support);
	if (option == 'b')
		t->options.baselines = false;
	return status;
}

static fv_status parse_options(fv_ctx *ctx, int argc, char **argv, struct table *t)
{
	static const struct option longs[] = {{"layout", required_argument, NULL, 'l'},
		{"format", required_argument, NULL, 'f'}, {"against", required_argument, NULL, 'a'},
		{"reference", required_argument, NULL, 'r'}, {"rows", required_argument, NULL, 'R'},
		{"draws", required_argument, NULL, 'd'},
		{"min-support", required_argument, NULL, 'm'},
		{"no-baselines", no_argument, NULL, 'b'}, {"trials", no_argument, NULL, 't'}, {0}};
	*t = (struct table){.options = core_table_default()};
	for (int option; (option = cli_option(ctx, argc, argv, "", longs)) != -1;) {
		fv_status status = option == '?' ? FV_CONFIG : parse_option(ctx, option, t);
		if (status)
			return status;
	}
	if (optind + 1 != argc)
		return fv_fail(ctx, FV_CONFIG, "table: name one results folder");
	if (t->against && t->layout < PAPER1)
		return fv_fail(ctx, FV_CONFIG, "--against needs --layout paper1 or paper2");
	bool grid = t->layout == GRID && t->format != CORE_TABLE_CSV;
	if (t->options.reference && !grid)
		return fv_fail(ctx, FV_CONFIG,
			"--reference needs --layout grid and --format text, md, tex or json: no "
			"other table compares with one variant");
	t->dir = argv[optind];
	return FV_OK;
}

/* Computes only what the layout shows. */
static fv_status fill_document(
	fv_ctx *ctx, struct table *t, const core_results *results, core_document *document)
{
	core_grid grid;
	core_pairs pairs;
	core_paper paper;
	if (t->layout == GRID && t->format == CORE_TABLE_CSV)
		return core_add_runs(ctx, results, t->options.min_support, document);
	t->options.compare = t->layout == GRID;
	t->options.baselines = t->options.baselines && t->options.compare;
	core_table_options options = t->options;
	if (t->layout == PAIRS)
		options.draws.n = 0; /* the notes need support and values, no nulls */
	fv_status status = core_grid_make(ctx, results, &options, &grid);
	if (status)
		return status;
	grid.options.draws = t->options.draws;
	grid.options.scores = t->layout != PAIRS; /* the notes mention nulls */
	if (t->layout == GRID) {
		status = core_grid_tables(ctx, &grid, document);
		return status ? status : core_add_further_tests(ctx, results, &options, document);
	}
	if (t->layout == PAIRS) {
		status = core_pairs_make(ctx, &grid, &pairs);
		return status ? status : core_pairs_tables(ctx, &pairs, document);
	}
	status = core_paper_make(ctx, &grid, layouts[t->layout], t->against, &paper);
	return status ? status : core_paper_tables(ctx, &paper, document);
}

static fv_status print_table(fv_ctx *ctx, struct table *t, const core_results *results)
{
	core_text text = {0};
	core_document *document = core_document_new(ctx);
	fv_status status = document ? fill_document(ctx, t, results, document) : FV_FAILED;
	if (!status)
		status = core_document_write(ctx, document, t->format, &text);
	if (!status)
		fwrite(text.data, 1, text.size, stdout);
	core_document_free(document);
	core_text_free(&text);
	return status;
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	struct table table;
	core_results *results;
	fv_status status = parse_options(ctx, argc, argv, &table);
	if (!status)
		status = core_results_read(ctx, table.dir, &results);
	if (status)
		return status;
	if (!table.trials)
		status = core_hide_trials(ctx, results);
	if (!status && table.rows)
		status = core_select_variants(ctx, table.rows, results);
	if (!status)
		status = print_table(ctx, &table, results);
	core_results_free(results);
	return status ? status : cli_flush(ctx);
}

const cli_verb cli_verb_table = {"table", "result tables of all variants", usage, run};
