/* SPDX-License-Identifier: Apache-2.0 */
/* Effects against the reference, and the groups they fall on. */
#include <math.h>
#include <string.h>

#include "report/decimal.h"
#include "report/grid_tables.h"
#include "report/low_support.h"

enum { LABEL, VARIANT, REFERENCE, REASON, FIRST };

static core_figure make_figure(const core_grid *grid, const core_grid_row *row, size_t column)
{
	const core_estimate *own = &row->value[column].pooled;
	const core_estimate *from = &grid->row[row->effect.reference].value[column].pooled;
	core_figure f = core_figure_of(row->effect.diff[column]);
	if ((int64_t)column == grid->family)
		f.p_holm = row->effect.adjusted[column];
	else
		f.p_bh = row->effect.adjusted[column];
	if (from->value > 0) {
		f.relative = 100 * f.e.value / from->value;
		f.excess_change = own->excess - from->excess;
	}
	return f;
}

/* "-0.051 / +0.123" */
static void put_change(core_text *out, const core_level_change *change)
{
	core_put_signed(out, change->best_change);
	core_text_add(out, " / ");
	core_put_signed(out, change->worst_change);
}

/* Returns "gender -0.051 / +0.123, levelled down: angry (-0.120 / +0.030)": the TPR changes of the
 * groups that are best and worst in the reference, and the classes in which the best group lost more
 * than the worst one gained. */
