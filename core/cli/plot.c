/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox plot: draws a figure of a results folder. */
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "base/number.h"
#include "figure_file.h"
#include "plot_map.h"
#include "results.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox plot [OPTION...] FIGURE RESULTS|CONFIG [KEY=VALUE...] -o "
	"FILE.svg|.pdf|.png\n"
	"\n"
	"Draws a figure of the variants in a results folder, or of a configuration, which finds\n"
	"its results by their hashes, from the numbers of 'fairvox table'.\n"
	"\n"
	"FIGURE:\n"
	"  effects    change of gap and F1 against training without debiasing\n"
	"  rates      true positive rates by class and group\n"
	"  tradeoff   F1 against gap, with the Pareto front\n"
	"  folds      the gap of every fold, by groups\n"
	"  lines      metrics against a numeric axis of the matrix\n"
	"  clusters   share of each group in the inferred groups\n"
	"  tsne       a map of the recordings by people and inferred groups (t-SNE)\n"
	"  confusion  true against predicted classes, by group\n"
	"  curves     development values by epoch, and the epochs that were kept\n"
	"\n"
	"  -o, --output FILE     where to write; the ending says the format\n"
	"      --paper           as in the paper: folds, lines, tsne\n"
	"      --x AXIS          lines: the axis (default: the numeric one with most values)\n"
	"      --fold F          clusters, tsne: the fold (default: the first)\n"
	"      --perplexity P    tsne: about how many neighbours count (default 30)\n"
	"      --seed N          tsne: seed (default 0)\n"
	"      --metric M,...    metrics to show (default: the figure's own)\n"
	"      --attribute A     groups of people (default: that of eval.compare)\n"
	"      --rows KEY=VALUE,...  only variants that match, as in 'fairvox table'\n"
	"      --reference VARIANT  compare with this variant\n"
	"      --trials          also the trials of tuned variants\n"
	"      --labels OLD=NEW,...  names to write instead\n"
	"      --width INCHES    width (default 6.75, two columns of a paper)\n"
	"      --height INCHES   height\n"
	"      --dpi N           pixels per inch of a PNG (default 300)\n"
	"      --draws N         draws of every null and comparison, at least 2000 (default "
	"5000)\n";

struct plot {
	const core_figure_kind *kind;
	core_figure_options figure;
	core_table_options table;
	cli_map_options map;
	const char *out;
	cli_source source;
	int64_t dpi;
};

static fv_status parse_inches(fv_ctx *ctx, const char *option, double *out)
{
	if (core_parse_double(optarg, out) && *out >= 1 && *out <= 100)
		return FV_OK;
	return fv_fail(
		ctx, FV_CONFIG, "%s: '%s' is not a number of inches from 1 to 100", option, optarg);
}

/* Options of the map and of a configuration. */
static fv_status parse_source_option(fv_ctx *ctx, int option, struct plot *p)
{
	core_tsne_options *tsne = &p->map.tsne;
	fv_status status = FV_OK;
	int64_t seed = 0;
	switch (option) {
	case 'F':
		status = cli_int(ctx, "--fold", optarg, 0, INT32_MAX, &p->figure.fold);
		p->map.fold = p->figure.fold;
		return status;
	case 'e':
		if (core_parse_double(optarg, &tsne->perplexity) && tsne->perplexity >= 1)
			return FV_OK;
		return fv_fail(ctx, FV_CONFIG, "--perplexity: '%s' is not a number from 1", optarg);
	case 's':
		status = cli_int(ctx, "--seed", optarg, 0, INT64_MAX, &seed);
		tsne->seed = (uint64_t)seed;
		return status;
	}
	p->figure.selected |= option == CLI_ROWS;
	return cli_source_apply(ctx, option, &p->source);
}

/* Options of the file and its size. */
static fv_status parse_file_option(fv_ctx *ctx, int option, struct plot *p)
{
	switch (option) {
	case 'o':
		p->out = optarg;
		return cli_check_figure_name(ctx, optarg);
	case 'w':
		return parse_inches(ctx, "--width", &p->figure.width);
	case 'h':
		return parse_inches(ctx, "--height", &p->figure.height);
	case 'D':
		return cli_int(ctx, "--dpi", optarg, 20, 2400, &p->dpi);
	case 'd':
		return cli_int(ctx, "--draws", optarg, 2000, 10000000, &p->table.draws.n);
	}
	return parse_source_option(ctx, option, p);
}

