/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox table: result tables of the variants in a results folder. */
#include "report/claims.h"
#include "report/event_files.h"
#include "report/pairs.h"
#include "report/paper.h"
#include "report/settings.h"
#include "report/short_table.h"
#include "report/tuning.h"
#include "report/write_sqlite.h"

#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/plural.h"

#include "results.h"
#include "terminal.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox table [OPTION...] RESULTS|CONFIG [KEY=VALUE...]\n"
	"\n"
	"Prints one table of the variants in a results folder, or of a configuration, which\n"
	"finds its results by their hashes: a line a variant with its values on the axes,\n"
	"UAR, F1, the gap of eval.compare with its null, and the change against training\n"
	"without debiasing. It fits the terminal (COLUMNS; 100 columns into a file or pipe).\n"
	"CSV is in long form: one line for each metric and rate of each run.\n"
	"\n"
	"      --full            also fold means, effects on every metric, rates, spread,\n"
	"                        support, and what each variant used and saw\n"
	"      --columns LIST    these columns: axes, keys of the configuration (loss.alpha),\n"
	"                        metrics (f1, tpr_gap), those of one attribute (race.tpr_gap),\n"
	"                        their statistics (tpr_gap:p; null, excess, p, change,\n"
	"                        interval, change_p), variant, runs\n"
	"      --sort C          by this column; -C: descending\n"
	"      --rows KEY=VALUE,...  only variants that match. KEY: a matrix axis (train.batch\n"
	"                        or batch), loss, encoder, grouper, profile, select or\n"
	"                        variant; * and ? are wildcards\n"
	"      --reference VARIANT  compare with this variant\n"
	"      --format text|md|tex|csv|json|sqlite|tensorboard\n"
	"                        text (default); tex with booktabs; sqlite: what csv holds, and "
	"the\n"
	"                        learning curves, as a database; tensorboard: the learning curves\n"
	"                        as event files in the folder of -o\n"
	"  -o, --output FILE     write to FILE (default: standard output)\n"
	"      --plain           values alone, without intervals in the same cell; LaTeX that\n"
	"                        fits one column of two\n"
	"      --layout grid|pairs|paper1|paper2\n"
	"                        grid (default): one row per variant; pairs: every variant\n"
	"                        against every other; paper1, paper2: Tables 1 and 2 of Lin,\n"
	"                        Chou, Lee, Interspeech 2025; claims: what a paper claims, each\n"
	"                        answered by the variants\n"
	"      --claims FILE     with --layout claims: the claims (default: those of that paper)\n"
	"      --against published  with a paper layout: the published numbers beside yours\n"
	"      --trials          also the trials of tuned variants, each as a variant\n"
	"      --draws N         draws of every null and comparison, at least 2000 (default 5000)\n"
	"      --min-support N   mark figures that rest on fewer positives (default 10)\n"
	"      --no-baselines    omit the rows of the trivial baselines\n" CLI_RESULTS_OPTIONS;

/* Formats that are no document; the first number is behind those of core_table_format. */
enum { SQLITE = CORE_TABLE_FORMATS, TENSORBOARD, FORMATS };

enum layout { GRID, PAIRS, PAPER1, PAPER2, CLAIMS, LAYOUTS };
static const char *const layouts[LAYOUTS] = {"grid", "pairs", "paper1", "paper2", "claims"};

struct table {
	enum layout layout;
	bool against, full, plain;
	int format; /* core_table_format, SQLITE or TENSORBOARD */
	core_table_options options;
	const char *columns, *sort, *output, *claims; /* NULL: not given */
	cli_source source;
	core_variant_axes axes;
	core_short_choice choice;
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
		const char *formats[FORMATS] = {[SQLITE] = "sqlite", [TENSORBOARD] = "tensorboard"};
		for (int f = 0; f < CORE_TABLE_FORMATS; f++)
			formats[f] = core_table_format_name((core_table_format)f);
		status = find_word(ctx, "--format", formats, FORMATS, optarg, &t->format);
	}
	if (option == 'c')
		t->columns = optarg;
	if (option == 's')
		t->sort = optarg;
	if (option == 'o')
		t->output = optarg;
	if (option == 'C')
		t->claims = optarg;
	t->full |= option == 'F';
	t->plain |= option == 'p';
	if (option == 'r')
		t->options.reference = optarg;
	if (option == 'd')
		status = cli_int(ctx, "--draws", optarg, 2000, 10000000, &t->options.draws.n);
	if (option == 'm')
		status = cli_int(ctx, "--min-support", optarg, 0, 1000000, &t->options.min_support);
	if (option == 'b')
		t->options.baselines = false;
	if (option >= CLI_ROWS)
		status = cli_source_apply(ctx, option, &t->source);
	return status;
}

