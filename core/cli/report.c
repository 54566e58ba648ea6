/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox report: one HTML page of a study. */
#include <getopt.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "figure_file.h"
#include "html/report.h"
#include "plot_map.h"
#include "report/grid_tables.h"

#include "results.h"
#include "verbs.h"

static const char usage[] =
	"usage: fairvox report [OPTION...] RESULTS|CONFIG [KEY=VALUE...] [-o report.html]\n"
	"\n"
	"Writes one HTML page of the variants in a results folder, or of a configuration: the\n"
	"answer in five lines, the table, figures, training, data, a paragraph on methods and\n"
	"the caveats that apply. It holds everything it shows, loads nothing, and can be read\n"
	"without script, printed and handed on. The same results give the same file.\n"
	"\n"
	"  -o, --output FILE     write to FILE (default: report.html)\n"
	"      --assets DIR      also the figures as SVG, PDF and PNG, the tables as LaTeX, all\n"
	"                        numbers as CSV, and the paragraph on methods, in folder DIR\n"
	"      --claims FILE     answer the claims in FILE (default: those of Lin, Chou, Lee,\n"
	"                        Interspeech 2025); none: answer none\n"
	"      --anonymous       without the name of the study, and without texts of failures\n"
	"      --rows KEY=VALUE,...  only variants that match, as in 'fairvox table'\n"
	"      --reference VARIANT  compare with this variant\n"
	"      --trials          also the trials of tuned variants, each as a variant\n"
	"      --draws N         draws of every null and comparison, at least 2000 (default 5000)\n"
	"      --min-support N   mark figures that rest on fewer positives (default "
	"10)\n" CLI_RESULTS_OPTIONS;

struct report {
	core_html_options html;
	core_map map; /* of html.map, if there is one */
	const char *output, *assets, *claims;
	core_claims claim_list;
	cli_source source;
};

static fv_status parse_option(fv_ctx *ctx, int option, struct report *r)
{
	switch (option) {
	case 'o':
		r->output = optarg;
		return FV_OK;
	case 'a':
		r->assets = optarg;
		return FV_OK;
	case 'c':
		r->claims = optarg;
		return FV_OK;
	case 'A':
		r->html.anonymous = true;
		return FV_OK;
	case 'r':
		r->html.table.reference = optarg;
		return FV_OK;
	case 'd':
		return cli_int(ctx, "--draws", optarg, 2000, 10000000, &r->html.table.draws.n);
	case 'm':
		return cli_int(
			ctx, "--min-support", optarg, 0, 1000000, &r->html.table.min_support);
	}
	return cli_source_apply(ctx, option, &r->source);
}

static fv_status parse_options(fv_ctx *ctx, int argc, char **argv, struct report *r)
{
	static const struct option longs[] = {{"output", required_argument, NULL, 'o'},
		{"assets", required_argument, NULL, 'a'}, {"anonymous", no_argument, NULL, 'A'},
		{"reference", required_argument, NULL, 'r'},
		{"draws", required_argument, NULL, 'd'},
		{"min-support", required_argument, NULL, 'm'},
		{"claims", required_argument, NULL, 'c'},

		CLI_SOURCE_OPTIONS, {0}};
	*r = (struct report){.html = {.table = core_table_default()}, .output = "report.html"};
	for (int option; (option = cli_option(ctx, argc, argv, "o:", longs)) != -1;) {
		fv_status status = option == '?' ? FV_CONFIG : parse_option(ctx, option, r);
		if (status)
			return status;
	}
	r->source.has_map = true;
	return cli_source_set_path(ctx, argc, argv, optind, &r->source);
}

/* Returns the name of the folder or configuration, without folders and ending: "demo". */
static const char *name_study(fv_ctx *ctx, const struct report *r)
{
	if (r->html.anonymous)
		return "Results";
	char *path = core_strdup(ctx, r->source.path);
	for (size_t n = path ? strlen(path) : 0; n > 1 && path[n - 1] == '/';)
		path[--n] = '\0';
	const char *base = path ? core_path_base(path) : NULL,
		   *dot = base ? strrchr(base, '.') : NULL;
	if (!base || !*base || !strcmp(base, ".") || !strcmp(base, ".."))
		return base ? "Results" : NULL;
	bool yaml = dot && dot > base && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml"));
	return yaml ? core_strndup(ctx, base, (size_t)(dot - base)) : base;
}

/* --- assets ----------------------------------------------------------------------------------- */

static fv_status write_figures(fv_ctx *ctx, const struct report *r, const core_html_report *html)
{
	static const char *const endings[] = {"svg", "pdf", "png"};
	fv_status status = FV_OK;
	for (size_t k = 0; k < html->n_figures; k++)
		for (int e = 0; e < 3 && !status; e++) {
			const char *path = core_format(ctx, "%s/figures/%s.%s", r->assets,
				html->figure[k].name, endings[e]);
			status = path ? cli_write_figure(ctx, html->figure[k].canvas, path, 300)
				      : FV_FAILED;
		}
	return status;
}

static fv_status write_document(fv_ctx *ctx, const struct report *r, const core_document *document,
	core_table_format format, const char *name)
{
	core_text text = {0};
	const char *path = core_format(ctx, "%s/%s", r->assets, name);
	fv_status status = path ? core_document_write(ctx, document, format, &text) : FV_FAILED;
	if (!status)
		status = core_file_write(ctx, path, text.data, text.size);
	core_text_free(&text);
	return status;
}

