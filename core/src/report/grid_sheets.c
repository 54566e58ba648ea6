/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "report/decimal.h"
#include "report/few.h"
#include "report/grid_private.h"
#include "report/spread.h"

/* " [+0.158, p <.001] ▲": excess over the null, its p, and whether the gap is above it. */
static void put_null(core_text *out, const core_estimate *e)
{
	if (isnan(e->p))
		return;
	core_text_add(out, " [");
	core_put_signed(out, e->excess);
	core_text_add(out, ", ");
	core_put_p(out, e->p);
	core_text_add(out, "]%s", e->p <= CORE_SIGNIFICANT ? " ▲" : "");
}

const char *core_null_text(fv_ctx *ctx, const core_estimate *e)
{
	core_text text = {0};
	put_null(&text, e);
	return core_text_take(ctx, &text);
}

static fv_status put_mean(
	fv_ctx *ctx, const core_grid *grid, const core_mean *m, bool pooled, core_sheet_cell *cell)
{
	core_text value = {0}, after = {0};
	core_put_value(&value, pooled ? m->pooled.value : m->mean);
	if (!pooled && !isnan(m->sd))
		core_text_add(&after, " ± %.3f", m->sd);
	if (!pooled && m->folds && m->folds < grid->folds)
		core_text_add(
			&after, " (%lld fold%s)", (long long)m->folds, m->folds == 1 ? "" : "s");
	put_null(&after, pooled ? &m->pooled : &m->fold_mean);
	cell->value = core_text_take(ctx, &value);
	cell->after = core_text_take(ctx, &after);
	return cell->value && cell->after ? FV_OK : FV_FAILED;
}

static const char *head_of(fv_ctx *ctx, const core_grid_column *column)
{
	return column->few_speakers ? core_format(ctx, "%s °", column->title) : column->title;
}

/* Names of rows and columns, ranks, and the line above the baselines. */
static fv_status frame(fv_ctx *ctx, const core_grid *grid, bool pooled, core_sheet *sheet)
{
	size_t n = grid->n_rows;
	int64_t *value = core_alloc(ctx, n + 1, sizeof *value);
	bool *skip = core_alloc(ctx, n + 1, sizeof *skip);
	core_rank *rank = core_alloc(ctx, n + 1, sizeof *rank);
	if (!value || !skip || !rank)
		return FV_FAILED;
	sheet->head[0] = "cell";
	for (size_t i = 0; i < sheet->n_rows; i++) {
		const core_grid_row *row = i < n ? &grid->row[i] : &grid->baseline[i - n];
		core_sheet_at(sheet, i, 0)->value = row->label;
		core_sheet_at(sheet, i, 0)->after = core_row_marks(row);
	}
	sheet->line[n] = sheet->n_rows > n;
	for (size_t j = 0; j < grid->n_columns; j++) {
		sheet->head[j + 1] = head_of(ctx, &grid->column[j]);
		for (size_t i = 0; i < n; i++) {
			const core_mean *m = &grid->row[i].value[j];
			value[i] = core_thousandths(pooled ? m->pooled.value : m->mean);
			skip[i] = core_row_unranked(&grid->row[i]);
		}
		core_rank_column(n, value, skip, grid->column[j].higher_is_better, rank);
		for (size_t i = 0; i < n; i++)
			core_sheet_at(sheet, i, j + 1)->rank = rank[i];
	}
	return FV_OK;
}

static fv_status aggregate_sheet(
	fv_ctx *ctx, const core_grid *grid, bool pooled, core_document *document)
{
	const char *title =
		pooled ? core_format(ctx,
				 "pooled: all test predictions together, each speaker once "
				 "[excess over the null, p]; ▲ above its null (p ≤ .05)")
		       : core_format(ctx,
				 "fold_mean: mean ± sd over %lld fold%s (sd of folds, n-1) [excess "
				 "over the null, p]; ▲ above its null (p ≤ .05)",
				 (long long)grid->folds, grid->folds == 1 ? "" : "s");
	size_t rows = grid->n_rows + grid->n_baselines;
	core_sheet *sheet =
		core_sheet_add(ctx, document, title, rows, grid->n_columns + (pooled ? 1 : 2));
	fv_status status = sheet ? frame(ctx, grid, pooled, sheet) : FV_FAILED;
	for (size_t i = 0; i < rows && !status; i++) {
		const core_grid_row *row =
			i < grid->n_rows ? &grid->row[i] : &grid->baseline[i - grid->n_rows];
		for (size_t j = 0; j < grid->n_columns && !status; j++) {
			core_sheet_cell *cell = core_sheet_at(sheet, i, j + 1);
			status = put_mean(ctx, grid, &row->value[j], pooled, cell);
			cell->few = core_few_column(grid, row, j, pooled);
		}
		if (pooled || status)
			continue;
		int64_t used = row->cell ? (int64_t)row->cell->n_folds * row->cell->n_seeds : 0;
		const char *runs = !row->cell ? ""
				   : used == row->runs
					   ? core_format(ctx, "%lld", (long long)used)
					   : core_format(ctx, "%lld of %lld", (long long)used,
						     (long long)row->runs);
		core_sheet_at(sheet, i, grid->n_columns + 1)->value = runs;
		status = runs ? FV_OK : FV_FAILED;
	}
	if (!pooled && !status)
		sheet->head[grid->n_columns + 1] = "runs";
	return status;
}

fv_status core_grid_sheets(fv_ctx *ctx, const core_grid *grid, core_document *document)
{
	fv_status status = aggregate_sheet(ctx, grid, false, document);
	if (!status && grid->evidence.n_tests)
		status = aggregate_sheet(ctx, grid, true, document);
	if (!status)
		status = core_versus_sheet(ctx, grid, document);
	if (!status)
		status = core_difference_sheet(ctx, grid, document);
	if (!status)
		status = core_spread_sheet(ctx, grid, document);
	return status ? status : core_facts_sheet(ctx, grid, true, document);
}
