/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "report/columns.h"
#include "report/grid_private.h"
#include "report/table.h"
#include "report/versus.h"

core_table_options core_table_default(void)
{
	return (core_table_options){.draws = core_draws_default(),
		.scores = true,
		.compare = true,
		.baselines = true,
		.min_support = 10};
}

static double value_of(const core_result *run, const core_grid_column *column)
{
	return core_result_value(run, column->attribute, column->metric);
}

/* Mean over the seeds of a fold; NaN where none has the value. */
static double fold_value(const core_result_cell *cell, int32_t fold, const core_grid_column *column)
{
	double sum = 0;
	int n = 0;
	for (int32_t s = 0; s < cell->n_seeds; s++) {
		double value = value_of(cell->used[fold * cell->n_seeds + s], column);
		if (!isnan(value)) {
			sum += value;
			n++;
		}
	}
	return n ? sum / n : NAN;
}

static core_mean mean_over_folds(const core_result_cell *cell, const core_grid_column *column)
{
	core_mean m = {.fold_mean = core_estimate_of(NAN), .pooled = core_estimate_of(NAN)};
	for (int32_t f = 0; f < cell->n_folds; f++) {
		double value = fold_value(cell, f, column);
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

static bool chosen_on_test(const core_result *run)
{
	const json_t *cell = json_object_get(run->env, "cell");
	const char *split =
		json_string_value(json_object_get(json_object_get(cell, "selection"), "split"));
	return split && !strcmp(split, "test");
}

static void count_runs(const core_result_cell *cell, core_grid_row *row, core_grid *grid)
{
	row->runs = (int64_t)cell->n;
	for (size_t i = 0; i < cell->n; i++) {
		const core_result *run = &cell->run[i];
		row->done += run->state == CORE_RUN_DONE;
		row->transductive |= says(run, "transductive");
		row->on_test |= chosen_on_test(run);
		grid->synthetic |= says(run, "synthetic");
		grid->shared_speakers |= says(run, "shared_speakers");
	}
	if (cell->n_seeds > grid->seeds)
		grid->seeds = cell->n_seeds;
	if (cell->n_folds > grid->folds)
		grid->folds = cell->n_folds;
}

static const core_scores *attribute_scores(const core_cell_scores *scores, const char *name)
{
	for (int32_t a = 0; a < scores->test->n_attributes; a++)
		if (!strcmp(scores->test->attribute[a].name, name))
			return &scores->attribute[a];
	return NULL;
}

/* Both aggregates of a column from the row's scores. */
static void take_scores(const core_grid_row *row, const core_grid_column *column, core_mean *m)
{
	const core_cell_scores *s = &row->scores;
	if (!s->test)
		return;
	if (!column->attribute) {
		const core_estimate *both = column->stat == CORE_F1 ? s->f1 : s->acc;
		m->pooled = both[0];
		m->fold_mean = both[1];
		return;
	}
	const core_scores *own = attribute_scores(s, column->attribute);
	if (own) {
		m->pooled = own->pooled[column->stat];
		m->fold_mean = own->fold_mean[column->stat];
	}
}

static fv_status fill_cell(fv_ctx *ctx, const core_result_cell *cell, size_t index, core_grid *grid)
{
	core_grid_row *row = &grid->row[index];
	const core_evidence *e = &grid->evidence.cell[index];
	row->cell = cell;
	row->label = core_strndup(ctx, cell->name, strlen(cell->name) - 9);
	row->value = core_alloc(ctx, grid->n_columns, sizeof *row->value);
	row->reason = e->reason;
	if (!row->label || !row->value)
		return FV_FAILED;
	fv_status status = FV_OK;
	if (!e->reason && grid->options.scores)
		status = core_scores_of(ctx, &grid->evidence.test[e->test], e->n_seeds, e->set,
			&grid->options.draws, &row->scores);
	count_runs(cell, row, grid);
	for (size_t j = 0; j < grid->n_columns && !status; j++) {
		row->value[j] = mean_over_folds(cell, &grid->column[j]);
		take_scores(row, &grid->column[j], &row->value[j]);
	}
	return status;
}

/* A baseline has no runs: its means are those of the predictions. */
static void baseline_values(const core_grid *grid, core_grid_row *row)
{
	for (size_t j = 0; j < grid->n_columns; j++) {
		const core_grid_column *c = &grid->column[j];
		core_mean *m = &row->value[j];
		*m = (core_mean){.fold_mean = core_estimate_of(NAN),
			.pooled = core_estimate_of(NAN),
			.sd = NAN};
		take_scores(row, c, m);
		m->mean = m->fold_mean.value;
		const core_scores *own =
			c->attribute ? attribute_scores(&row->scores, c->attribute) : NULL;
		m->folds = own ? own->folds_used[c->stat] : grid->folds;
	}
}

static fv_status fill_baseline(
	fv_ctx *ctx, core_grid *grid, const core_test_set *test, int which, core_grid_row *row)
{
	*row = (core_grid_row){.value = core_alloc(ctx, grid->n_columns, sizeof *row->value)};
	const char *name = core_baseline_name((core_baseline)which);
	int64_t number = test - grid->evidence.test + 1;
	row->label = number == 1 ? name
				 : core_format(ctx, "%s (test set %lld)", name, (long long)number);
	if (!row->value || !row->label)
		return FV_FAILED;
	fv_status status = core_scores_of_baseline(
		ctx, test, (core_baseline)which, &grid->options.draws, &row->scores);
	if (!status && row->scores.test) {
		baseline_values(grid, row);
		grid->n_baselines++;
	}
	return status;
}

static fv_status fill_baselines(fv_ctx *ctx, core_grid *grid)
{
	size_t tests = (size_t)grid->evidence.n_tests;
	grid->baseline = core_alloc(ctx, tests * CORE_BASELINES + 1, sizeof *grid->baseline);
	if (!grid->baseline)
		return FV_FAILED;
	fv_status status = FV_OK;
	for (size_t t = 0; t < tests && grid->options.baselines; t++)
		for (int b = 0; b < CORE_BASELINES && !status; b++)
			status = fill_baseline(ctx, grid, &grid->evidence.test[t], b,
				&grid->baseline[grid->n_baselines]);
	return status;
}

/* A row trained without the bias that others have shows what there is to gain; it competes with none. */
static void find_unbiased(core_grid *grid)
{
	bool any = false;
	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < grid->n_rows; i++) {
			core_grid_row *row = &grid->row[i];
			const json_t *bias = core_row_env(row, "bias");
			if (!pass)
				any |= json_is_object(bias);
			else
				row->unbiased = any && json_is_null(bias);
		}
}

fv_status core_grid_make(fv_ctx *ctx, const core_results *results,
	const core_table_options *options, core_grid *grid)
{
	*grid = (core_grid){.n_rows = results->n, .options = *options};
	grid->row = core_alloc(ctx, results->n, sizeof *grid->row);
	if (!grid->row)
		return FV_FAILED;
	fv_status status = core_evidence_read(ctx, results, &grid->evidence);
	if (!status)
		status = core_columns_make(ctx, results, grid);
	for (size_t i = 0; i < results->n && !status; i++)
		status = fill_cell(ctx, &results->cell[i], i, grid);
	find_unbiased(grid);
	if (!status)
		status = fill_baselines(ctx, grid);
	return status ? status : core_versus_fill(ctx, grid);
}
