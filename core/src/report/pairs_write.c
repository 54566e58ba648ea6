/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/json.h"
#include "report/decimal.h"
#include "report/few.h"
#include "report/grid_private.h"
#include "report/pairs.h"

/* "-0.099, p .004" with p as Benjamini and Hochberg adjust it */
static fv_status put_pair(fv_ctx *ctx, const core_grid *grid, const core_pair *pair, size_t column,
	core_sheet_cell *cell)
{
	core_text value = {0};
	if (isnan(pair->diff[column])) {
		cell->value = "—";
		return FV_OK;
	}
	core_put_signed(&value, pair->diff[column]);
	if (!isnan(pair->bh[column])) {
		core_text_add(&value, ", ");
		core_put_p(&value, pair->bh[column]);
	}
	cell->few = core_few_column(grid, &grid->row[pair->a], column, true);
	cell->value = core_text_take(ctx, &value);
	return cell->value ? FV_OK : FV_FAILED;
}

static fv_status write_document(
	fv_ctx *ctx, const core_pairs *pairs, core_table_format format, core_text *out)
{
	const core_grid *grid = pairs->grid;
	core_document *d = core_alloc(ctx, 1, sizeof *d);
	core_sheet *sheet = d ? core_sheet_add(ctx, d,
					"Every pair of cells, pooled: difference, p by exchanging "
					"predictions speaker by "
					"speaker (exploratory, Benjamini-Hochberg within a column)",
					pairs->n, grid->n_columns + 1)
			      : NULL;
	fv_status status = sheet ? FV_OK : FV_FAILED;
	for (size_t j = 0; j < grid->n_columns && !status; j++)
		sheet->head[j + 1] = grid->column[j].title;
	for (size_t i = 0; i < pairs->n && !status; i++) {
		const core_pair *pair = &pairs->pair[i];
		sheet->head[0] = "pair";
		core_sheet_at(sheet, i, 0)->value =
			core_pair_label(ctx, &grid->row[pair->a], &grid->row[pair->b]);
		if (pair->reason)
			core_sheet_at(sheet, i, 1)->value = pair->reason;
		for (size_t j = 0; j < grid->n_columns && !pair->reason && !status; j++)
			status = put_pair(ctx, grid, pair, j, core_sheet_at(sheet, i, j + 1));
	}
	if (!status)
		status = core_facts_sheet(ctx, grid, false, d);
	if (!status)
		status = core_grid_notes(ctx, grid, d);
	if (!status && format == CORE_TABLE_MD)
		core_document_md(d, out);
	else if (!status)
		core_document_tex(d, out);
	return status;
}

static void put_known(core_text *out, double value)
{
	core_text_add(out, ",");
	if (!isnan(value))
		core_put_exact(out, value);
}

static void write_csv(const core_pairs *pairs, core_text *out)
{
	const core_grid *grid = pairs->grid;
	core_text_add(out, "a,b,attribute,metric,difference,p,p_holm,p_bh,few,reason\n");
	for (size_t i = 0; i < pairs->n; i++) {
		const core_pair *pair = &pairs->pair[i];
		for (size_t j = 0; j < grid->n_columns; j++) {
			const core_grid_column *c = &grid->column[j];
			core_text_csv(out, grid->row[pair->a].cell->name);
			core_text_add(out, ",");
			core_text_csv(out, grid->row[pair->b].cell->name);
			core_text_add(out, ",");
			core_text_csv(out, c->attribute ? c->attribute : "");
			core_text_add(out, ",%s", c->metric);
			put_known(out, pair->diff[j]);
			put_known(out, pair->p[j]);
			put_known(out, pair->holm[j]);
			put_known(out, pair->bh[j]);
			core_text_add(
				out, ",%d,", core_few_column(grid, &grid->row[pair->a], j, true));
			core_text_csv(out, pair->reason ? pair->reason : "");
			core_text_add(out, "\n");
		}
	}
}

static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *pair_json(const core_grid *grid, const core_pair *pair)
{
	json_t *list = json_array();
	for (size_t j = 0; j < grid->n_columns && !pair->reason; j++) {
		const core_grid_column *c = &grid->column[j];
		json_array_append_new(
			list, json_pack("{s:s?, s:s, s:o, s:o, s:o, s:o, s:b}", "attribute",
				      c->attribute, "metric", c->metric, "difference",
				      number(pair->diff[j]), "p", number(pair->p[j]), "p_holm",
				      number(pair->holm[j]), "p_bh", number(pair->bh[j]), "few",
				      core_few_column(grid, &grid->row[pair->a], j, true)));
	}
	return json_pack("{s:s, s:s, s:s?, s:o}", "a", grid->row[pair->a].cell->name, "b",
		grid->row[pair->b].cell->name, "reason", pair->reason, "metrics", list);
}

static fv_status write_json(fv_ctx *ctx, const core_pairs *pairs, core_text *out)
{
	json_t *list = json_array();
	for (size_t i = 0; i < pairs->n; i++)
		json_array_append_new(list, pair_json(pairs->grid, &pairs->pair[i]));
	json_t *root = json_pack("{s:i, s:s, s:I, s:b, s:o, s:o}", "schema_version", 1, "layout",
		"pairs", "draws", (json_int_t)pairs->grid->options.draws.n, "synthetic",
		pairs->grid->synthetic, "cells", core_facts_json(pairs->grid), "pairs", list);
	const char *text = core_json_text(ctx, root, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
	if (!text)
		return FV_FAILED;
	core_text_add(out, "%s\n", text);
	return FV_OK;
}

fv_status core_pairs_write(
	fv_ctx *ctx, const core_pairs *pairs, core_table_format format, core_text *out)
{
	fv_status status = FV_OK;
	if (format == CORE_TABLE_CSV)
		write_csv(pairs, out);
	else if (format == CORE_TABLE_JSON)
		status = write_json(ctx, pairs, out);
	else
		status = write_document(ctx, pairs, format, out);
	if (!status && out->failed)
		status = fv_fail(ctx, FV_FAILED, "out of memory");
	return status;
}
