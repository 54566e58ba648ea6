/* SPDX-License-Identifier: Apache-2.0 */
/* A grid as result tables, one function a table. Each adds its table to the document, or nothing where
 * there is nothing to show. */
#ifndef CORE_REPORT_GRID_TABLES_H
#define CORE_REPORT_GRID_TABLES_H

#include "report/grid.h"
#include "report/spread.h"
#include "report/write.h"

/* All of them, the head and the notes: what `fairvox table` prints. */
FV_NODISCARD fv_status core_grid_tables(
	fv_ctx *ctx, const core_grid *grid, core_document *document);

/* Means over folds, then pooled figures: variants, then baselines. */
FV_NODISCARD fv_status core_add_aggregates(
	fv_ctx *ctx, const core_grid *grid, core_document *document);
/* Every variant against its reference; and of each class the best and the worst group's change. */
FV_NODISCARD fv_status core_add_effects(
	fv_ctx *ctx, const core_grid *grid, core_document *document);
/* Differences of TPR between groups, class by class; people see those of the comparison family's
 * attribute. */
FV_NODISCARD fv_status core_add_tpr_differences(
	fv_ctx *ctx, const core_grid *grid, core_document *document);
/* A line for each source of variation with several levels. */
FV_NODISCARD fv_status core_add_spread(fv_ctx *ctx, const core_grid *grid, core_document *document);
/* What each variant used and saw, how its model was chosen; with `scores` its threshold-free metrics. */
FV_NODISCARD fv_status core_add_variants(
	fv_ctx *ctx, const core_grid *grid, bool scores, core_document *document);
/* For JSON: threshold-free metrics by group; speakers, rows and positives by group and fold. */
FV_NODISCARD fv_status core_add_group_metrics(
	fv_ctx *ctx, const core_grid *grid, core_document *document);
FV_NODISCARD fv_status core_add_support(
	fv_ctx *ctx, const core_grid *grid, core_document *document);

/* The long form for CSV: every metric and rate of every done run, as in its metrics.json. */
FV_NODISCARD fv_status core_add_runs(
	fv_ctx *ctx, const core_results *results, int64_t min_support, core_document *document);

/* --- shared by the tables --- */

/* A grid column as a column of figures, with the parts given. */
core_table_column core_grid_figures(const core_grid *grid, size_t column, unsigned parts);
/* Two columns that name a row: its label with marks for people, its folder for programs. */
void core_name_columns(core_result_table *table, size_t column, const char *title);
void core_name_row(core_result_table *table, size_t row, size_t column, const core_grid_row *from);
/* " †", " ‡" behind a name: transductive, chosen on test. */
const char *core_row_marks(const core_grid_row *row);
/* "own - other" with their marks. NULL: out of memory. */
const char *core_pair_label(fv_ctx *ctx, const core_grid_row *own, const core_grid_row *other);
/* The folder of a variant, the name of a baseline. */
const char *core_row_name(const core_grid_row *row);

#endif
