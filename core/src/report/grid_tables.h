/* SPDX-License-Identifier: Apache-2.0 */
/* Makes the result tables of a grid, one function per table. Each adds its table to the document, or
 * nothing if there is nothing to show. */
#ifndef CORE_REPORT_GRID_TABLES_H
#define CORE_REPORT_GRID_TABLES_H

#include "report/grid.h"
#include "report/spread.h"
#include "report/write.h"

/* Adds all tables, the head and the notes: what `fairvox table` prints. */
FV_NODISCARD fv_status core_grid_tables(
	fv_ctx *ctx, const core_grid *grid, core_document *document);

/* Fold means, then pooled figures, of variants, then baselines. */
FV_NODISCARD fv_status core_add_aggregates(
	fv_ctx *ctx, const core_grid *grid, core_document *document);
/* Fold means at thresholds chosen on development rows, of the variants that have them. */
FV_NODISCARD fv_status core_add_dev_threshold(
	fv_ctx *ctx, const core_grid *grid, core_document *document);
/* Effects against the reference, and the TPR changes of the best and the worst group for each class. */
FV_NODISCARD fv_status core_add_effects(
	fv_ctx *ctx, const core_grid *grid, core_document *document);
/* TPR differences between groups for each class; people see only those of the comparison family's
 * attribute. */
FV_NODISCARD fv_status core_add_tpr_differences(
	fv_ctx *ctx, const core_grid *grid, core_document *document);
/* For JSON only: TPR by class and group, pooled, with intervals. */
FV_NODISCARD fv_status core_add_rates(fv_ctx *ctx, const core_grid *grid, core_document *document);
/* For JSON only: slopes of the speakers' recall on attributes that are numbers, pooled. */
FV_NODISCARD fv_status core_add_slopes(fv_ctx *ctx, const core_grid *grid, core_document *document);
/* Spread by source: one row for each source with several levels. */
FV_NODISCARD fv_status core_add_spread(fv_ctx *ctx, const core_grid *grid, core_document *document);
/* What each variant used and saw, and how its model was chosen; with `scores` also threshold-free
 * metrics. */
FV_NODISCARD fv_status core_add_variants(
	fv_ctx *ctx, const core_grid *grid, bool scores, core_document *document);
/* For JSON only: threshold-free metrics by group; speakers, rows and positives by group and fold. */
FV_NODISCARD fv_status core_add_group_metrics(
	fv_ctx *ctx, const core_grid *grid, core_document *document);
FV_NODISCARD fv_status core_add_support(
	fv_ctx *ctx, const core_grid *grid, core_document *document);

/* Fold means and pooled figures on every further test set that a run has. */
FV_NODISCARD fv_status core_add_further_tests(fv_ctx *ctx, const core_results *results,
	const core_table_options *options, core_document *document);

/* The long form for CSV: every metric and rate of every done run, as in metrics.json. */
FV_NODISCARD fv_status core_add_runs(
	fv_ctx *ctx, const core_results *results, int64_t min_support, core_document *document);

/* --- shared by the tables --- */

/* Makes a column of figures from a grid column, with the given parts. */
core_table_column core_grid_figures(const core_grid *grid, size_t column, unsigned parts);
/* Two columns name a row: its label with marks for people, and its folder for programs. */
void core_name_columns(core_result_table *table, size_t column, const char *title);
void core_name_row(core_result_table *table, size_t row, size_t column, const core_grid_row *from);
/* Returns " †" or " ‡", the marks after a name: transductive, chosen on test. */
const char *core_row_marks(const core_grid_row *row);
/* Returns "own - other" with marks. NULL: out of memory. */
const char *core_pair_label(fv_ctx *ctx, const core_grid_row *own, const core_grid_row *other);
/* Returns the folder of a variant, or the name of a baseline. */
const char *core_row_name(const core_grid_row *row);

#endif
