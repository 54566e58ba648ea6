/* SPDX-License-Identifier: Apache-2.0 */
/* A document as Markdown: a paragraph and a table for each sheet, then the notes. */
#include <string.h>

#include "report/sheet.h"

/* A bar would end the cell, a line break the row; an underscore begins no emphasis inside a word.
 */
static void put(core_text *out, const char *text)
{
	for (; text && *text; text++) {
		if (*text == '|')
			core_text_add(out, "\\|");
		else
			core_text_put(out, *text == '\n' ? " " : text, 1);
	}
}

static void put_cell(core_text *out, const core_sheet_cell *cell)
{
	static const char *const before[] = {"", "**", "<u>"}, *const after[] = {"", "**", "</u>"};
	const char *slant = cell->few && cell->value ? "*" : ""; /* Markdown has no grey */
	core_text_add(out, " %s%s", before[cell->rank], slant);
	put(out, cell->value);
	core_text_add(out, "%s%s", slant, after[cell->rank]);
	put(out, cell->after);
	core_text_add(out, " |");
}

static void put_sheet(core_text *out, const core_sheet *sheet)
{
	if (sheet->title)
		core_text_add(out, "%s\n\n", sheet->title);
	core_text_add(out, "|");
	for (size_t j = 0; j < sheet->n_columns; j++) {
		core_text_add(out, " ");
		put(out, sheet->head[j]);
		core_text_add(out, " |");
	}
	core_text_add(out, "\n|");
	for (size_t j = 0; j < sheet->n_columns; j++)
		core_text_add(out, "---|");
	core_text_add(out, "\n");
	for (size_t i = 0; i < sheet->n_rows; i++) {
		core_text_add(out, "|");
		for (size_t j = 0; j < sheet->n_columns; j++)
			put_cell(out, &sheet->cell[i * sheet->n_columns + j]);
		core_text_add(out, "\n");
	}
}

void core_document_md(const core_document *document, core_text *out)
{
	for (size_t i = 0; i < document->n_sheets; i++) {
		if (i)
			core_text_add(out, "\n");
		put_sheet(out, &document->sheet[i]);
	}
	for (size_t i = 0; i < document->n_notes; i++)
		core_text_add(out, "%s- %s\n", i ? "" : "\n", document->note[i]);
}