static const char *format_levelling(fv_ctx *ctx, const core_grid_row *row)
{
	const core_test_set *t = row->scores.test;
	core_text text = {0};
	for (int32_t a = 0; a < t->n_attributes; a++) {
		const core_levelling *l = &row->effect.levelling[a];
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
	return text.size ? core_text_move(ctx, &text) : "—";
}

static fv_status fill_row(fv_ctx *ctx, const core_grid *grid, const core_grid_row *row,
	core_result_table *t, size_t i)
{
	const core_effect *effect = &row->effect;
	const core_grid_row *reference = &grid->row[effect->reference];
	const char *label = core_pair_label(ctx, row, reference);
	if (!label)
		return FV_FAILED;
	*core_table_at(t, i, LABEL) = core_value_text(label);
	*core_table_at(t, i, VARIANT) = core_value_text(core_row_name(row));
	*core_table_at(t, i, REFERENCE) = core_value_text(core_row_name(reference));
	if (effect->reason) {
		*core_table_at(t, i, REASON) = core_value_text(effect->reason);
		*core_table_at(t, i, FIRST) = core_value_text(effect->reason);
		t->row_audience[i] = CORE_FOR_PEOPLE | CORE_FOR_JSON;
		return FV_OK;
	}
	for (size_t j = 0; j < grid->n_columns; j++) {
		core_table_value *v = core_table_at(t, i, FIRST + j);
		*v = core_value_figure(make_figure(grid, row, j));
		v->low_support = core_column_has_low_support(grid, row, j, true);
	}
	const char *levelling = format_levelling(ctx, row);
	*core_table_at(t, i, FIRST + grid->n_columns) = core_value_text(levelling);
	return levelling ? FV_OK : FV_FAILED;
}

static fv_status set_columns(fv_ctx *ctx, const core_grid *grid, core_result_table *t)
{
	t->column[LABEL] = core_plain_column("label", "variant - reference", CORE_FOR_PEOPLE);
	t->column[VARIANT] = core_plain_column("variant", "variant", CORE_FOR_JSON | CORE_FOR_CSV);
	t->column[REFERENCE] =
		core_plain_column("reference", "reference", CORE_FOR_JSON | CORE_FOR_CSV);
	t->column[REASON] = core_plain_column("reason", "reason", CORE_FOR_JSON | CORE_FOR_CSV);
	for (size_t j = 0; j < grid->n_columns; j++) {
		core_table_column *c = &t->column[FIRST + j];
		*c = core_grid_figures(
			grid, j, CORE_SHOW_INTERVAL | CORE_SHOW_CHANGE | CORE_SHOW_ADJUSTED);
		c->format = CORE_SIGNED;
		c->title = core_format(ctx, "%s (%s)", grid->column[j].title,
			(int64_t)j == grid->family ? "Holm" : "expl., BH");
		if (!c->title)
			return FV_FAILED;
	}
	t->column[FIRST + grid->n_columns] =
		core_plain_column("levelling", "best / worst group's TPR", CORE_FOR_PEOPLE);
	return FV_OK;
}

static fv_status add_effects(
	fv_ctx *ctx, const core_grid *grid, size_t rows, core_document *document)
{
	core_result_table *t = core_document_add(ctx, document, "effects",
		"Effects against the reference, pooled: change [95% interval over "
		"speakers] (in percent; change of the excess over the null), adjusted p "
		"of the paired permutation test over speakers; mean change, over "
		"classes, of the TPR of the groups that are best / worst in the reference",
		rows, FIRST + grid->n_columns + 1);
	fv_status status = t ? set_columns(ctx, grid, t) : FV_FAILED;
	for (size_t i = 0, at = 0; i < grid->n_rows && !status; i++)
		if (grid->row[i].effect.reference >= 0)
			status = fill_row(ctx, grid, &grid->row[i], t, at++);
	return status;
}

/* --- levelling, for programs ------------------------------------------------------------------ */

enum {
	L_VARIANT,
	L_ATTRIBUTE,
	L_CLASS,
	L_BEST,
	L_WORST,
	L_BEST_CHANGE,
	L_WORST_CHANGE,
	L_FLAG,
	L_COLUMNS
};

/* Fills a row for one class; class NULL: the mean over classes. */
static void fill_level(core_result_table *t, size_t i, const core_grid_row *row,
	const core_eval_attribute *a, const char *class_name, const core_level_change *change)
{
	*core_table_at(t, i, L_VARIANT) = core_value_text(core_row_name(row));
	*core_table_at(t, i, L_ATTRIBUTE) = core_value_text(a->name);
	*core_table_at(t, i, L_CLASS) = core_value_text(class_name);
	if (change->best >= 0) {
		*core_table_at(t, i, L_BEST) = core_value_text(a->group[change->best]);
		*core_table_at(t, i, L_WORST) = core_value_text(a->group[change->worst]);
	}
	*core_table_at(t, i, L_BEST_CHANGE) = core_value_number(change->best_change);
	*core_table_at(t, i, L_WORST_CHANGE) = core_value_number(change->worst_change);
	*core_table_at(t, i, L_FLAG) = core_value_flag(change->flag);
}

static bool has_levelling(const core_grid_row *row)
{
	return row->effect.reference >= 0 && !row->effect.reason;
}

static fv_status add_levelling(fv_ctx *ctx, const core_grid *grid, core_document *document)
{
	static const char *const keys[L_COLUMNS] = {"variant", "attribute", "class", "best",
		"worst", "best_change", "worst_change", "levelled_down"};
	size_t rows = 0, at = 0;
	for (size_t i = 0; i < grid->n_rows; i++)
		if (has_levelling(&grid->row[i]))
			rows += (size_t)grid->row[i].scores.test->n_attributes *
				(size_t)(grid->row[i].scores.test->C + 1);
	core_result_table *t =
		core_document_add_json(ctx, document, "levelling", keys, L_COLUMNS, rows);
	if (!t)
		return FV_FAILED;
	for (size_t i = 0; i < grid->n_rows; i++) {
		const core_grid_row *row = &grid->row[i];
		for (int32_t a = 0; has_levelling(row) && a < row->scores.test->n_attributes; a++) {
			const core_test_set *test = row->scores.test;
			const core_levelling *l = &row->effect.levelling[a];
			for (int32_t c = 0; c < test->C; c++)
				fill_level(t, at++, row, &test->attribute[a], test->classes[c],
					&l->per_class[c]);
			fill_level(t, at++, row, &test->attribute[a], NULL, &l->mean);
		}
	}
	return FV_OK;
}

fv_status core_add_effects(fv_ctx *ctx, const core_grid *grid, core_document *document)
{
	size_t rows = 0;
	for (size_t i = 0; i < grid->n_rows; i++)
		rows += grid->row[i].effect.reference >= 0;
	if (!rows || !grid->options.draws.n)
		return FV_OK;
	fv_status status = add_effects(ctx, grid, rows, document);
	return status ? status : add_levelling(ctx, grid, document);
}
