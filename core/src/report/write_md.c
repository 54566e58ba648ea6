/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a document as Markdown: a paragraph and a table for each of its tables, then the notes. */
#include <ctype.h>
#include <string.h>

#include "base/visible.h"
#include "report/value_text.h"
#include "report/write.h"

/* Is the character at c a part of markup there? An underscore inside a word starts none, nor does an ampersand that no
 * entity follows. `\\xNN` of core_put_visible is text like any other. */
static bool is_markup(const char *c, char before)
{
	if (*c == '_')
		return !isalnum((unsigned char)before) || !isalnum((unsigned char)c[1]);
	if (*c == '&')
		return c[1] == '#' || isalpha((unsigned char)c[1]);
	return strchr("|<`*[]\\~$", *c) != NULL;
}

/* Adds a text so that it is text wherever it stands: in a cell, a paragraph or a note. */
static void put_plain(core_text *out, const char *plain)
{
	core_text text = {0};
	char before = ' ';
	(void)core_put_visible(&text, plain);
	for (const char *c = text.data; c && *c; before = *c++)
		core_text_add(out, is_markup(c, before) ? "\\%c" : "%c", *c);
	out->failed |= text.failed;
	core_text_free(&text);
}

static void put_value(core_text *out, const core_table_column *column,
	const core_table_value *value, const core_write_style *style)
{
	static const char *const before[] = {"", "**", "<u>"}, *const after[] = {"", "**", "</u>"};
	const char *slant = value->low_support ? "*" : ""; /* Markdown has no grey */
	core_text text = {0}, parts = {0};
	core_table_column bare = *column;
	bare.parts = style->plain ? 0 : column->parts;
	core_put_main(&bare, value, &text);
	core_put_parts(&bare, value, &parts);
	core_text_add(out, " %s%s", before[value->rank], slant);
	put_plain(out, text.data);
	core_text_add(out, "%s%s", slant, after[value->rank]);
	/* "<.001" is not a tag */
	core_text_add(out, "%s |", parts.data ? parts.data : "");
	out->failed |= text.failed || parts.failed;
	core_text_free(&text);
	core_text_free(&parts);
}

static void put_head(core_text *out, const core_result_table *t)
{
	core_text_add(out, "|");
	for (size_t j = 0; j < t->n_columns; j++) {
		if (!core_column_is_for(t, j, CORE_FOR_PEOPLE))
			continue;
		core_text_add(out, " ");
		put_plain(out, t->column[j].title);
		core_text_add(out, " |");
	}
	core_text_add(out, "\n|");
	for (size_t j = 0; j < t->n_columns; j++)
		if (core_column_is_for(t, j, CORE_FOR_PEOPLE))
			core_text_add(out, "---|");
	core_text_add(out, "\n");
}

static void put_table(core_text *out, const core_result_table *t, const core_write_style *style)
{
	if (t->title) {
		put_plain(out, t->title);
		core_text_add(out, "\n\n");
	}
	put_head(out, t);
	for (size_t i = 0; i < t->n_rows; i++) {
		if (!core_row_is_for(t, i, CORE_FOR_PEOPLE))
			continue;
		core_text_add(out, "|");
		for (size_t j = 0; j < t->n_columns; j++)
			if (core_column_is_for(t, j, CORE_FOR_PEOPLE))
				put_value(
					out, &t->column[j], &t->value[i * t->n_columns + j], style);
		core_text_add(out, "\n");
	}
}

void core_write_md(const core_document *document, const core_write_style *style, core_text *out)
{
	bool begun = document->heading != NULL;
	if (document->heading) {
		put_plain(out, document->heading);
		core_text_add(out, "\n");
	}
	for (size_t k = 0; k < document->n_tables; k++) {
		if (!(document->table[k]->audience & CORE_FOR_PEOPLE))
			continue;
		core_text_add(out, "%s", begun ? "\n" : "");
		begun = true;
		put_table(out, document->table[k], style);
	}
	for (size_t i = 0; i < document->n_notes; i++) {
		core_text_add(out, "%s- ", i ? "" : "\n");
		put_plain(out, document->note[i]);
		core_text_add(out, "\n");
	}
}
