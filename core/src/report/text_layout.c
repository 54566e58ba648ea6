/* SPDX-License-Identifier: Apache-2.0 */
#include "report/text_layout.h"

#include <stdlib.h>
#include <string.h>

#include "base/visible.h"
#include "report/cut_texts.h"
#include "report/value_text.h"

enum { BETWEEN = 2, COMFORTABLE = 12, TIGHT = 8, NARROWEST = 3 };

static const core_table_value *get_value(const core_result_table *t, size_t row, size_t column)
{
	return &t->value[row * t->n_columns + column];
}

/* Adds a value as visible text. Returns its width. */
static size_t put_main(core_text *out, const core_table_column *column, const core_table_value *v)
{
	core_text text = {0};
	core_put_main(column, v, &text);
	size_t width = core_put_visible(out, text.data);
	out->failed |= text.failed;
	core_text_free(&text);
	return width;
}

/* Adds what follows a value. Returns its width. */
static size_t put_rest(core_text *out, const core_table_column *column, const core_table_value *v,
	const core_write_style *style)
{
	core_text text = {0};
	core_table_column bare = *column;
	bare.parts = style->plain ? 0 : column->parts;
	core_put_parts(&bare, v, &text);
	if (v->low_support)
		core_text_add(&text, " *");
	size_t width = core_put_visible(out, text.data);
	out->failed |= text.failed;
	core_text_free(&text);
	return width;
}

