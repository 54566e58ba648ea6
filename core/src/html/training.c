/* SPDX-License-Identifier: Apache-2.0 */
/* The section on training: learning curves, epochs kept, and runs that failed or are missing. */
#include <string.h>

#include "base/markup.h"
#include "html/figures.h"
#include "report/tuning.h"

enum { LISTED = 50, ROWS_MAX = 100 };

/* --- epochs kept ------------------------------------------------------------------------------ */

enum { VARIANT, RULE, RUNS, FIRST, LAST, COLUMNS };

/* Counts the runs that kept their first, and their last epoch. */
static void count_edges(const core_variant_result *v, int64_t *first, int64_t *last)
{
	*first = *last = 0;
	for (int32_t k = 0; k < v->n_folds * v->n_seeds; k++) {
		const json_t *metrics = v->used[k]->metrics;
		json_int_t kept = json_integer_value(json_object_get(metrics, "selected_epoch"));
		json_int_t epochs = json_integer_value(json_object_get(metrics, "epochs"));
		*first += epochs > 1 && kept == 1;
		*last += epochs > 1 && kept == epochs;
	}
}

static size_t count_edge_rows(const core_html_page *page)
{
	size_t n = 0;
	for (size_t i = 0; i < page->grid->n_rows; i++) {
		int64_t first, last;
		count_edges(page->grid->row[i].variant, &first, &last);
		n += first || last;
	}
	return n;
}

static fv_status add_edges(core_html_page *page)
{
	static const char *const titles[COLUMNS] = {
		"variant", "rule", "runs", "kept the first epoch", "kept the last epoch"};
	size_t rows = count_edge_rows(page), at = 0;
	if (!rows) {
		core_text_add(page->out,
			"<p>No run kept the first or the last epoch that it could.</p>\n");
		return FV_OK;
	}
	core_result_table *t = core_document_add_titled(page->ctx, page->report->details,
		"kept_epochs",
		"Runs that kept the first or the last epoch that they could: a longer training or "
		"another learning rate may do better",
		titles, COLUMNS, rows);
	if (!t)
		return FV_FAILED;
	for (size_t i = 0; i < page->grid->n_rows; i++) {
		const core_grid_row *row = &page->grid->row[i];
		int64_t first, last;
		count_edges(row->variant, &first, &last);
		if (!first && !last)
			continue;
		*core_table_at(t, at, VARIANT) = core_value_text(core_html_name_row(page, i));
		*core_table_at(t, at, RULE) = core_value_text(row->facts->selection.rule);
		*core_table_at(t, at, RUNS) =
			core_value_count((int64_t)row->variant->n_folds * row->variant->n_seeds);
		*core_table_at(t, at, FIRST) = core_value_count(first);
		*core_table_at(t, at++, LAST) = core_value_count(last);
	}
	if (rows <= ROWS_MAX)
		core_html_table(page->out, t);
	else
		core_text_add(page->out,
			"<p>Runs of %zu variants kept the first or the last epoch that they could: "
			"a "
			"longer training or another learning rate may do better.</p>\n",
			rows);
	return FV_OK;
}

/* --- runs without results --------------------------------------------------------------------- */

static const char *const states[] = {[CORE_RUN_RUNNING] = "running or interrupted",
	[CORE_RUN_FAILED] = "failed",
	[CORE_RUN_OPEN] = "not started",
	[CORE_RUN_LEFT_OUT] = "left out: unreadable, or of another version"};
enum { STATES = sizeof states / sizeof *states };

static size_t count_states(const core_html_page *page, int64_t n[STATES])
{
	size_t all = 0;
	for (size_t i = 0; i < page->results->n; i++)
		for (size_t k = 0; k < page->results->variant[i].n; k++) {
			core_run_status status = page->results->variant[i].run[k].status;
			if (status == CORE_RUN_DONE)
				continue;
			n[status]++;
			all++;
		}
	return all;
}

static fv_status fill_run(core_html_page *page, size_t variant, const core_run_result *run,
	core_result_table *t, size_t at)
{
	const char *reason = run->reason && !page->options->anonymous
				     ? core_html_shorten_paths(page->ctx, run->reason)
				     : NULL;
	if (run->reason && !page->options->anonymous && !reason)
		return FV_FAILED;
	*core_table_at(t, at, 0) = core_value_text(page->results->variant[variant].label);
	*core_table_at(t, at, 1) = core_value_count(run->fold);
	*core_table_at(t, at, 2) = core_value_count(run->seed);
	*core_table_at(t, at, 3) = core_value_text(states[run->status]);
	*core_table_at(t, at, 4) = core_value_text(reason);
	return FV_OK;
}

static fv_status add_missing(core_html_page *page)
{
	static const char *const titles[] = {"variant", "fold", "seed", "state", "reason"};
	int64_t n[STATES] = {0};
	size_t all = count_states(page, n), at = 0, rows = all < LISTED ? all : LISTED;
	fv_status status = FV_OK;
	if (!all) {
		core_text_add(page->out, "<p>All runs are finished.</p>\n");
		return FV_OK;
	}
	core_text_add(page->out, "<p>Runs without results: ");
	for (int k = 0, before = 0; k < STATES; k++)
		if (n[k])
			core_text_add(page->out, "%s%lld %s", before++ ? ", " : "", (long long)n[k],
				states[k]);
	core_text_add(page->out, "%s</p>\n", all > rows ? "; the first are listed." : ".");
	core_result_table *t =
		core_document_add_titled(page->ctx, page->report->details, "missing_runs",
			"Runs without results", titles, sizeof titles / sizeof *titles, rows);
	if (!t)
		return FV_FAILED;
	for (size_t i = 0; i < page->results->n && !status; i++)
		for (size_t k = 0; k < page->results->variant[i].n && at < rows && !status; k++) {
			const core_run_result *run = &page->results->variant[i].run[k];
			if (run->status != CORE_RUN_DONE)
				status = fill_run(page, i, run, t, at++);
		}
	core_html_table(page->out, t);
	return status;
}

static fv_status add_tuning(core_html_page *page)
{
	size_t before = page->report->details->n_tables;
	fv_status status = core_add_tuning(page->ctx, page->grid, page->report->details);
	if (!status)
		core_html_tables(page->out, page->report->details, before);
	return status;
}

fv_status core_html_training(core_html_page *page)
{
	fv_status status = core_html_figure_add(page, "curves", NULL);
	if (!status)
		status = add_edges(page);
	if (!status)
		status = add_tuning(page);
	return status ? status : add_missing(page);
}
