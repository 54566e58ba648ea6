/* SPDX-License-Identifier: Apache-2.0 */
#include "report/grid.h"

#include <math.h>
#include <string.h>

#include "report/columns.h"
#include "report/effects.h"

core_table_options core_table_default(void)
{
	return (core_table_options){.draws = core_draws_default(),
		.scores = true,
		.compare = true,
		.baselines = true,
		.details = true,
		.min_support = 10};
}

/* Returns the mean over the seeds of a fold; NaN: no seed has the value. */
static double average_seeds(const core_grid *grid, const core_variant_predictions *p, int32_t fold,
	const core_grid_column *column)
{
	double sum = 0;
	int n = 0;
	for (int32_t s = 0; s < p->n_seeds; s++) {
		double value = core_run_values(
			&grid->tests, p, fold, s, column->attribute_index)[column->id];
		if (!isnan(value)) {
			sum += value;
			n++;
		}
	}
	return n ? sum / n : NAN;
}

double core_fold_value(const core_grid *grid, size_t row, int32_t fold, size_t column)
{
	return average_seeds(grid, &grid->tests.variant[row], fold, &grid->column[column]);
}

static core_mean average_folds(const core_grid *grid, const core_variant_result *variant,
	const core_variant_predictions *p, const core_grid_column *column)
{
	core_mean m = {.fold_mean = core_estimate_of(NAN), .pooled = core_estimate_of(NAN)};
	for (int32_t f = 0; f < variant->n_folds; f++) {
		double value = average_seeds(grid, p, f, column);
		if (isnan(value))
			continue;
		double before = m.mean; /* Welford's algorithm */
		m.folds++;
		m.mean += (value - before) / (double)m.folds;
		m.sd += (value - before) * (value - m.mean);
	}
	m.sd = m.folds > 1 ? sqrt(m.sd / (double)(m.folds - 1)) : NAN;
	if (!m.folds)
		m.mean = NAN;
	return m;
}

static void count_runs(const core_variant_result *variant, core_grid_row *row, core_grid *grid)
{
	row->runs = (int64_t)variant->n;
	for (size_t i = 0; i < variant->n; i++) {
		const core_run_facts *facts = variant->run[i].facts;
		if (!facts)
			continue;
		row->done++;
		row->transductive |= facts->transductive;
		row->on_test |= !strcmp(facts->selection.split, "test");
		grid->synthetic |= facts->synthetic;
		grid->shared_speakers |= facts->shared_speakers;
		grid->no_speakers |= facts->no_speakers;
	}
	if (variant->n_seeds > grid->seeds)
		grid->seeds = variant->n_seeds;
	if (variant->n_folds > grid->folds)
		grid->folds = variant->n_folds;
}

static const core_scores *find_attribute_scores(const core_variant_scores *scores, const char *name)
{
	for (int32_t a = 0; a < scores->test->n_attributes; a++)
		if (!strcmp(scores->test->attribute[a].name, name))
			return &scores->attribute[a];
	return NULL;
}

/* Finds the scores that a column shows; NULL: none. */
static const core_scores *find_column_scores(
	const core_variant_scores *scores, const core_grid_column *column)
{
	if (!scores->test)
		return NULL;
	return column->attribute ? find_attribute_scores(scores, column->attribute)
				 : &scores->overall;
}

/* Sets both aggregates of a column from the row's scores. */
static void set_aggregates(const core_grid_row *row, const core_grid_column *column, core_mean *m)
{
	const core_scores *own = find_column_scores(&row->scores, column);
	if (!own)
		return;
	m->pooled = own->pooled[column->id];
	m->fold_mean = own->fold_mean[column->id];
}

static fv_status fill_variant(
	fv_ctx *ctx, const core_variant_result *variant, size_t index, core_grid *grid)
{
	core_grid_row *row = &grid->row[index];
	const core_variant_predictions *p = &grid->tests.variant[index];
	row->variant = variant;
	row->facts = core_variant_facts(variant);
	row->label = variant->label;
	row->older = variant->older;
	row->value = core_alloc(ctx, grid->n_columns, sizeof *row->value);
	row->reason = p->reason;
	if (!row->value)
		return FV_FAILED;
	fv_status status = FV_OK;
	if (!p->reason && grid->options.scores)
		status = core_scores_of(ctx, &grid->tests.set[p->test], p->n_seeds, p->set,
			&(core_scores_request){
				grid->options.draws, grid->shown, grid->options.details},
			&row->scores);
	count_runs(variant, row, grid);
	for (size_t j = 0; j < grid->n_columns && !status; j++) {
		row->value[j] = average_folds(grid, variant, p, &grid->column[j]);
		set_aggregates(row, &grid->column[j], &row->value[j]);
	}
	return status;
}

