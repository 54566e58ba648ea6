/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a document as Markdown: a paragraph and a table for each of its tables, then the notes. */
#include <string.h>

#include "report/value_text.h"
#include "report/write.h"

/* Escapes characters that would end a table cell or row, or start markup. An underscore inside a word
 * starts none. */
static void put_escaped(core_text *out, const core_text *text)
{
	for (const char *c = text->data; c && *c; c++) {
		if (strchr("|<`*[", *c))
			core_text_add(out, "\\%c", *c);
		else
			core_text_put(out, *c == '\n' ? " " : c, 1);
	}
}

static void put_plain(core_text *out, const char *plain)
{
	core_text text = {0};
	core_text_add(&text, "%s", plain ? plain : "");
	put_escaped(out, &text);
	out->failed |= text.failed;
	core_text_free(&text);
}

/* Adds prose, in which a name may be no tag and no code. */
static void put_prose(core_text *out, const char *text)
{
	for (const char *c = text; *c; c++)
		core_text_add(out, *c == '<' || *c == '`' ? "\\%c" : "%c", *c);
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
	put_escaped(out, &text);
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
		put_prose(out, t->title);
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
		put_prose(out, document->heading);
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
		put_prose(out, document->note[i]);
		core_text_add(out, "\n");
	}
}