/* Refuses options that would do nothing. */
static fv_status check_options(fv_ctx *ctx, const struct table *t)
{
	bool runs = t->format == CORE_TABLE_CSV || t->format >= SQLITE;
	bool grid = t->layout == GRID && !runs;
	if (t->claims && t->layout != CLAIMS)
		return fv_fail(ctx, FV_CONFIG, "--claims needs --layout claims");
	if (t->against && t->layout != PAPER1 && t->layout != PAPER2)
		return fv_fail(ctx, FV_CONFIG, "--against needs --layout paper1 or paper2");
	if (t->options.reference && !grid)
		return fv_fail(ctx, FV_CONFIG,
			"--reference needs --layout grid and --format text, md, tex or json: no "
			"other table compares with one variant");
	if ((t->columns || t->sort || t->full) && !grid)
		return fv_fail(ctx, FV_CONFIG,
			"%s needs --layout grid and --format text, md, tex or json: csv has "
			"every column and row",
			t->columns ? "--columns"
			: t->sort  ? "--sort"
				   : "--full");
	if (t->layout != GRID && t->format >= SQLITE)
		return fv_fail(ctx, FV_CONFIG, "--layout needs another --format");
	if (t->format == TENSORBOARD && !t->output)
		return fv_fail(
			ctx, FV_CONFIG, "--format tensorboard writes a folder: name it with -o");
	if (t->format == SQLITE && !t->output && isatty(STDOUT_FILENO))
		return fv_fail(ctx, FV_CONFIG,
			"--format sqlite is not for a terminal: name a file with -o");
	if (t->plain && t->format > CORE_TABLE_TEX)
		return fv_fail(ctx, FV_CONFIG, "--plain needs --format text, md or tex");
	return FV_OK;
}

static fv_status parse_options(fv_ctx *ctx, int argc, char **argv, struct table *t)
{
	static const struct option longs[] = {{"layout", required_argument, NULL, 'l'},
		{"format", required_argument, NULL, 'f'}, {"against", required_argument, NULL, 'a'},
		{"reference", required_argument, NULL, 'r'},
		{"columns", required_argument, NULL, 'c'}, {"sort", required_argument, NULL, 's'},
		{"full", no_argument, NULL, 'F'}, {"plain", no_argument, NULL, 'p'},
		{"draws", required_argument, NULL, 'd'},
		{"min-support", required_argument, NULL, 'm'},
		{"no-baselines", no_argument, NULL, 'b'}, {"claims", required_argument, NULL, 'C'},

		{"output", required_argument, NULL, 'o'}, CLI_SOURCE_OPTIONS, {0}};
	*t = (struct table){.options = core_table_default()};
	for (int option; (option = cli_option(ctx, argc, argv, "o:", longs)) != -1;) {
		fv_status status = option == '?' ? FV_CONFIG : parse_option(ctx, option, t);
		if (status)
			return status;
	}
	fv_status status = cli_source_set_path(ctx, argc, argv, optind, &t->source);
	return status ? status : check_options(ctx, t);
}

/* Is every table of the grid wanted, not only the short one? */
static bool wants_all(const struct table *t)
{
	return t->full || t->format == CORE_TABLE_JSON;
}

static fv_status add_grid(
	fv_ctx *ctx, struct table *t, const core_results *results, core_document *document)
{
	core_grid grid;
	core_table_options options = t->options;
	options.details = wants_all(t);
	options.more_metrics = t->format == CORE_TABLE_JSON ? core_metric_names(ctx) : NULL;
	if (t->format == CORE_TABLE_JSON && !options.more_metrics)
		return FV_FAILED;
	fv_status status = FV_OK;
	if (t->columns)
		status = core_settings_add(ctx, results, "--columns", t->columns, &t->axes);
	if (!status && t->sort)
		status = core_settings_add(
			ctx, results, "--sort", t->sort + (*t->sort == '-'), &t->axes);
	if (!status)
		status = core_short_choose(ctx, results, &t->axes, t->columns, t->sort, &t->choice);
	if (status)
		return status;
	options.request = t->choice.request;
	options.n_requests = t->choice.n_requests;
	status = core_grid_make(ctx, results, &options, &grid);
	if (!status)
		status = core_add_short(ctx, &grid, &t->axes, &t->choice, document);
	if (!status && !wants_all(t)) {
		status = core_add_short_tests(
			ctx, results, &options, &t->axes, &t->choice, document);
		return status ? status : core_short_notes(ctx, &grid, &t->choice, document);
	}
	if (!status)
		status = core_grid_tables(ctx, &grid, document);
	t->options.n_requests = 0; /* further test sets have the usual columns */
	return status ? status : core_add_further_tests(ctx, results, &t->options, document);
}

