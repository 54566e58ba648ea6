/* SPDX-License-Identifier: Apache-2.0 */
/* The long form of a result table, for programs: one line for each figure, with the row's plain columns first;
 * a table without figures has one line for each row. CSV and SQLite are written from it. */
#ifndef CORE_REPORT_LONG_FORM_H
#define CORE_REPORT_LONG_FORM_H

#include "report/result_table.h"

typedef enum core_cell_kind {
	CORE_CELL_EMPTY,
	CORE_CELL_TEXT,
	CORE_CELL_INTEGER,
	CORE_CELL_REAL,
} core_cell_kind;

typedef struct core_cell {
	core_cell_kind kind;
	const char *text; /* of TEXT; of a number that has a spelling of its own, else NULL */
	int64_t integer;
	double real; /* NaN: undefined */
} core_cell;

typedef struct core_long_form {
	fv_ctx *ctx;
	const core_result_table *table;
	bool has_figures;
	unsigned parts; /* core_figure_part that any figure has */
	size_t n_columns;
	const char **name; /* [n_columns] "variant", "axes.train.batch", "value" */
	core_cell *cell;   /* [n_columns] */
} core_long_form;

/* The form refers to the table, and lives as long as the context. */
FV_NODISCARD fv_status core_long_form_make(
	fv_ctx *ctx, const core_result_table *table, core_long_form *out);

/* Receives a line; cells [n_columns] are valid during the call. */
typedef fv_status (*core_long_line)(void *user, const core_cell *cell);

/* Gives every line, in the order of rows and columns. Returns the first status that is not FV_OK. */
FV_NODISCARD fv_status core_long_form_each(core_long_form *form, core_long_line line, void *user);

#endif
