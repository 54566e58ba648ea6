/* SPDX-License-Identifier: Apache-2.0 */
/* The grid: one row a cell, F1, ACC and the gaps of each attribute as mean over folds with the
 * standard deviation over folds (n-1); seeds are averaged within a fold first. */
#ifndef CORE_REPORT_TABLE_H
#define CORE_REPORT_TABLE_H

#include "base/text.h"
#include "report/collect.h"

typedef enum core_table_format { CORE_TABLE_MD, CORE_TABLE_CSV, CORE_TABLE_JSON } core_table_format;

typedef struct core_mean {
	double mean, sd; /* NaN when there is none */
	int64_t folds;   /* used: those where the value is defined */
} core_mean;

typedef struct core_grid_column {
	const char *attribute, *metric, *title; /* attribute NULL: of all rows */
	bool higher_is_better;
} core_grid_column;

typedef struct core_grid_row {
	const core_result_cell *cell;
	int64_t done, runs;
	bool transductive;
	core_mean *value; /* [columns] */
} core_grid_row;

typedef struct core_grid {
	size_t n_columns, n_rows;
	core_grid_column *column;
	core_grid_row *row;
	int64_t folds, seeds; /* largest over the rows */
	bool synthetic, shared_speakers;
} core_grid;

/* Cells without a done run are rows without values. */
FV_NODISCARD fv_status core_grid_make(fv_ctx *ctx, const core_results *results, core_grid *out);

/* md: best in bold, second underlined, transductive rows unranked. csv: one line per cell x fold x
 * seed x metric. Adds to `out`. */
FV_NODISCARD fv_status core_grid_write(fv_ctx *ctx, const core_results *results,
	const core_grid *grid, core_table_format format, core_text *out);

#endif
