/* SPDX-License-Identifier: Apache-2.0 */
/* The paper's tables: its rows in its order, Overall means, gains over the first row, and best and
 * second in three scopes (methods, Overall, Gain).
 *
 * The rows are data (configs/paper/layouts/NAME.csv): the label and variant columns of the paper, and
 * the objective, the grouper and one of its settings that a variant of the study must have. Overall is
 * the mean of the values as printed with three decimals; the gain is that of this mean before
 * rounding. Halves are rounded away from zero. */
#ifndef CORE_REPORT_PAPER_H
#define CORE_REPORT_PAPER_H

#include "report/grid.h"

#define CORE_PAPER_COLUMNS 6

typedef struct core_paper_column {
	const char *attribute, *metric; /* attribute NULL: over all rows */
	const char *published;          /* column of the published table */
	int64_t grid;                   /* column of the grid; -1: none */
	bool higher_is_better;
} core_paper_column;

typedef struct core_paper_row {
	const char *label, *variant, *loss, *grouper, *setting;
	bool mean, ranked;
	const core_grid_row *row;            /* NULL: no variant of the study */
	int64_t printed[CORE_PAPER_COLUMNS]; /* thousandths; CORE_NO_NUMBER: none */
	int64_t published[CORE_PAPER_COLUMNS];
} core_paper_row;

/* The mean over the rows of a variant column, and its gain over the first row. */
typedef struct core_paper_scope {
	const char *variant;
	int64_t overall[CORE_PAPER_COLUMNS]; /* thousandths */
	int64_t gain[CORE_PAPER_COLUMNS];    /* hundredths of a percent, better is positive */
	double change[CORE_PAPER_COLUMNS];   /* mean - first row, not rounded */
	double excess[CORE_PAPER_COLUMNS];   /* the same for the excess over the null; NaN: none */
} core_paper_scope;

#define CORE_PAPER_SCOPES 8
typedef struct core_paper {
	const char *name, *variant_title;
	const core_grid *grid;
	bool against; /* compare with the published numbers */
	int32_t n_columns, n_rows, n_scopes;
	int32_t n_on_test; /* variants chosen on test, which fill no row */
	core_paper_column column[CORE_PAPER_COLUMNS];
	core_paper_row *row;
	core_paper_scope scope[CORE_PAPER_SCOPES];
} core_paper;

/* name: paper1 or paper2. Errors: FV_DATA if two variants match one row. */
FV_NODISCARD fv_status core_paper_make(
	fv_ctx *ctx, const core_grid *grid, const char *name, bool against, core_paper *out);

/* Computes Overall and gains from row[].printed; the excess only if the rows have variants. */
void core_paper_summarize(core_paper *paper);

/* Returns the half width of the 95% t interval of a mean over folds, in which a published number is
 * looked for. NaN: fewer than two folds. */
double core_paper_width(const core_mean *mean);

/* Adds the table of the layout, the comparison with the published table if requested, the table of
 * variants, and the notes. */
FV_NODISCARD fv_status core_paper_tables(
	fv_ctx *ctx, const core_paper *paper, core_document *document);

#endif