static fv_status add_claims(
	fv_ctx *ctx, struct table *t, const core_results *results, core_document *document)
{
	core_grid grid;
	core_claims claims;
	core_claim_results answers = {0};
	core_table_options options = t->options;
	options.compare = options.baselines = options.scores = false;
	fv_status status = core_claims_read(ctx, t->claims, &claims);
	if (!status)
		status = core_grid_make(ctx, results, &options, &grid);
	if (!status)
		status = core_claims_answer(ctx, &grid, &claims, &t->options.draws, &answers);
	if (!status)
		status = core_add_claims(ctx, &grid, &answers, NULL, document);
	return status ? status : core_note_claims_left_out(ctx, &answers, document);
}

/* Computes only what the layout shows. */
static fv_status fill_document(
	fv_ctx *ctx, struct table *t, const core_results *results, core_document *document)
{
	core_grid grid;
	core_pairs pairs;
	core_paper paper;
	if (t->layout == GRID)
		return t->format == CORE_TABLE_CSV || t->format == SQLITE
			       ? core_add_runs(ctx, results, t->options.min_support, document)
			       : add_grid(ctx, t, results, document);
	if (t->layout == CLAIMS)
		return add_claims(ctx, t, results, document);
	t->options.compare = t->options.baselines = false;
	core_table_options options = t->options;
	if (t->layout == PAIRS)
		options.draws.n = 0; /* the notes need support and values, no nulls */
	fv_status status = core_grid_make(ctx, results, &options, &grid);
	if (status)
		return status;
	grid.options.draws = t->options.draws;
	grid.options.scores = t->layout != PAIRS; /* the notes mention nulls */
	if (t->layout == PAIRS) {
		status = core_pairs_make(ctx, &grid, &pairs);
		return status ? status : core_pairs_tables(ctx, &pairs, document);
	}
	status = core_paper_make(ctx, &grid, layouts[t->layout], t->against, &paper);
	return status ? status : core_paper_tables(ctx, &paper, document);
}

static fv_status write_output(fv_ctx *ctx, const char *path, int format, const core_text *text)
{
	if (path)
		return core_file_write(ctx, path, text->data, text->size);
	if (format == CORE_TABLE_CSV)
		return cli_print_csv(ctx, text);
	if (format == CORE_TABLE_JSON)
		return cli_print_json(ctx, text->data);
	return cli_print(ctx, text);
}

static fv_status write_table(fv_ctx *ctx, struct table *t, const core_results *results)
{
	core_text text = {0};
	core_write_style style = {cli_columns(), cli_shows_bold(), t->plain};
	core_document *document = core_document_new(ctx);
	fv_status status = document ? fill_document(ctx, t, results, document) : FV_FAILED;
	if (!status && t->format == SQLITE)
		status = core_write_sqlite(ctx, document, results, &text);
	else if (!status)
		status = core_document_write_styled(
			ctx, document, (core_table_format)t->format, &style, &text);
	if (!status)
		status = write_output(ctx, t->output, t->format, &text);
	core_document_free(document);
	core_text_free(&text);
	return status;
}

static fv_status write_curves(fv_ctx *ctx, const struct table *t, const core_results *results)
{
	int64_t n;
	fv_status status = core_write_event_files(ctx, results, t->output, &n);
	if (!status)
		core_log(ctx, CORE_INFO,
			"%s: learning curves of %lld run%s: tensorboard --logdir %s", t->output,
			(long long)n, core_plural(n), t->output);
	return status;
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	struct table table;
	core_results *results;
	fv_status status = parse_options(ctx, argc, argv, &table);
	if (!status)
		status = cli_results_read(ctx, &table.source, &results);
	if (status)
		return status;
	if (table.format == TENSORBOARD) {
		status = write_curves(ctx, &table, results);
	} else if (!(status = core_axes_find(ctx, results, &table.axes))) {
		status = write_table(ctx, &table, results);
		core_axes_free(&table.axes);
	}
	core_results_free(results);
	return status ? status : cli_flush(ctx);
}

const cli_verb cli_verb_table = {"table", "result tables of all variants", usage, run};
