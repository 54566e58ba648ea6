/* SPDX-License-Identifier: Apache-2.0 */
/* Which columns of a table are shown in a limited width, and how wide each is. */
#ifndef CORE_REPORT_TEXT_LAYOUT_H
#define CORE_REPORT_TEXT_LAYOUT_H

#include "report/write.h"

typedef struct core_text_layout {
	size_t *width; /* [columns] what is longer is cut */
	bool *shown;   /* [columns] for people, and not left out */
	bool *right;   /* [columns] aligned right: counts and bare numbers */
	size_t last;   /* the last column that is shown */
	size_t needed; /* the width in which nothing is left out or cut */
	size_t n_left_out;
	bool cut; /* text is cut */
} core_text_layout;

/* Two spaces are between columns. Only tables that fit (core_result_table) are limited to style->width: text
 * longer than 12 columns is cut first, then the least important columns are left out, then shorter text is cut,
 * then text columns are left out from the right. Returns false if memory runs out; free it in either case. */
bool core_text_layout_make(
	const core_result_table *table, const core_write_style *style, core_text_layout *out);
void core_text_layout_free(core_text_layout *layout);

/* Adds a value with what follows it as visible text. Returns its width. */
size_t core_put_cell(core_text *out, const core_table_column *column, const core_table_value *value,
	const core_write_style *style);

#endif
