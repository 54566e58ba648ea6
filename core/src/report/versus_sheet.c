/* SPDX-License-Identifier: Apache-2.0 */
/* What changed against the reference, and the signed differences behind a gap, with intervals. */
#include <math.h>
#include <string.h>

#include "report/decimal.h"
#include "report/few.h"
#include "report/grid_private.h"

/* " [-0.150, -0.048]"; nothing where there is no interval */
static void put_interval(core_text *out, const core_estimate *e)
{
	if (isnan(e->low))
		return;
	core_text_add(out, " [");
	core_put_signed(out, e->low);
	core_text_add(out, ", ");
	core_put_signed(out, e->high);
	core_text_add(out, "]");
}

/* "-0.099 [-0.150, -0.048] (-46.0%; excess -0.090), p <.001": the change, its interval, in percent
 * of the reference, and of the excess over the null. */
static fv_status put_difference(fv_ctx *ctx, const core_grid *grid, const core_grid_row *row,
	size_t column, core_sheet_cell *cell)
{
	const core_estimate *own = &row->value[column].pooled;
	const core_estimate *d = &row->versus.diff[column];
	const core_estimate *from = &grid->row[row->versus.reference].value[column].pooled;
	core_text value = {0}, after = {0};
	if (isnan(d->value)) {
		cell->value = "—";
		return FV_OK;
	}
	core_put_signed(&value, d->value);
	put_interval(&after, d);
	if (from->value > 0)
		core_text_add(&after, " (%+.1f%%", 100 * d->value / from->value);
	if (from->value > 0 && !isnan(own->excess) && !isnan(from->excess)) {
		core_text_add(&after, "; excess ");
		core_put_signed(&after, own->excess - from->excess);
	}
	core_text_add(&after, "%s", from->value > 0 ? ")" : "");
	if (!isnan(row->versus.adjusted[column])) {
		core_text_add(&after, ", ");
		core_put_p(&after, row->versus.adjusted[column]);
	}
	cell->value = core_text_take(ctx, &value);
	cell->after = core_text_take(ctx, &after);
	return cell->value && cell->after ? FV_OK : FV_FAILED;
}

/* "-0.051 / +0.123" */
static void put_change(core_text *out, const core_level_change *change)
{
	core_put_signed(out, change->best_change);
	core_text_add(out, " / ");
	core_put_signed(out, change->worst_change);
}

/* "gender -0.051 / +0.123, levelled down: angry (-0.120 / +0.030)": changes of the TPR of the groups
 * that are best and worst in the reference, and the classes in which the better one lost more than
 * the worse one gained. */
static const char *levelled(fv_ctx *ctx, const core_grid_row *row)
{
	const core_test_set *t = row->scores.test;
	core_text text = {0};
	for (int32_t a = 0; a < t->n_attributes; a++) {
		const core_levelling *l = &row->versus.levelling[a];
		int n = 0;
		if (isnan(l->mean.best_change))
			continue;
		core_text_add(&text, "%s%s ", text.size ? "; " : "", t->attribute[a].name);
		put_change(&text, &l->mean);
		for (int32_t c = 0; c < t->C; c++) {
			if (!l->per_class[c].flag)
				continue;
			core_text_add(
				&text, "%s%s (", n++ ? ", " : ", levelled down: ", t->classes[c]);
			put_change(&text, &l->per_class[c]);
			core_text_add(&text, ")");
		}
	}
	return text.size ? core_text_take(ctx, &text) : "—";
}

static const char *versus_head(fv_ctx *ctx, const core_grid *grid, size_t column)
{
	bool family = (int64_t)column == grid->family;
	return core_format(
		ctx, "%s (%s)", grid->column[column].title, family ? "Holm" : "expl., BH");
}

static fv_status versus_row(
	fv_ctx *ctx, const core_grid *grid, const core_grid_row *row, core_sheet *sheet, size_t at)
{
	const core_versus *v = &row->versus;
	fv_status status = FV_OK;
	core_sheet_at(sheet, at, 0)->value = core_pair_label(ctx, row, &grid->row[v->reference]);
	if (v->reason) {
		core_sheet_at(sheet, at, 1)->value = v->reason;
		return FV_OK;
	}
	for (size_t j = 0; j < grid->n_columns && !status; j++) {
		core_sheet_cell *cell = core_sheet_at(sheet, at, j + 1);
		status = put_difference(ctx, grid, row, j, cell);
		cell->few = core_few_column(grid, row, j, true);
	}
	core_sheet_at(sheet, at, grid->n_columns + 1)->value = levelled(ctx, row);
	return status;
}

