/* SPDX-License-Identifier: Apache-2.0 */
/* Writers of result tables, one per format; each writes any document. */
#ifndef CORE_REPORT_WRITE_H
#define CORE_REPORT_WRITE_H

#include "report/result_table.h"

typedef enum core_table_format {
	CORE_TABLE_TEXT, /* aligned columns */
	CORE_TABLE_MD,
	CORE_TABLE_TEX,  /* booktabs */
	CORE_TABLE_CSV,  /* long: a line for each figure of each row */
	CORE_TABLE_JSON, /* one object: the head, a list of row objects for each table, the notes */
	CORE_TABLE_FORMATS,
} core_table_format;

/* How it is written for people. */
typedef struct core_write_style {
	size_t width; /* columns of a terminal, for prose and for tables that fit; 0: not limited */
	bool bold;    /* titles and best values in bold, by the terminal's commands */
	bool plain;   /* values alone, without interval, spread, null and p in the same cell */
} core_write_style;

/* "text", "md", ... */
const char *core_table_format_name(core_table_format format);

/* Appends to `out`. CSV contains only the tables for CSV, one below the other. Errors: FV_FAILED
 * (memory), FV_DATA for a name that is not UTF-8, which JSON cannot hold. */
FV_NODISCARD fv_status core_document_write(
	fv_ctx *ctx, const core_document *document, core_table_format format, core_text *out);

/* The same in a style; NULL: not limited, not bold, not plain. */
FV_NODISCARD fv_status core_document_write_styled(fv_ctx *ctx, const core_document *document,
	core_table_format format, const core_write_style *style, core_text *out);

/* Does any figure shown to people have low support? */
bool core_document_has_low_support(const core_document *document);

/* The writers behind core_document_write. */
void core_write_text(const core_document *document, const core_write_style *style, core_text *out);
void core_write_md(const core_document *document, const core_write_style *style, core_text *out);
void core_write_tex(const core_document *document, const core_write_style *style, core_text *out);
FV_NODISCARD fv_status core_write_csv(fv_ctx *ctx, const core_document *document, core_text *out);
FV_NODISCARD fv_status core_write_json(fv_ctx *ctx, const core_document *document, core_text *out);

/* Is a column or row of the table for people? */
static inline bool core_column_is_for(
	const core_result_table *t, size_t column, enum core_audience audience)
{
	return (t->column[column].audience & audience) != 0;
}
static inline bool core_row_is_for(
	const core_result_table *t, size_t row, enum core_audience audience)
{
	return (t->row_audience[row] & audience) != 0;
}

#endif
