/* SPDX-License-Identifier: Apache-2.0 */
/* The slopes of the speakers' recall on attributes that are numbers, for programs. */
#include "report/grid_tables.h"

enum { VARIANT, ATTRIBUTE, SPEAKERS, SMALLEST, LARGEST, SLOPE, COLUMNS };

static fv_status fill_slope(fv_ctx *ctx, const core_grid *grid, size_t variant,
	const core_numeric_attribute *attribute, core_result_table *t, size_t at)
{
	const core_grid_row *row = &grid->row[variant];
	const core_variant_predictions *p = &grid->tests.variant[variant];
	core_assess_options options = core_assess_default();
	core_slope slope;
	options.draws.n = grid->options.draws.n;
	core_mark before = core_ctx_mark(ctx);
	fv_status status = core_slope_compute(
		ctx, p->n_seeds, p->set, &row->scores.test->rows, attribute, &options, &slope);
	core_ctx_release(ctx, before);
	if (status)
		return status;
	*core_table_at(t, at, VARIANT) = core_value_text(core_row_name(row));
	*core_table_at(t, at, ATTRIBUTE) = core_value_text(attribute->name);
	*core_table_at(t, at, SPEAKERS) = core_value_count(slope.speakers);
	*core_table_at(t, at, SMALLEST) = core_value_number(slope.low);
	*core_table_at(t, at, LARGEST) = core_value_number(slope.high);
	*core_table_at(t, at, SLOPE) = core_value_figure(core_figure_of(slope.slope));
	return FV_OK;
}

fv_status core_add_slopes(fv_ctx *ctx, const core_grid *grid, core_document *document)
{
	static const char *const keys[COLUMNS] = {
		"variant", "attribute", "speakers", "smallest", "largest", CORE_SLOPE_NAME};
	size_t rows = 0, at = 0;
	for (size_t i = 0; i < grid->n_rows; i++)
		if (grid->row[i].scores.test)
			rows += (size_t)grid->row[i].scores.test->n_numeric;
	if (!rows || !grid->options.draws.n)
		return FV_OK;
	core_result_table *t =
		core_document_add_json(ctx, document, "numeric", keys, COLUMNS, rows);
	fv_status status = t ? FV_OK : FV_FAILED;
	for (size_t i = 0; i < grid->n_rows; i++) {
		const core_test_set *test = grid->row[i].scores.test;
		for (int32_t k = 0; test && k < test->n_numeric && !status; k++)
			status = fill_slope(ctx, grid, i, &test->numeric[k], t, at++);
	}
	return status;
}