static fv_status parse_option(fv_ctx *ctx, int option, struct plot *p)
{
	switch (option) {
	case 'm':
		p->figure.metrics = optarg;
		return FV_OK;
	case 'a':
		p->figure.attribute = optarg;
		return FV_OK;
	case 'r':
		p->table.reference = optarg;
		return FV_OK;
	case 'p':
		p->figure.paper = true;
		return FV_OK;
	case 'x':
		p->figure.x = optarg;
		return FV_OK;
	case 'l':
		p->figure.labels = optarg;
		return FV_OK;
	}
	return parse_file_option(ctx, option, p);
}

static fv_status find_figure(fv_ctx *ctx, const char *name, const core_figure_kind **out)
{
	const char *names[32];
	size_t n = 0;
	core_text list = {0};
	for (; core_figure_kind_at(n) && n < 32; n++) {
		names[n] = core_figure_kind_at(n)->name;
		core_text_add(&list, "%s%s", n ? ", " : "", names[n]);
	}
	*out = core_figure_find(name);
	fv_status status = *out ? FV_OK
				: fv_fail(ctx, FV_CONFIG, "plot: no figure '%s'%s: there are %s",
					  name, core_suggest_name(ctx, name, names, n), list.data);
	core_text_free(&list);
	return status;
}

static fv_status parse_options(fv_ctx *ctx, int argc, char **argv, struct plot *p)
{
	static const struct option longs[] = {{"output", required_argument, NULL, 'o'},
		{"metric", required_argument, NULL, 'm'},
		{"attribute", required_argument, NULL, 'a'},
		{"reference", required_argument, NULL, 'r'}, {"paper", no_argument, NULL, 'p'},
		{"x", required_argument, NULL, 'x'}, {"fold", required_argument, NULL, 'F'},
		{"perplexity", required_argument, NULL, 'e'},
		{"seed", required_argument, NULL, 's'}, CLI_SOURCE_OPTIONS,
		{"labels", required_argument, NULL, 'l'}, {"width", required_argument, NULL, 'w'},
		{"height", required_argument, NULL, 'h'}, {"dpi", required_argument, NULL, 'D'},
		{"draws", required_argument, NULL, 'd'}, {0}};
	*p = (struct plot){.figure = core_figure_default(),
		.table = core_table_default(),
		.map = {.fold = -1, .tsne = core_tsne_defaults()},
		.dpi = 300};
	p->map.tsne.threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
	for (int option; (option = cli_option(ctx, argc, argv, "o:", longs)) != -1;) {
		fv_status status = option == '?' ? FV_CONFIG : parse_option(ctx, option, p);
		if (status)
			return status;
	}
	if (optind + 2 > argc)
		return fv_fail(ctx, FV_CONFIG,
			"plot: name a figure, and a results folder or a configuration: see "
			"'fairvox "
			"plot --help'");
	if (!p->out)
		return fv_fail(ctx, FV_CONFIG,
			"plot: -o FILE is missing: FILE ends in .svg, .pdf or .png");
	fv_status status = find_figure(ctx, argv[optind], &p->kind);
	p->source.has_map = !status && p->kind->map;
	return status ? status : cli_source_set_path(ctx, argc, argv, optind + 1, &p->source);
}

static fv_status draw_figure(fv_ctx *ctx, const struct plot *p, const core_results *results)
{
	core_grid grid;
	core_map map;
	core_canvas *canvas = NULL;
	cli_map_options where = p->map;
	where.cache = p->source.cache ? p->source.cache : "cache";
	where.folders = p->source.folders;
	core_table_options options = core_figure_grid_options(p->kind, &p->figure, p->table);
	fv_status status = core_grid_make(ctx, results, &options, &grid);
	const core_figure_input input = {results, &grid, p->kind->map ? &map : NULL};
	if (!status && p->kind->map)
		status = cli_map_make(ctx, results, &where, &map);
	if (!status)
		status = core_figure_draw(ctx, p->kind, &input, &p->figure, &canvas);
	return status ? status : cli_write_figure(ctx, canvas, p->out, (double)p->dpi);
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	struct plot plot;
	core_results *results;
	fv_status status = parse_options(ctx, argc, argv, &plot);
	if (!status)
		status = cli_results_read(ctx, &plot.source, &results);
	if (status)
		return status;
	status = draw_figure(ctx, &plot, results);
	core_results_free(results);
	return status;
}

const cli_verb cli_verb_plot = {"plot", "figures of a study as SVG, PDF or PNG", usage, run};
