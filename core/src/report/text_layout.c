/* SPDX-License-Identifier: Apache-2.0 */
#include "report/text_layout.h"

#include <stdlib.h>

#include "base/visible.h"
#include "report/value_text.h"

enum { BETWEEN = 2, COMFORTABLE = 12, TIGHT = 8, LEAST = 3 };

size_t core_put_cell(core_text *out, const core_table_column *column, const core_table_value *value,
	const core_write_style *style)
{
	core_text text = {0};
	core_table_column bare = *column;
	bare.parts = style->plain ? 0 : column->parts;
	core_put_main(&bare, value, &text);
	core_put_parts(&bare, value, &text);
	if (value->low_support)
		core_text_add(&text, " *");
	size_t width = core_put_visible(out, text.data);
	out->failed |= text.failed;
	core_text_free(&text);
	return width;
}

static size_t measure_cell(const core_table_column *column, const core_table_value *value,
	const core_write_style *style)
{
	core_text text = {0};
	size_t width = core_put_cell(&text, column, value, style);
	core_text_free(&text);
	return width;
}

static size_t measure_title(const core_table_column *column)
{
	core_text text = {0};
	size_t width = core_put_visible(&text, column->title);
	core_text_free(&text);
	return width;
}

static void measure_column(
	const core_result_table *t, size_t j, const core_write_style *style, core_text_layout *l)
{
	const core_table_column *column = &t->column[j];
	bool any_text = false;
	l->width[j] = measure_title(column);
	for (size_t i = 0; i < t->n_rows; i++) {
		const core_table_value *v = &t->value[i * t->n_columns + j];
		if (!core_row_is_for(t, i, CORE_FOR_PEOPLE))
			continue;
		size_t width = measure_cell(column, v, style);
		l->width[j] = width > l->width[j] ? width : l->width[j];
		any_text |= v->kind == CORE_TEXT;
	}
	/* In a table that fits, words stand right of the figures' edge, as the figures do. */
	bool remarks = t->fits && column->metric;
	l->right[j] = t->n_rows > 0 && (style->plain || !column->parts) && (!any_text || remarks);
}

/* --- fitting ---------------------------------------------------------------------------------- */

static bool is_text(const core_result_table *t, size_t column)
{
	return !t->column[column].metric;
}

/* Returns the width of the line if text were cut to `most` columns. */
static size_t measure_line(const core_result_table *t, const core_text_layout *l, size_t most)
{
	size_t sum = 0, n = 0;
	for (size_t j = 0; j < t->n_columns; j++) {
		if (!l->shown[j])
			continue;
		size_t width = l->width[j];
		sum += is_text(t, j) && width > most ? most : width;
		n++;
	}
	return n ? sum + BETWEEN * (n - 1) : 0;
}

/* Leaves out all columns of the lowest importance. Returns false if there is none to leave out. */
static bool drop_least(const core_result_table *t, core_text_layout *l)
{
	int lowest = 0;
	for (size_t j = 0; j < t->n_columns; j++) {
		int own = t->column[j].importance;
		if (l->shown[j] && own > 0 && (!lowest || own < lowest))
			lowest = own;
	}
	for (size_t j = 0; j < t->n_columns; j++)
		if (l->shown[j] && lowest && t->column[j].importance == lowest) {
			l->shown[j] = false;
			l->n_left_out++;
		}
	return lowest > 0;
}

/* Leaves out the last text column, or else the last column, but never the first. */
static bool drop_last(const core_result_table *t, core_text_layout *l)
{
	size_t first = t->n_columns, last = t->n_columns, text = t->n_columns;
	for (size_t j = 0; j < t->n_columns; j++) {
		if (!l->shown[j])
			continue;
		if (first == t->n_columns) {
			first = j;
			continue;
		}
		last = j;
		text = is_text(t, j) ? j : text;
	}
	size_t drop = text < t->n_columns ? text : last;
	if (drop == t->n_columns)
		return false;
	l->shown[drop] = false;
	l->n_left_out++;
	return true;
}

/* Cuts the widest text, a column at a time, until the line fits. */
static void cut_text(const core_result_table *t, size_t limit, core_text_layout *l)
{
	while (measure_line(t, l, SIZE_MAX) > limit) {
		size_t widest = t->n_columns;
		for (size_t j = 0; j < t->n_columns; j++)
			if (l->shown[j] && is_text(t, j) && l->width[j] > LEAST &&
				(widest == t->n_columns || l->width[j] > l->width[widest]))
				widest = j;
		if (widest == t->n_columns)
			return;
		l->width[widest]--;
		l->cut = true;
	}
}

static void fit_columns(const core_result_table *t, size_t limit, core_text_layout *l)
{
	bool more = true;
	while (measure_line(t, l, COMFORTABLE) > limit && more)
		more = drop_least(t, l);
	for (more = true; measure_line(t, l, TIGHT) > limit && more;)
		more = drop_last(t, l);
	cut_text(t, limit, l);
}

bool core_text_layout_make(
	const core_result_table *t, const core_write_style *style, core_text_layout *l)
{
	*l = (core_text_layout){.width = calloc(t->n_columns + 1, sizeof *l->width),
		.shown = calloc(t->n_columns + 1, sizeof *l->shown),
		.right = calloc(t->n_columns + 1, sizeof *l->right)};
	if (!l->width || !l->shown || !l->right)
		return false;
	for (size_t j = 0; j < t->n_columns; j++) {
		l->shown[j] = core_column_is_for(t, j, CORE_FOR_PEOPLE);
		if (l->shown[j])
			measure_column(t, j, style, l);
	}
	l->needed = measure_line(t, l, SIZE_MAX);
	if (t->fits && style->width)
		fit_columns(t, style->width, l);
	for (size_t j = 0; j < t->n_columns; j++)
		l->last = l->shown[j] ? j : l->last;
	return true;
}

void core_text_layout_free(core_text_layout *l)
{
	free(l->width);
	free(l->shown);
	free(l->right);
}
