/* SPDX-License-Identifier: Apache-2.0 */
/* The short table: one line a variant, its values on the axes that differ, a few figures, best first; the
 * variants that others are compared with, and those that are not ranked, below a line; the trivial baselines
 * below another. It is what `fairvox table` prints by default, and Table 1 of a report. */
#ifndef CORE_REPORT_SHORT_TABLE_H
#define CORE_REPORT_SHORT_TABLE_H

#include "report/short_choice.h"
#include "report/write.h"

/* Adds the table "summary", and as heading of the document what all its variants have in common. The grid
 * was made with choice->request. Variants without a finished run are left out. */
FV_NODISCARD fv_status core_add_short(fv_ctx *ctx, const core_grid *grid,
	const core_variant_axes *axes, const core_short_choice *choice, core_document *document);

/* Adds such a table for every further test set that a run has, without changes. The options are those of the
 * grid. */
FV_NODISCARD fv_status core_add_short_tests(fv_ctx *ctx, const core_results *results,
	const core_table_options *options, const core_variant_axes *axes,
	const core_short_choice *choice, core_document *document);

/* Adds the notes that change how the short table is read. */
FV_NODISCARD fv_status core_short_notes(fv_ctx *ctx, const core_grid *grid,
	const core_short_choice *choice, core_document *document);

/* Is the row one that others are compared with, and is not compared itself? */
bool core_row_is_reference(const core_grid *grid, size_t row);

/* Are the figures those of all folds pooled? false: means over folds, since there are none pooled. */
bool core_short_is_pooled(const core_grid *grid);

/* Returns the column of the grid for a metric; -1: there is none. */
int64_t core_grid_find_column(const core_grid *grid, const core_column_request *what);

#endif
