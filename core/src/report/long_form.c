/* SPDX-License-Identifier: Apache-2.0 */
#include "report/long_form.h"

#include <math.h>
#include <stdlib.h>

#include "report/write.h"

enum { NUMBERS = 12, NAMES = 5 };

/* The numbers of a figure besides its value, and the column parts that need each. */
static const struct number {
	const char *name;
	unsigned parts;
} numbers[NUMBERS] = {
	{"sd", CORE_SHOW_SD},
	{"folds", CORE_SHOW_SD},
	{"null_mean", CORE_SHOW_NULL},
	{"null_p95", CORE_SHOW_NULL},
	{"null_p05", CORE_SHOW_NULL},
	{"p", CORE_SHOW_NULL | CORE_SHOW_ADJUSTED | CORE_SHOW_BH},
	{"p_holm", CORE_SHOW_ADJUSTED | CORE_SHOW_BH},
	{"p_bh", CORE_SHOW_ADJUSTED | CORE_SHOW_BH},
	{"excess", CORE_SHOW_NULL},
	{"low", CORE_SHOW_INTERVAL | CORE_SHOW_HALF_WIDTH},
	{"high", CORE_SHOW_INTERVAL | CORE_SHOW_HALF_WIDTH},
	{"published", CORE_SHOW_PUBLISHED},
};

static double get_number(const core_figure *f, size_t k)
{
	const double values[NUMBERS] = {f->sd, f->folds ? (double)f->folds : NAN, f->e.null_mean,
		f->e.null_p95, f->e.null_p05, f->e.p, f->p_holm, f->p_bh, f->e.excess, f->e.low,
		f->e.high, f->published};
	return values[k];
}

static bool is_figure(const core_table_column *column)
{
	return column->metric != NULL;
}

static bool is_plain_column(const core_result_table *t, size_t j)
{
	return core_column_is_for(t, j, CORE_FOR_CSV) && !is_figure(&t->column[j]);
}

static bool is_figure_column(const core_result_table *t, size_t j)
{
	return core_column_is_for(t, j, CORE_FOR_CSV) && is_figure(&t->column[j]);
}

/* Joins the keys of a column with dots: "axes.train.batch". NULL: out of memory. */
static const char *join_path(fv_ctx *ctx, const core_table_column *column)
{
	core_text name = {0};
	for (int k = 0; k < CORE_PATH_DEPTH && column->path[k]; k++)
		core_text_add(&name, "%s%s", k ? "." : "", column->path[k]);
	return core_text_move(ctx, &name);
}

fv_status core_long_form_make(fv_ctx *ctx, const core_result_table *t, core_long_form *out)
{
	static const char *const names[NAMES] = {"attribute", "metric", "class", "group", "value"};
	*out = (core_long_form){.ctx = ctx, .table = t};
	size_t room = t->n_columns + NAMES + NUMBERS + 1, n = 0;
	out->name = core_alloc(ctx, room, sizeof *out->name);
	out->cell = core_alloc(ctx, room, sizeof *out->cell);
	if (!out->name || !out->cell)
		return FV_FAILED;
	for (size_t j = 0; j < t->n_columns; j++) {
		out->has_figures |= is_figure_column(t, j);
		if (core_column_is_for(t, j, CORE_FOR_CSV))
			out->parts |= t->column[j].parts;
		if (is_plain_column(t, j) && !(out->name[n++] = join_path(ctx, &t->column[j])))
			return FV_FAILED;
	}
	for (size_t k = 0; k < NAMES && out->has_figures; k++)
		out->name[n++] = names[k];
	for (size_t k = 0; k < NUMBERS && out->has_figures; k++)
		if (numbers[k].parts & out->parts)
			out->name[n++] = numbers[k].name;
	if (out->has_figures)
		out->name[n++] = "low_support";
	out->n_columns = n;
	return FV_OK;
}

static core_cell make_text(const char *text)
{
	return (core_cell){.kind = text ? CORE_CELL_TEXT : CORE_CELL_EMPTY, .text = text};
}

static core_cell make_real(double value)
{
	return (core_cell){.kind = CORE_CELL_REAL, .real = value};
}

/* The spelling of a number is that of the JSON. */
static fv_status make_json_cell(fv_ctx *ctx, const json_t *json, core_cell *out)
{
	*out = make_text(json_string_value(json));
	if (!json || json_is_string(json))
		return FV_OK;
	char *text = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
	*out = make_text(text ? core_strdup(ctx, text) : NULL);
	free(text);
	if (!out->text)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	if (json_is_number(json))
		*out = (core_cell){
			.kind = json_is_integer(json) ? CORE_CELL_INTEGER : CORE_CELL_REAL,
			.text = out->text,
			.integer = json_integer_value(json),
			.real = json_number_value(json)};
	return FV_OK;
}

static fv_status make_plain_cell(fv_ctx *ctx, const core_table_value *v, core_cell *out)
{
	*out = (core_cell){.kind = CORE_CELL_EMPTY};
	if (v->kind == CORE_JSON)
		return make_json_cell(ctx, v->json, out);
	if (v->kind == CORE_TEXT)
		*out = make_text(v->text);
	else if (v->kind == CORE_COUNT || v->kind == CORE_FLAG)
		*out = (core_cell){.kind = CORE_CELL_INTEGER, .integer = v->count};
	else if (v->kind == CORE_FIGURE)
		*out = make_real(v->figure.e.value);
	return FV_OK;
}

/* Fills the cells of a figure, from `cell` on. */
static void fill_figure(const core_long_form *form, const core_table_column *c,
	const core_table_value *v, core_cell *cell)
{
	*cell++ = make_text(c->attribute);
	*cell++ = make_text(c->metric);
	*cell++ = make_text(c->class_name);
	*cell++ = make_text(c->group);
	*cell++ = make_real(v->figure.e.value);
	for (size_t k = 0; k < NUMBERS; k++) {
		double number = get_number(&v->figure, k);
		if (numbers[k].parts & form->parts)
			*cell++ = isnan(number) ? make_text(NULL) : make_real(number);
	}
	*cell = make_text(NULL);
	if (c->has_support)
		*cell = (core_cell){.kind = CORE_CELL_INTEGER, .integer = v->low_support};
}

static fv_status give_row(core_long_form *form, size_t row, core_long_line line, void *user)
{
	const core_result_table *t = form->table;
	const core_table_value *value = t->value + row * t->n_columns;
	size_t plain = 0;
	fv_status status = FV_OK;
	for (size_t j = 0; j < t->n_columns && !status; j++)
		if (is_plain_column(t, j))
			status = make_plain_cell(form->ctx, &value[j], &form->cell[plain++]);
	if (!status && !form->has_figures)
		return line(user, form->cell);
	for (size_t j = 0; j < t->n_columns && !status; j++) {
		if (!is_figure_column(t, j) || value[j].kind != CORE_FIGURE)
			continue;
		fill_figure(form, &t->column[j], &value[j], form->cell + plain);
		status = line(user, form->cell);
	}
	return status;
}

fv_status core_long_form_each(core_long_form *form, core_long_line line, void *user)
{
	fv_status status = FV_OK;
	for (size_t i = 0; i < form->table->n_rows && !status; i++)
		if (core_row_is_for(form->table, i, CORE_FOR_CSV))
			status = give_row(form, i, line, user);
	return status;
}
