/* SPDX-License-Identifier: Apache-2.0 */
#include "html/report.h"

#include <string.h>

#include "base/embedded.h"
#include "base/file.h"
#include "base/markup.h"
#include "html/page.h"
#include "report/best_on_dev.h"
#include "report/short_table.h"

/* The sections in order; one that writes nothing is left out. */
static const struct section {
	const char *id, *title;
	fv_status (*write)(core_html_page *page);
} sections[] = {
	{"answer", "The answer", core_html_answer},
	{"table", "Table 1", core_html_main_table},
	{"effects", "Effects, and why", core_html_effects},
	{"tradeoff", "Trade-off and settings", core_html_tradeoff},
	{"groups", "Inferred groups", core_html_groups},
	{"per-group", "Within groups", core_html_per_group},
	{"training", "Training", core_html_training},
	{"data", "Data", core_html_data},
	{"methods", "Methods", core_html_methods},
	{"claims", "Claims", core_html_claims},
	{"caveats", "Caveats", core_html_caveats},
};
enum { SECTIONS = sizeof sections / sizeof *sections };

/* --- the study -------------------------------------------------------------------------------- */

/* Finds the row that others are compared with. */
static int64_t find_reference(const core_grid *grid)
{
	for (size_t i = 0; i < grid->n_rows; i++)
		if (core_row_is_reference(grid, i))
			return (int64_t)i;
	for (size_t i = 0; i < grid->n_rows; i++)
		if (core_row_is_plain(&grid->row[i], false))
			return (int64_t)i;
	return -1;
}

static fv_status read_settings(core_html_page *page)
{
	page->settings = core_alloc(page->ctx, page->results->n + 1, sizeof *page->settings);
	if (!page->settings)
		return FV_FAILED;
	for (size_t i = 0; i < page->results->n; i++) {
		const core_variant_result *v = &page->results->variant[i];
		char *path = v->n_folds ? core_path_join(page->ctx, v->used[0]->dir, "config.yaml")
					: NULL;
		core_yaml *tree = NULL;
		if (!path || !core_file_exists(path))
			continue;
		fv_status status = core_yaml_read(page->ctx, path, &tree);
		if (status)
			return status;
		page->settings[i] = tree;
	}
	return FV_OK;
}

static fv_status prepare_page(core_html_page *page)
{
	const core_column_request *main = &page->choice->main;
	page->column = core_grid_find_column(page->grid, main);
	page->reference = find_reference(page->grid);
	fv_status status = core_find_best_on_dev(
		page->ctx, page->grid, main->attribute, main->id, &page->best);
	if (!status)
		status = core_row_names_make(page->ctx, page->grid, NULL, NULL, &page->names);
	return status ? status : read_settings(page);
}

/* --- the page --------------------------------------------------------------------------------- */

static void put_head(const core_html_page *page, core_text *out)
{
	core_text_add(out,
		"<!DOCTYPE html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n"
		"<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=color-scheme content=\"light dark\">\n"
		"<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; "
		"style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n"
		"<link rel=icon href=\"data:,\">\n<title>");
	core_text_markup(out, page->options->name);
	core_text_add(out, ": results</title>\n<style>\n%s</style>\n</head>\n<body>\n",
		core_embedded_text("core/src/html/report.css"));
	core_text_add(out, "<header><h1>");
	core_text_markup(out, page->options->name);
	core_text_add(out, "</h1>\n");
	if (page->grid->synthetic)
		core_text_add(out, "<p class=warning>Synthetic speech: these numbers say nothing "
				   "about people.</p>\n");
	core_text_add(out, "</header>\n");
}

static void put_contents(const core_text *body, core_text *out)
{
	core_text_add(out, "<nav aria-label=Contents><ol>\n");
	for (int k = 0; k < SECTIONS; k++)
		if (body[k].size)
			core_text_add(out, "<li><a href=\"#%s\">%s</a></li>\n", sections[k].id,
				sections[k].title);
	core_text_add(out, "</ol></nav>\n<main>\n");
}

static void put_page(const core_html_page *page, const core_text *body, core_text *out)
{
	put_head(page, out);
	put_contents(body, out);
	for (int k = 0; k < SECTIONS; k++) {
		if (!body[k].size)
			continue;
		core_text_add(out, "<section id=%s aria-labelledby=%s-h>\n<h2 id=%s-h>%s</h2>\n",
			sections[k].id, sections[k].id, sections[k].id, sections[k].title);
		core_text_put(out, body[k].data, body[k].size);
		core_text_add(out, "</section>\n");
	}
	core_text_add(out,
		"</main>\n<footer>Made by fairvox %s report from the run folders of the "
		"study; nothing was chosen on this page that the text does not say.</footer>\n"
		"<script>\n%s</script>\n</body>\n</html>\n",
		FAIRVOX_VERSION, core_embedded_text("core/src/html/report.js"));
}

static fv_status write_page(core_html_page *page)
{
	core_text *body = core_alloc(page->ctx, SECTIONS, sizeof *body);
	fv_status status = body ? FV_OK : FV_FAILED;
	bool failed = false;
	for (int k = 0; k < SECTIONS && !status; k++) {
		page->out = &body[k];
		status = sections[k].write(page);
		failed |= body[k].failed;
	}
	if (!status)
		put_page(page, body, &page->report->page);
	for (int k = 0; k < SECTIONS && body; k++)
		core_text_free(&body[k]);
	if (!status && (failed || page->report->page.failed))
		status = fv_fail(page->ctx, FV_FAILED, "out of memory");
	return status;
}

fv_status core_html_report_make(fv_ctx *ctx, const core_results *results,
	const core_variant_axes *axes, const core_html_options *options, core_html_report *out)
{
	core_grid grid;
	core_short_choice choice;
	*out = (core_html_report){.main = core_document_new(ctx),
		.details = core_document_new(ctx),
		.claims = core_document_new(ctx)};
	if (!out->main || !out->details || !out->claims)
		return FV_FAILED;
	fv_status status = core_short_choose(ctx, results, axes, NULL, NULL, &choice);
	core_table_options table = options->table;
	table.lists_failures = true;
	if (!status) {
		table.request = choice.request;
		table.n_requests = choice.n_requests;
		status = core_grid_make(ctx, results, &table, &grid);
	}
	core_html_page page = {.ctx = ctx,
		.results = results,
		.grid = &grid,
		.axes = axes,
		.choice = &choice,
		.options = options,
		.report = out};
	if (!status)
		status = prepare_page(&page);
	return status ? status : write_page(&page);
}

void core_html_report_free(core_html_report *report)
{
	core_text_free(&report->page);
	core_text_free(&report->methods);
	core_document_free(report->main);
	core_document_free(report->details);
	core_document_free(report->claims);
}