/* Sets the means of a baseline, which has no runs, from its predictions. */
static void fill_baseline_values(const core_grid *grid, core_grid_row *row)
{
	for (size_t j = 0; j < grid->n_columns; j++) {
		const core_grid_column *c = &grid->column[j];
		core_mean *m = &row->value[j];
		*m = (core_mean){.fold_mean = core_estimate_of(NAN),
			.pooled = core_estimate_of(NAN),
			.sd = NAN};
		set_aggregates(row, c, m);
		m->mean = m->fold_mean.value;
		const core_scores *own = find_column_scores(&row->scores, c);
		m->folds = own ? own->folds_used[c->id] : grid->folds;
	}
}

static fv_status fill_baseline(
	fv_ctx *ctx, core_grid *grid, const core_test_set *test, int which, core_grid_row *row)
{
	*row = (core_grid_row){.value = core_alloc(ctx, grid->n_columns, sizeof *row->value)};
	const char *name = core_baseline_name((core_baseline)which);
	int64_t number = test - grid->tests.set + 1;
	row->label = number == 1 ? name
				 : core_format(ctx, "%s (test set %lld)", name, (long long)number);
	if (!row->value || !row->label)
		return FV_FAILED;
	fv_status status = core_scores_of_baseline(ctx, test, (core_baseline)which,
		&(core_scores_request){grid->options.draws, grid->shown, grid->options.details},
		&row->scores);
	if (!status && row->scores.test) {
		fill_baseline_values(grid, row);
		grid->n_baselines++;
	}
	return status;
}

static fv_status fill_baselines(fv_ctx *ctx, core_grid *grid)
{
	size_t tests = (size_t)grid->tests.n_sets;
	grid->baseline = core_alloc(ctx, tests * CORE_BASELINES + 1, sizeof *grid->baseline);
	if (!grid->baseline)
		return FV_FAILED;
	fv_status status = FV_OK;
	for (size_t t = 0; t < tests && grid->options.baselines; t++)
		for (int b = 0; b < CORE_BASELINES && !status; b++)
			status = fill_baseline(ctx, grid, &grid->tests.set[t], b,
				&grid->baseline[grid->n_baselines]);
	return status;
}

/* Finds variants trained without the simulated bias that others have. They show how much can be gained
 * and are not ranked. */
static void find_unbiased(core_grid *grid)
{
	bool any = false;
	for (size_t i = 0; i < grid->n_rows; i++)
		any |= grid->row[i].facts && grid->row[i].facts->biased;
	for (size_t i = 0; i < grid->n_rows; i++) {
		const core_run_facts *facts = grid->row[i].facts;
		grid->row[i].unbiased = any && facts && facts->says_bias && !facts->biased;
	}
}

/* Leaves out of all draws what no column shows: without details, what was not asked for. */
static void limit_draws(core_grid *grid)
{
	core_table_options *o = &grid->options;
	core_metric_mask drawn = 0;
	for (size_t j = 0; j < grid->n_columns; j++)
		grid->shown |= (core_metric_mask)1 << grid->column[j].id;
	for (size_t k = 0; k < o->n_requests; k++)
		drawn |= o->request[k].drawn ? (core_metric_mask)1 << o->request[k].id : 0;
	o->draws.only = o->details ? grid->shown | CORE_WITH_TPR : drawn;
	if (!o->draws.only)
		o->draws.n = 0;
}

fv_status core_grid_make(fv_ctx *ctx, const core_results *results,
	const core_table_options *options, core_grid *grid)
{
	*grid = (core_grid){
		.n_rows = results->n, .n_trials = results->n_trials, .options = *options};
	grid->options.draws.no_folds |= !options->details;
	grid->row = core_alloc(ctx, results->n, sizeof *grid->row);
	if (!grid->row)
		return FV_FAILED;
	fv_status status = core_test_sets_read(ctx, results, options->set, &grid->tests);
	if (!status)
		status = core_columns_make(ctx, results, grid);
	limit_draws(grid);
	for (size_t i = 0; i < results->n && !status; i++)
		status = fill_variant(ctx, &results->variant[i], i, grid);
	find_unbiased(grid);
	if (!status)
		status = fill_baselines(ctx, grid);
	return status ? status : core_effects_fill(ctx, results, grid);
}
