/* SPDX-License-Identifier: Apache-2.0 */
/* Writes tables as CSV for other programs. A table with figures is written in long form, one line per
 * figure, with the row's plain columns first; a table without figures has one line per row. */
#include <math.h>
#include <stdlib.h>

#include "report/decimal.h"
#include "report/write.h"

enum { NUMBERS = 11 };

/* The numbers of a figure besides its value, and the column parts that need each. */
static const struct number {
	const char *name;
	unsigned parts;
} numbers[NUMBERS] = {
	{"sd", CORE_SHOW_SD},
	{"folds", CORE_SHOW_SD},
	{"null_mean", CORE_SHOW_NULL},
	{"null_p95", CORE_SHOW_NULL},
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
		f->e.null_p95, f->e.p, f->p_holm, f->p_bh, f->e.excess, f->e.low, f->e.high,
		f->published};
	return values[k];
}

static bool is_figure(const core_table_column *column)
{
	return column->metric != NULL;
}

static unsigned collect_parts(const core_result_table *t)
{
	unsigned parts = 0;
	for (size_t j = 0; j < t->n_columns; j++)
		if (core_column_is_for(t, j, CORE_FOR_CSV))
			parts |= t->column[j].parts;
	return parts;
}

static bool has_figures(const core_result_table *t)
{
	for (size_t j = 0; j < t->n_columns; j++)
		if (core_column_is_for(t, j, CORE_FOR_CSV) && is_figure(&t->column[j]))
			return true;
	return false;
}

/* Writes the keys of a column joined with dots: "axes.train.batch". */
static void put_name(core_text *out, const core_table_column *column)
{
	core_text name = {0};
	for (int k = 0; k < CORE_PATH_DEPTH && column->path[k]; k++)
		core_text_add(&name, "%s%s", k ? "." : "", column->path[k]);
	core_text_csv(out, name.data ? name.data : "");
	out->failed |= name.failed;
	core_text_free(&name);
}

static void put_head(core_text *out, const core_result_table *t, bool figures)
{
	bool first = true;
	unsigned parts = collect_parts(t);
	for (size_t j = 0; j < t->n_columns; j++) {
		if (!core_column_is_for(t, j, CORE_FOR_CSV) || is_figure(&t->column[j]))
			continue;
		core_text_add(out, "%s", first ? "" : ",");
		first = false;
		put_name(out, &t->column[j]);
	}
	if (figures) {
		core_text_add(out, "%sattribute,metric,class,group,value", first ? "" : ",");
		for (size_t k = 0; k < NUMBERS; k++)
			if (numbers[k].parts & parts)
				core_text_add(out, ",%s", numbers[k].name);
		core_text_add(out, ",low_support");
	}
	core_text_add(out, "\n");
}

static void put_plain(core_text *out, const core_table_value *v)
{
	char *text =
		v->kind == CORE_JSON ? json_dumps(v->json, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	if (v->kind == CORE_TEXT)
		core_text_csv(out, v->text);
	else if (v->kind == CORE_JSON && json_is_string(v->json))
		core_text_csv(out, json_string_value(v->json));
	else if (v->kind == CORE_JSON && text)
		core_text_csv(out, text);
	else if (v->kind == CORE_COUNT || v->kind == CORE_FLAG)
		core_text_add(out, "%lld", (long long)v->count);
	else if (v->kind == CORE_FIGURE)
		core_put_exact(out, v->figure.e.value);
	free(text);
}

static void put_plain_columns(core_text *out, const core_result_table *t, size_t row)
{
	bool first = true;
	for (size_t j = 0; j < t->n_columns; j++) {
		if (!core_column_is_for(t, j, CORE_FOR_CSV) || is_figure(&t->column[j]))
			continue;
		core_text_add(out, "%s", first ? "" : ",");
		first = false;
		put_plain(out, &t->value[row * t->n_columns + j]);
	}
}

static void put_optional(core_text *out, const char *text)
{
	core_text_add(out, ",");
	if (text)
		core_text_csv(out, text);
}

static void put_figure(
	core_text *out, const core_table_column *c, const core_table_value *v, unsigned parts)
{
	put_optional(out, c->attribute);
	put_optional(out, c->metric);
	put_optional(out, c->class_name);
	put_optional(out, c->group);
	core_text_add(out, ",");
	core_put_exact(out, v->figure.e.value);
	for (size_t k = 0; k < NUMBERS; k++) {
		if (!(numbers[k].parts & parts))
			continue;
		core_text_add(out, ",");
		if (!isnan(get_number(&v->figure, k)))
			core_put_exact(out, get_number(&v->figure, k));
	}
	core_text_add(out, ",");
	if (c->has_support)
		core_text_add(out, "%d", v->low_support);
	core_text_add(out, "\n");
}

static void put_row(core_text *out, const core_result_table *t, size_t row, bool figures)
{
	unsigned parts = collect_parts(t);
	if (!figures) {
		put_plain_columns(out, t, row);
		core_text_add(out, "\n");
	}
	for (size_t j = 0; j < t->n_columns && figures; j++) {
		const core_table_value *v = &t->value[row * t->n_columns + j];
		if (!core_column_is_for(t, j, CORE_FOR_CSV) || !is_figure(&t->column[j]) ||
			v->kind != CORE_FIGURE)
			continue;
		put_plain_columns(out, t, row);
		put_figure(out, &t->column[j], v, parts);
	}
}

void core_write_csv(const core_document *document, core_text *out)
{
	bool begun = false;
	for (size_t k = 0; k < document->n_tables; k++) {
		const core_result_table *t = document->table[k];
		if (!(t->audience & CORE_FOR_CSV))
			continue;
		core_text_add(out, "%s", begun ? "\n" : "");
		begun = true;
		bool figures = has_figures(t);
		put_head(out, t, figures);
		for (size_t i = 0; i < t->n_rows; i++)
			if (core_row_is_for(t, i, CORE_FOR_CSV))
				put_row(out, t, i, figures);
	}
}
