/* SPDX-License-Identifier: Apache-2.0 */
/* The two aggregates of every metric: means over folds, and all folds pooled. */
#include <string.h>

#include "base/plural.h"
#include "report/grid_tables.h"
#include "report/low_support.h"

enum { NAMES = 2 }; /* columns before the figures */

static core_figure make_figure(const core_mean *m, bool pooled)
{
	core_figure f = core_figure_of(pooled ? m->pooled : m->fold_mean);
	if (pooled)
		return f;
	f.e.value = m->mean;
	f.sd = m->sd;
	f.folds = m->folds;
	return f;
}

static void fill_row(const core_grid *grid, const core_grid_row *row, bool pooled,
	core_result_table *t, size_t i)
{
	core_name_row(t, i, 0, row);
	for (size_t j = 0; j < grid->n_columns; j++) {
		core_table_value *v = core_table_at(t, i, NAMES + j);
		if (pooled && !row->scores.test)
			continue;
		*v = core_value_figure(make_figure(&row->value[j], pooled));
		v->low_support = core_column_has_low_support(grid, row, j, pooled);
	}
}

/* Returns "3 of 10": runs that count, of all runs of the study. */
static const char *format_runs(fv_ctx *ctx, const core_grid_row *row)
{
	if (!row->variant)
		return "";
	int64_t used = (int64_t)row->variant->n_folds * row->variant->n_seeds;
	if (used == row->runs)
		return core_format(ctx, "%lld", (long long)used);
	return core_format(ctx, "%lld of %lld", (long long)used, (long long)row->runs);
}

static fv_status add_runs_column(fv_ctx *ctx, const core_grid *grid, core_result_table *t)
{
	size_t column = t->n_columns - 1;
	t->column[column] = core_plain_column("runs", "runs", CORE_FOR_PEOPLE);
	for (size_t i = 0; i < t->n_rows; i++) {
		const char *text = format_runs(ctx, core_grid_row_at(grid, i));
		if (!text)
			return FV_FAILED;
		*core_table_at(t, i, column) = core_value_text(text);
	}
	return FV_OK;
}

/* Ranks best and second among the variants; the baselines below them are not ranked. */
static fv_status rank_columns(fv_ctx *ctx, const core_grid *grid, core_result_table *t)
{
	bool *skip = core_alloc(ctx, t->n_rows + 1, sizeof *skip);
	fv_status status = skip ? FV_OK : FV_FAILED;
	for (size_t i = 0; i < t->n_rows && skip; i++)
		skip[i] = i >= grid->n_rows || core_row_unranked(&grid->row[i]);
	for (size_t j = 0; j < grid->n_columns && !status; j++)
		status = core_rank_table(ctx, t, NAMES + j, skip,
			core_metric_at(grid->column[j].id)->higher_is_better);
	return status;
}

static fv_status add_aggregate(
	fv_ctx *ctx, const core_grid *grid, bool pooled, core_document *document)
{
	const char *title =
		pooled ? "pooled: all test predictions together, each speaker once [excess over "
			 "the "
			 "null, p]; ▲ above its null (p ≤ .05)"
		       : core_format(ctx,
				 "fold_mean: mean ± sd over %lld fold%s (sd of folds, n-1) [excess "
				 "over the null, p]; ▲ above its null (p ≤ .05)",
				 (long long)grid->folds, core_plural(grid->folds));
	size_t rows = grid->n_rows + grid->n_baselines;
	core_result_table *t = core_document_add(ctx, document, pooled ? "pooled" : "fold_mean",
		title, rows, NAMES + grid->n_columns + (pooled ? 0 : 1));
	if (!t || !title)
		return FV_FAILED;
	if ((t->set = grid->options.set) && !(t->title = core_format(ctx, "%s, %s", t->set, title)))
		return FV_FAILED;
	core_name_columns(t, 0, "variant");
	unsigned parts = pooled ? CORE_SHOW_NULL : CORE_SHOW_SD | CORE_SHOW_FOLDS | CORE_SHOW_NULL;
	for (size_t j = 0; j < grid->n_columns; j++) {
		t->column[NAMES + j] = core_grid_figures(grid, j, parts);
		if (grid->column[j].few_speakers)
			t->column[NAMES + j].title =
				core_format(ctx, "%s °", grid->column[j].title);
		if (!t->column[NAMES + j].title)
			return FV_FAILED;
	}
	for (size_t i = 0; i < rows; i++)
		fill_row(grid, core_grid_row_at(grid, i), pooled, t, i);
	t->line[grid->n_rows] = grid->n_baselines > 0;
	fv_status status = rank_columns(ctx, grid, t);
	return status || pooled ? status : add_runs_column(ctx, grid, t);
}

fv_status core_add_aggregates(fv_ctx *ctx, const core_grid *grid, core_document *document)
{
	fv_status status = add_aggregate(ctx, grid, false, document);
	if (!status && grid->tests.n_sets && grid->options.scores)
		status = add_aggregate(ctx, grid, true, document);
	return status ? status : core_add_dev_threshold(ctx, grid, document);
}
