/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "report/table.h"

/* The first done run of all: its metrics say which attributes there are. */
static const core_result *first_done(const core_results *results)
{
	for (size_t i = 0; i < results->n; i++)
		for (size_t j = 0; j < results->cell[i].n; j++)
			if (results->cell[i].run[j].state == CORE_RUN_DONE)
				return &results->cell[i].run[j];
	return NULL;
}

static fv_status make_columns(fv_ctx *ctx, const core_results *results, core_grid *grid)
{
	const core_result *run = first_done(results);
	if (!run)
		return fv_fail(ctx, FV_DATA, "%s: no run is done", results->dir);
	size_t attributes = 0;
	while (core_result_attribute(run, attributes))
		attributes++;
	core_grid_column *c = core_alloc(ctx, 2 + 2 * attributes, sizeof *c);
	if (!c)
		return FV_FAILED;
	grid->column = c;
	*c++ = (core_grid_column){NULL, "f1", "F1", true};
	*c++ = (core_grid_column){NULL, "acc", "ACC", true};
	for (size_t i = 0; i < attributes; i++) {
		const char *name = core_strdup(ctx, core_result_attribute(run, i));
		char *tpr = name ? core_format(ctx, "%s TPR gap", name) : NULL;
		char *dp = name ? core_format(ctx, "%s DP gap", name) : NULL;
		if (!tpr || !dp)
			return FV_FAILED;
		*c++ = (core_grid_column){name, "tpr_gap", tpr, false};
		*c++ = (core_grid_column){name, "dp_gap", dp, false};
	}
	grid->n_columns = (size_t)(c - grid->column);
	return FV_OK;
}

/* Mean over the seeds of the fold that starts at *at; moves *at behind it. */
static double fold_value(const core_result_cell *cell, const core_grid_column *column, size_t *at)
{
	double sum = 0;
	int n = 0;
	int64_t fold = cell->run[*at].fold;
	for (; *at < cell->n && cell->run[*at].fold == fold; ++*at) {
		const core_result *run = &cell->run[*at];
		double value = run->state == CORE_RUN_DONE
				       ? core_result_value(run, column->attribute, column->metric)
				       : NAN;
		if (!isnan(value)) {
			sum += value;
			n++;
		}
	}
	return n ? sum / n : NAN;
}

static core_mean mean_over_folds(const core_result_cell *cell, const core_grid_column *column)
{
	core_mean m = {0, 0, 0};
	for (size_t at = 0; at < cell->n;) {
		double value = fold_value(cell, column, &at);
		if (isnan(value))
			continue;
		double before = m.mean; /* Welford */
		m.folds++;
		m.mean += (value - before) / (double)m.folds;
		m.sd += (value - before) * (value - m.mean);
	}
	m.sd = m.folds > 1 ? sqrt(m.sd / (double)(m.folds - 1)) : NAN;
	if (!m.folds)
		m.mean = NAN;
	return m;
}

static bool says(const core_result *run, const char *key)
{
	return json_is_true(json_object_get(run->env, key));
}

static void count_runs(const core_result_cell *cell, core_grid_row *row, core_grid *grid)
{
	int64_t folds = 0, seeds = 0, last = 0;
	for (size_t i = 0; i < cell->n; i++) {
		const core_result *run = &cell->run[i];
		row->runs++;
		row->done += run->state == CORE_RUN_DONE;
		row->transductive |= says(run, "transductive");
		grid->synthetic |= says(run, "synthetic");
		grid->shared_speakers |= says(run, "shared_speakers");
		if (!i || run->fold != last) {
			folds++;
			seeds = 0;
		}
		last = run->fold;
		seeds++;
		if (seeds > grid->seeds)
			grid->seeds = seeds;
	}
	if (folds > grid->folds)
		grid->folds = folds;
}

fv_status core_grid_make(fv_ctx *ctx, const core_results *results, core_grid *grid)
{
	*grid = (core_grid){.n_rows = results->n};
	fv_status status = make_columns(ctx, results, grid);
	if (status)
		return status;
	grid->row = core_alloc(ctx, results->n, sizeof *grid->row);
	if (!grid->row)
		return FV_FAILED;
	for (size_t i = 0; i < results->n; i++) {
		core_grid_row *row = &grid->row[i];
		row->cell = &results->cell[i];
		row->value = core_alloc(ctx, grid->n_columns, sizeof *row->value);
		if (!row->value)
			return FV_FAILED;
		count_runs(row->cell, row, grid);
		for (size_t j = 0; j < grid->n_columns; j++)
			row->value[j] = mean_over_folds(row->cell, &grid->column[j]);
	}
	return FV_OK;
}