fv_status core_versus_sheet(fv_ctx *ctx, const core_grid *grid, core_document *document)
{
	size_t rows = 0, at = 0;
	for (size_t i = 0; i < grid->n_rows; i++)
		rows += grid->row[i].versus.reference >= 0;
	if (!rows || !grid->options.draws.n)
		return FV_OK;
	core_sheet *sheet = core_sheet_add(ctx, document,
		"Against the reference, pooled: change [95% interval over speakers] (in percent; "
		"change of the excess over the null), adjusted p by exchanging predictions speaker "
		"by speaker; TPR of the groups that are best / worst in the reference, mean change "
		"over classes",
		rows, grid->n_columns + 2);
	if (!sheet)
		return FV_FAILED;
	sheet->head[0] = "cell - reference";
	for (size_t j = 0; j < grid->n_columns; j++)
		sheet->head[j + 1] = versus_head(ctx, grid, j);
	sheet->head[grid->n_columns + 1] = "best / worst group's TPR";
	fv_status status = FV_OK;
	for (size_t i = 0; i < grid->n_rows && !status; i++)
		if (grid->row[i].versus.reference >= 0)
			status = versus_row(ctx, grid, &grid->row[i], sheet, at++);
	return status;
}

/* --- the signed differences behind a gap ------------------------------------------------------- */

#define PAIRS_SHOWN 3 /* of three groups; more are in the JSON */

/* The attribute whose differences are shown: that of the declared family, or the first. */
static int32_t shown_attribute(const core_grid *grid, const core_test_set *t)
{
	const char *name = grid->family >= 0 ? grid->column[grid->family].attribute : NULL;
	for (int32_t a = 0; a < t->n_attributes && name; a++)
		if (!strcmp(t->attribute[a].name, name))
			return a;
	return t->n_attributes && !name ? 0 : -1;
}

static int32_t pairs_of(const core_eval_attribute *attribute)
{
	return attribute->G * (attribute->G - 1) / 2;
}

static fv_status difference_row(fv_ctx *ctx, const core_grid_row *row,
	const core_eval_attribute *attribute, const core_tpr_difference *d, core_sheet *sheet,
	size_t at)
{
	*core_sheet_at(sheet, at, 0) = (core_sheet_cell){row->label, core_row_marks(row), 0, false};
	core_sheet_at(sheet, at, 1)->value =
		core_format(ctx, "%s - %s", attribute->group[d->g], attribute->group[d->h]);
	for (int32_t c = 0; c < row->scores.test->C; c++) {
		core_sheet_cell *cell = core_sheet_at(sheet, at, (size_t)c + 2);
		core_text value = {0}, after = {0};
		if (isnan(d->value[c].value))
			core_text_add(&value, "—");
		else
			core_put_signed(&value, d->value[c].value);
		put_interval(&after, &d->value[c]);
		core_text_add(&after, "%s", d->few ? " °" : "");
		cell->value = core_text_take(ctx, &value);
		cell->after = core_text_take(ctx, &after);
		if (!cell->value || !cell->after)
			return FV_FAILED;
	}
	return FV_OK;
}

static fv_status difference_rows(
	fv_ctx *ctx, const core_grid *grid, int32_t attribute, core_sheet *sheet)
{
	const core_test_set *t = &grid->evidence.test[0];
	size_t at = 0;
	fv_status status = FV_OK;
	for (size_t i = 0; i < grid->n_rows; i++) {
		const core_grid_row *row = &grid->row[i];
		for (int32_t k = 0; k < pairs_of(&t->attribute[attribute]) && !status; k++)
			if (row->scores.test == t)
				status = difference_row(ctx, row, &t->attribute[attribute],
					&row->scores.difference[attribute][k], sheet, at++);
	}
	return status;
}

fv_status core_difference_sheet(fv_ctx *ctx, const core_grid *grid, core_document *document)
{
	const core_test_set *t = grid->evidence.n_tests ? &grid->evidence.test[0] : NULL;
	int32_t attribute = t && grid->options.draws.n ? shown_attribute(grid, t) : -1;
	size_t rows = 0;
	for (size_t i = 0; i < grid->n_rows; i++)
		rows += grid->row[i].scores.test == t;
	if (attribute < 0 || !rows)
		return FV_OK;
	const core_eval_attribute *own = &t->attribute[attribute];
	if (!pairs_of(own) || pairs_of(own) > PAIRS_SHOWN)
		return FV_OK;
	core_sheet *sheet = core_sheet_add(ctx, document,
		core_format(ctx,
			"What is behind the %s TPR gap: TPR of one group less that of the other, "
			"by "
			"class, pooled [95%% interval over speakers]",
			own->name),
		rows * (size_t)pairs_of(own), (size_t)t->C + 2);
	if (!sheet)
		return FV_FAILED;
	sheet->head[0] = "cell";
	sheet->head[1] = "groups";
	for (int32_t c = 0; c < t->C; c++)
		sheet->head[c + 2] = t->classes[c];
	return difference_rows(ctx, grid, attribute, sheet);
}
