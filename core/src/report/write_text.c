/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a document as plain text: aligned columns without markup. A star marks low support. */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "report/value_text.h"
#include "report/write.h"

/* Adds text, escaping control characters and invalid UTF-8, since names may contain terminal commands.
 * Returns the width in characters. */
static size_t put_visible(core_text *out, const char *text)
{
	size_t width = 0, left = text ? strlen(text) : 0;
	for (const unsigned char *c = (const unsigned char *)text; left;) {
		size_t n = core_utf8_length(c, left);
		bool control = *c < 0x20 || *c == 0x7f || (n == 2 && *c == 0xc2 && c[1] < 0xa0);
		if (!n || control) {
			n = n ? n : 1;
			for (size_t i = 0; i < n; i++)
				core_text_add(out, "\\x%02x", c[i]);
			width += 4 * n;
		} else {
			core_text_put(out, (const char *)c, n);
			width++;
		}
		c += n;
		left -= n;
	}
	return width;
}

static size_t put_value(
	core_text *out, const core_table_column *column, const core_table_value *value)
{
	core_text text = {0};
	core_put_main(column, value, &text);
	core_put_parts(column, value, &text);
	if (value->low_support)
		core_text_add(&text, " *");
	size_t width = put_visible(out, text.data);
	out->failed |= text.failed;
	core_text_free(&text);
	return width;
}

static size_t measure_value(const core_table_column *column, const core_table_value *value)
{
	core_text text = {0};
	size_t width = put_value(&text, column, value);
	core_text_free(&text);
	return width;
}

static size_t measure_title(const core_table_column *column)
{
	core_text text = {0};
	size_t width = put_visible(&text, column->title);
	core_text_free(&text);
	return width;
}

struct layout {
	size_t *width; /* [columns] */
	bool *right;   /* [columns] aligned right: counts and bare numbers */
	size_t last;   /* the last column for people, which is not padded */
};

static bool has_parts(const core_table_column *column)
{
	return column->parts != 0;
}

static void measure_columns(const core_result_table *t, struct layout *l)
{
	for (size_t j = 0; j < t->n_columns; j++) {
		if (!core_column_is_for(t, j, CORE_FOR_PEOPLE))
			continue;
		l->last = j;
		l->width[j] = measure_title(&t->column[j]);
		l->right[j] = t->n_rows > 0 && !has_parts(&t->column[j]);
		for (size_t i = 0; i < t->n_rows; i++) {
			const core_table_value *v = &t->value[i * t->n_columns + j];
			if (!core_row_is_for(t, i, CORE_FOR_PEOPLE))
				continue;
			size_t width = measure_value(&t->column[j], v);
			l->width[j] = width > l->width[j] ? width : l->width[j];
			l->right[j] = l->right[j] && v->kind != CORE_TEXT;
		}
	}
}

static void put_spaces(core_text *out, size_t from, size_t to)
{
	for (; from < to; from++)
		core_text_put(out, " ", 1);
}

/* Writes one entry of a line, from the `text` that the caller has formatted. */
static void put_entry(core_text *out, const core_text *text, size_t width, size_t column,
	const struct layout *l, bool first)
{
	if (!first)
		core_text_put(out, "  ", 2);
	if (l->right[column])
		put_spaces(out, width, l->width[column]);
	core_text_add(out, "%s", text->data ? text->data : "");
	if (!l->right[column] && column != l->last)
		put_spaces(out, width, l->width[column]);
	out->failed |= text->failed;
}

/* row = n_rows: writes the titles */
static void put_line(core_text *out, const core_result_table *t, size_t row, const struct layout *l)
{
	bool first = true;
	for (size_t j = 0; j < t->n_columns; j++) {
		core_text text = {0};
		if (!core_column_is_for(t, j, CORE_FOR_PEOPLE))
			continue;
		size_t width = row == t->n_rows ? put_visible(&text, t->column[j].title)
						: put_value(&text, &t->column[j],
							  &t->value[row * t->n_columns + j]);
		put_entry(out, &text, width, j, l, first);
		first = false;
		core_text_free(&text);
	}
	core_text_add(out, "\n");
}

static void put_rule(core_text *out, const core_result_table *t, const struct layout *l)
{
	bool first = true;
	for (size_t j = 0; j < t->n_columns; j++) {
		if (!core_column_is_for(t, j, CORE_FOR_PEOPLE))
			continue;
		core_text_add(out, "%s", first ? "" : "  ");
		first = false;
		for (size_t k = 0; k < l->width[j]; k++)
			core_text_put(out, "-", 1);
	}
	core_text_add(out, "\n");
}

static void put_table(core_text *out, const core_result_table *t)
{
	struct layout l = {.width = calloc(t->n_columns + 1, sizeof *l.width),
		.right = calloc(t->n_columns + 1, sizeof *l.right)};
	if (l.width && l.right) {
		measure_columns(t, &l);
		if (t->title) {
			put_visible(out, t->title);
			core_text_add(out, "\n\n");
		}
		put_line(out, t, t->n_rows, &l);
		for (size_t i = 0; i < t->n_rows; i++) {
			if (!core_row_is_for(t, i, CORE_FOR_PEOPLE))
				continue;
			if (t->line[i])
				put_rule(out, t, &l);
			put_line(out, t, i, &l);
		}
	} else {
		out->failed = true;
	}
	free(l.width);
	free(l.right);
}

void core_write_text(const core_document *document, core_text *out)
{
	bool begun = document->heading != NULL;
	if (document->heading) {
		put_visible(out, document->heading);
		core_text_add(out, "\n");
	}
	for (size_t k = 0; k < document->n_tables; k++) {
		if (!(document->table[k]->audience & CORE_FOR_PEOPLE))
			continue;
		core_text_add(out, "%s", begun ? "\n" : "");
		begun = true;
		put_table(out, document->table[k]);
	}
	for (size_t i = 0; i < document->n_notes; i++) {
		core_text_add(out, "%s- ", i ? "" : "\n");
		put_visible(out, document->note[i]);
		core_text_add(out, "\n");
	}
}
