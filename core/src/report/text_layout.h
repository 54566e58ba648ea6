/* SPDX-License-Identifier: Apache-2.0 */
/* Which columns of a table are shown in a limited width, and how wide each is. */
#ifndef CORE_REPORT_TEXT_LAYOUT_H
#define CORE_REPORT_TEXT_LAYOUT_H

#include "report/write.h"

typedef struct core_text_layout {
	size_t *width; /* [columns] what is longer is cut */
	size_t *least; /* [columns] the width in which different texts are still different */
	bool *shown;   /* [columns] for people, and not left out */
	bool *right;   /* [columns] aligned right: counts and bare numbers */
	size_t last;   /* the last column that is shown */
	size_t needed; /* the width in which nothing is left out or cut */
	size_t n_left_out;
	bool cut; /* text is cut */
	core_text *
		cell; /* [rows, columns] texts that are cut, without what follows them; data NULL: it is not cut */
	size_t cells; /* rows x columns */
} core_text_layout;

/* Two spaces are between columns. Only tables that fit (core_result_table) are limited to style->width: text
 * longer than 12 columns is cut first, then the least important columns are left out, then shorter text is cut,
 * then text columns are left out from the right, first those that tell no rows apart. Different texts of a column stay different, also if the line is then
 * longer. Returns false if memory runs out; free it in either case. */
bool core_text_layout_make(
	const core_result_table *table, const core_write_style *style, core_text_layout *out);
void core_text_layout_free(core_text_layout *layout);

/* Returns a text that is cut; NULL: it is not. */
static inline const char *core_text_layout_cut(
	const core_text_layout *l, const core_result_table *t, size_t row, size_t column)
{
	return l->cell[row * t->n_columns + column].data;
}

/* Adds a value, or the text that is left of it, with what follows it as visible text. Returns its width. */
size_t core_put_cell(core_text *out, const core_result_table *table, size_t row, size_t column,
	const core_text_layout *layout, const core_write_style *style);

#endif
