/* SPDX-License-Identifier: Apache-2.0 */
/* Tables for people, before they are Markdown or LaTeX: text in rows and columns, and notes. */
#ifndef CORE_REPORT_SHEET_H
#define CORE_REPORT_SHEET_H

#include "base/text.h"

typedef enum core_rank { CORE_UNRANKED, CORE_BEST, CORE_SECOND } core_rank;

typedef struct core_sheet_cell {
	const char *value, *after; /* value is what a rank emphasises; NULL: nothing */
	core_rank rank;
	bool few; /* the value rests on too little: grey, or where there is no grey in italics */
} core_sheet_cell;

typedef struct core_sheet {
	const char *title; /* a sentence; NULL: none */
	size_t n_columns, n_rows;
	const char **head;     /* [columns]; the first column is of names */
	core_sheet_cell *cell; /* [rows, columns] */
	bool *line;            /* [rows] a line above this row */
} core_sheet;

#define CORE_SHEETS 8
typedef struct core_document {
	size_t n_sheets, n_notes, notes_room;
	core_sheet sheet[CORE_SHEETS];
	const char **note;
} core_document;

/* A new empty sheet of the document. NULL: out of memory. */
core_sheet *core_sheet_add(
	fv_ctx *ctx, core_document *document, const char *title, size_t n_rows, size_t n_columns);
static inline core_sheet_cell *core_sheet_at(core_sheet *sheet, size_t row, size_t column)
{
	return &sheet->cell[row * sheet->n_columns + column];
}

/* Takes a text over as a string of the context, "" when it is empty. NULL: out of memory. */
const char *core_text_take(fv_ctx *ctx, core_text *text);
FV_NODISCARD fv_status core_note(fv_ctx *ctx, core_document *document, const char *format, ...)
	FV_PRINTF(3, 4);

/* Best and second of a column of printed values (thousandths): ranks [n]. skip [n]: rows that take
 * no part. Fewer than three rows that do get no rank. */
void core_rank_column(
	size_t n, const int64_t *value, const bool *skip, bool higher_is_better, core_rank *rank);

void core_document_md(const core_document *document, core_text *out);
void core_document_tex(const core_document *document, core_text *out); /* with booktabs */

#endif