static fv_status write_runs(fv_ctx *ctx, const struct report *r, const core_results *results)
{
	core_document *document = core_document_new(ctx);
	fv_status status =
		document ? core_add_runs(ctx, results, r->html.table.min_support, document)
			 : FV_FAILED;
	if (!status)
		status = write_document(ctx, r, document, CORE_TABLE_CSV, "data/runs.csv");
	core_document_free(document);
	return status;
}

/* Writes the answers to claims, if there are any. */
static fv_status write_claims(fv_ctx *ctx, const struct report *r, const core_html_report *html)
{
	static const struct {
		core_table_format format;
		const char *name;
	} files[] = {{CORE_TABLE_TEX, "tables/claims.tex"}, {CORE_TABLE_CSV, "data/claims.csv"},
		{CORE_TABLE_JSON, "data/claims.json"}};
	fv_status status = FV_OK;
	for (int k = 0; k < 3 && html->claims->n_tables && !status; k++)
		status = write_document(ctx, r, html->claims, files[k].format, files[k].name);
	return status;
}

static fv_status make_folders(fv_ctx *ctx, const struct report *r)
{
	static const char *const names[] = {"figures", "tables", "data"};
	fv_status status = FV_OK;
	for (int k = 0; k < 3 && !status; k++) {
		const char *path = core_path_join(ctx, r->assets, names[k]);
		status = path ? core_make_dirs(ctx, path) : FV_FAILED;
	}
	return status;
}

static fv_status write_assets(fv_ctx *ctx, const struct report *r, const core_results *results,
	const core_html_report *html)
{
	fv_status status = make_folders(ctx, r);
	if (!status)
		status = write_figures(ctx, r, html);
	if (!status)
		status = write_document(ctx, r, html->main, CORE_TABLE_TEX, "tables/table1.tex");
	if (!status)
		status =
			write_document(ctx, r, html->details, CORE_TABLE_TEX, "tables/details.tex");
	if (!status)
		status = write_runs(ctx, r, results);
	if (!status)
		status = write_claims(ctx, r, html);
	const char *path = core_path_join(ctx, r->assets, "methods.txt");
	if (!status)
		status = path ? core_file_write(ctx, path, html->methods.data, html->methods.size)
			      : FV_FAILED;
	return status;
}

/* --- the map of t-SNE ---------------------------------------------------------------------------- */

/* Makes the map if the cache has the features: that of a configuration, or one that was named. Else there is none,
 * and the page says why. */
static fv_status make_map(fv_ctx *ctx, struct report *r, const core_results *results)
{
	cli_map_options options = {.cache = r->source.cache ? r->source.cache : "cache",
		.folders = r->source.folders,
		.fold = -1,
		.tsne = core_tsne_defaults()};
	options.tsne.threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
	if (core_is_dir(r->source.path) && !r->source.cache) {
		r->html.no_map = "tsne: needs features: name the cache of the study with --cache";
		return FV_OK;
	}
	fv_status status = cli_map_make(ctx, results, &options, &r->map);
	if (!status)
		r->html.map = &r->map;
	if (status != FV_DATA && status != FV_CONFIG)
		return status;
	r->html.no_map = core_strdup(ctx, core_error_line(ctx, 0));
	core_error_clear(ctx);
	return r->html.no_map ? FV_OK : FV_FAILED;
}

/* --- the subcommand --------------------------------------------------------------------------- */

static fv_status write_report(fv_ctx *ctx, struct report *r, const core_results *results)
{
	core_html_report html;
	core_variant_axes axes;
	fv_status status = make_map(ctx, r, results);
	if (!status)
		status = core_axes_find(ctx, results, &axes);
	if (status)
		return status;
	status = core_html_report_make(ctx, results, &axes, &r->html, &html);
	if (!status && r->assets)
		status = write_assets(ctx, r, results, &html);
	if (!status)
		status = core_file_write(ctx, r->output, html.page.data, html.page.size);
	if (!status)
		core_log(ctx, CORE_INFO, "%s: %zu figures, %.0f kB", r->output, html.n_figures,
			(double)html.page.size / 1000);
	core_html_report_free(&html);
	core_axes_free(&axes);
	return status;
}

/* Reads the claims before anything that takes long. */
static fv_status read_claims(fv_ctx *ctx, struct report *r)
{
	if (r->claims && !strcmp(r->claims, "none"))
		return FV_OK;
	fv_status status = core_claims_read(ctx, r->claims, &r->claim_list);
	r->html.claims = &r->claim_list;
	r->html.all_claims = r->claims != NULL;
	return status;
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	struct report report;
	core_registry *registry;
	core_results *results;
	fv_status status = parse_options(ctx, argc, argv, &report);
	if (!status)
		status = read_claims(ctx, &report);
	if (!status && !(report.html.name = name_study(ctx, &report)))
		status = FV_FAILED;
	if (!status)
		status = cli_results_read(ctx, &report.source, &results);
	if (status)
		return status;
	status = core_registry_open(
		ctx, report.source.folders.path, report.source.folders.n, &registry);
	report.html.registry = registry;
	if (!status)
		status = write_report(ctx, &report, results);
	core_results_free(results);
	return status;
}

const cli_verb cli_verb_report = {
	"report", "one HTML page of a study: table, figures, methods", usage, run};