size_t core_put_cell(core_text *out, const core_result_table *t, size_t row, size_t column,
	const core_text_layout *layout, const core_write_style *style)
{
	const core_table_value *v = get_value(t, row, column);
	const char *cut = core_text_layout_cut(layout, t, row, column);
	size_t width = cut ? core_put_visible(out, cut) : put_main(out, &t->column[column], v);
	return width + put_rest(out, &t->column[column], v, style);
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
		const core_table_value *v = get_value(t, i, j);
		if (!core_row_is_for(t, i, CORE_FOR_PEOPLE))
			continue;
		core_text text = {0};
		size_t width = core_put_cell(&text, t, i, j, l, style);
		core_text_free(&text);
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

/* --- texts of a column ------------------------------------------------------------------------ */

/* The texts of a column that people see [n], and the most columns that what follows one takes. */
struct texts {
	size_t n, rest, *row;
	core_text *text, *cut;
	const char **data;
};

static void free_texts(struct texts *x)
{
	for (size_t i = 0; i < x->n; i++) {
		core_text_free(&x->text[i]);
		core_text_free(&x->cut[i]);
	}
	free(x->row);
	free(x->text);
	free(x->cut);
	free(x->data);
}

static bool read_texts(
	const core_result_table *t, size_t j, const core_write_style *style, struct texts *x)
{
	size_t most = t->n_rows + 1;
	*x = (struct texts){.row = calloc(most, sizeof *x->row),
		.text = calloc(most, sizeof *x->text),
		.cut = calloc(most, sizeof *x->cut),
		.data = calloc(most, sizeof *x->data)};
	bool failed = !x->row || !x->text || !x->cut || !x->data;
	for (size_t i = 0; i < t->n_rows && !failed; i++) {
		core_text rest = {0};
		if (!core_row_is_for(t, i, CORE_FOR_PEOPLE))
			continue;
		x->row[x->n] = i;
		size_t own = put_rest(&rest, &t->column[j], get_value(t, i, j), style);
		x->rest = own > x->rest ? own : x->rest;
		core_text_free(&rest);
		(void)put_main(&x->text[x->n], &t->column[j], get_value(t, i, j));
		failed = x->text[x->n].failed;
		x->data[x->n] = x->text[x->n].data ? x->text[x->n].data : "";
		x->n++;
	}
	return !failed;
}

/* Cuts the texts to `width` columns with what follows them. Returns whether different ones stay different. */
static bool cut_texts(struct texts *x, size_t width)
{
	for (size_t i = 0; i < x->n; i++)
		core_text_free(&x->cut[i]);
	return core_cut_texts(x->data, width > x->rest ? width - x->rest : 0, x->n, x->cut);
}

/* Sets the least width of a column, from `least` on, in which its texts stay different. Returns false if memory runs
 * out. */
static bool find_width(struct texts *x, size_t least, size_t *width)
{
	size_t own = least;
	while (own < *width && !cut_texts(x, own)) {
		if (x->n && x->cut[0].failed)
			return false;
		own++;
	}
	*width = own < *width ? own : *width;
	return true;
}

static bool find_least(
	const core_result_table *t, const core_write_style *style, core_text_layout *l)
{
	bool found = true;
	for (size_t j = 0; j < t->n_columns && found; j++) {
		struct texts x;
		l->least[j] = l->width[j];
		if (!l->shown[j] || !is_text(t, j))
			continue;
		found = read_texts(t, j, style, &x) && find_width(&x, NARROWEST, &l->least[j]);
		free_texts(&x);
	}
	return found;
}

/* Keeps the texts of columns that are narrower than these, in at least the columns' widths. */
static bool keep_texts(const core_result_table *t, const core_write_style *style,
	const size_t *whole, core_text_layout *l)
{
	bool kept = true;
	for (size_t j = 0; j < t->n_columns && kept; j++) {
		struct texts x;
		size_t width = whole[j];
		if (!l->shown[j] || l->width[j] == whole[j])
			continue;
		kept = read_texts(t, j, style, &x) && find_width(&x, l->width[j], &width);
		l->width[j] = width;
		if (kept)
			(void)cut_texts(&x, width);
		for (size_t i = 0; i < x.n && kept; i++) {
			l->cell[x.row[i] * t->n_columns + j] = x.cut[i];
			kept = !x.cut[i].failed;
			x.cut[i] = (core_text){0};
		}
		free_texts(&x);
	}
	return kept;
}

/* --- which columns ---------------------------------------------------------------------------- */

/* Returns the width of the line if text were cut to `most` columns. */
static size_t measure_line(const core_result_table *t, const core_text_layout *l, size_t most)
{
	size_t sum = 0, n = 0;
	for (size_t j = 0; j < t->n_columns; j++) {
		if (!l->shown[j])
			continue;
		size_t width = l->width[j];
		size_t least = most > l->least[j] ? most : l->least[j];
		sum += is_text(t, j) && width > least ? least : width;
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

static bool have_same_text(const core_result_table *t, size_t column, size_t a, size_t b)
{
	const core_table_value *x = get_value(t, a, column), *y = get_value(t, b, column);
	if (x->kind != y->kind || x->kind != CORE_TEXT)
		return x->kind == y->kind && x->count == y->count;
	return !strcmp(x->text, y->text);
}

/* Does a text column alone tell two rows apart? */
static bool is_needed(const core_result_table *t, const core_text_layout *l, size_t column)
{
	for (size_t a = 0; a < t->n_rows; a++)
		for (size_t b = 0; b < a; b++) {
			bool same = !have_same_text(t, column, a, b);
			for (size_t j = 0; j < t->n_columns && same; j++)
				same = j == column || !l->shown[j] || !is_text(t, j) ||
				       have_same_text(t, j, a, b);
			if (same)
				return true;
		}
	return false;
}

/* Leaves out the last text column, of those that do not tell rows apart if there is one, or else the last column, but
 * never the first. */
static bool drop_last(const core_result_table *t, core_text_layout *l)
{
	size_t none = t->n_columns, first = none, last = none, text = none, idle = none;
	for (size_t j = 0; j < t->n_columns; j++) {
		if (!l->shown[j])
			continue;
		if (first == none) {
			first = j;
			continue;
		}
		last = j;
		text = is_text(t, j) ? j : text;
		idle = is_text(t, j) && !is_needed(t, l, j) ? j : idle;
	}
	size_t drop = idle < none ? idle : text < none ? text : last;
	if (drop == none)
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
			if (l->shown[j] && is_text(t, j) && l->width[j] > l->least[j] &&
				(widest == t->n_columns || l->width[j] > l->width[widest]))
				widest = j;
		if (widest == t->n_columns)
			return;
		l->width[widest]--;
		l->cut = true;
	}
}

/* Returns false if memory runs out. */
static bool fit_columns(
	const core_result_table *t, const core_write_style *style, core_text_layout *l)
{
	size_t limit = style->width, *whole = calloc(t->n_columns + 1, sizeof *whole);
	bool more = true, made = whole && find_least(t, style, l);
	for (size_t j = 0; j < t->n_columns && whole; j++)
		whole[j] = l->width[j];
	while (measure_line(t, l, COMFORTABLE) > limit && more)
		more = drop_least(t, l);
	for (more = true; measure_line(t, l, TIGHT) > limit && more;)
		more = drop_last(t, l);
	cut_text(t, limit, l);
	made = made && keep_texts(t, style, whole, l);
	free(whole);
	return made;
}

bool core_text_layout_make(
	const core_result_table *t, const core_write_style *style, core_text_layout *l)
{
	*l = (core_text_layout){.width = calloc(t->n_columns + 1, sizeof *l->width),
		.shown = calloc(t->n_columns + 1, sizeof *l->shown),
		.right = calloc(t->n_columns + 1, sizeof *l->right),
		.least = calloc(t->n_columns + 1, sizeof *l->least),
		.cell = calloc(t->n_rows * t->n_columns + 1, sizeof *l->cell),
		.cells = t->n_rows * t->n_columns};
	if (!l->width || !l->shown || !l->right || !l->least || !l->cell)
		return false;
	for (size_t j = 0; j < t->n_columns; j++) {
		l->shown[j] = core_column_is_for(t, j, CORE_FOR_PEOPLE);
		if (l->shown[j])
			measure_column(t, j, style, l);
	}
	l->needed = measure_line(t, l, SIZE_MAX);
	if (t->fits && style->width && l->needed > style->width && !fit_columns(t, style, l))
		return false;
	for (size_t j = 0; j < t->n_columns; j++)
		l->last = l->shown[j] ? j : l->last;
	return true;
}

void core_text_layout_free(core_text_layout *l)
{
	free(l->width);
	free(l->shown);
	free(l->right);
	free(l->least);
	for (size_t i = 0; i < l->cells && l->cell; i++)
		core_text_free(&l->cell[i]);
	free(l->cell);
}
