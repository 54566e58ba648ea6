/* SPDX-License-Identifier: Apache-2.0 */
#include "report/grid_tables.h"

#include <string.h>

#include "report/confusion_table.h"
#include "report/notes.h"
#include "report/tuning.h"

const char *core_row_marks(const core_grid_row *row)
{
	static const char *const marks[2][2] = {{"", " ‡"}, {" †", " † ‡"}};
	return marks[row->transductive][row->on_test];
}

const char *core_row_name(const core_grid_row *row)
{
	return row->variant ? row->variant->name : row->label;
}

const char *core_pair_label(fv_ctx *ctx, const core_grid_row *own, const core_grid_row *other)
{
	return core_format(ctx, "%s%s - %s%s", own->label, core_row_marks(own), other->label,
		core_row_marks(other));
}

void core_name_columns(core_result_table *table, size_t column, const char *title)
{
	table->column[column] = core_plain_column("label", title, CORE_FOR_PEOPLE | CORE_FOR_JSON);
	table->column[column + 1] =
		core_plain_column("variant", title, CORE_FOR_JSON | CORE_FOR_CSV);
}

void core_name_row(core_result_table *table, size_t row, size_t column, const core_grid_row *from)
{
	core_table_value *label = core_table_at(table, row, column);
	*label = core_value_text(from->label);
	label->mark = core_row_marks(from);
	*core_table_at(table, row, column + 1) = core_value_text(core_row_name(from));
}

core_table_column core_grid_figures(const core_grid *grid, size_t column, unsigned parts)
{
	const core_grid_column *c = &grid->column[column];
	core_table_column out = {.title = c->title,
		.audience = CORE_FOR_ALL,
		.attribute = c->attribute,
		.metric = c->metric,
		.parts = parts,
		.all_folds = grid->folds,
		.has_support = c->attribute != NULL};
	if (c->attribute) {
		out.path[0] = "attributes";
		out.path[1] = c->attribute;
		out.path[2] = c->metric;
	} else {
		out.path[0] = c->metric;
	}
	return out;
}

static fv_status set_head(fv_ctx *ctx, const core_grid *grid, core_document *document)
{
	json_t *family = json_null();
	if (grid->family >= 0)
		family = json_pack("{s:s, s:s?}", "metric", grid->column[grid->family].metric,
			"attribute", grid->column[grid->family].attribute);
	json_t *head = json_pack("{s:i, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:o}",
		"schema_version", 2, "layout", "grid", "aggregate", "fold_mean", "spread", "sd",
		"folds", (json_int_t)grid->folds, "seeds", (json_int_t)grid->seeds, "draws",
		(json_int_t)grid->options.draws.n, "min_support",
		(json_int_t)grid->options.min_support, "synthetic", grid->synthetic, "compare",
		family);
	int failed = head ? json_object_update(document->head, head) : -1;
	json_decref(head);
	return failed ? fv_fail(ctx, FV_FAILED, "out of memory") : FV_OK;
}

fv_status core_grid_tables(fv_ctx *ctx, const core_grid *grid, core_document *document)
{
	fv_status status = set_head(ctx, grid, document);
	if (!status)
		status = core_add_aggregates(ctx, grid, document);
	if (!status)
		status = core_add_effects(ctx, grid, document);
	if (!status)
		status = core_add_tpr_differences(ctx, grid, document);
	if (!status)
		status = core_add_rates(ctx, grid, document);
	if (!status)
		status = core_add_confusions(ctx, grid, document);
	if (!status)
		status = core_add_slopes(ctx, grid, document);
	if (!status)
		status = core_add_spread(ctx, grid, document);
	if (!status)
		status = core_add_variants(ctx, grid, true, document);
	if (!status)
		status = core_add_tuning(ctx, grid, document);
	if (!status)
		status = core_add_group_metrics(ctx, grid, document);
	if (!status)
		status = core_add_support(ctx, grid, document);
	return status ? status : core_grid_notes(ctx, grid, document);
}
