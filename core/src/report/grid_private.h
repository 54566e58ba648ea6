/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of core_grid_write. */
#ifndef CORE_REPORT_GRID_PRIVATE_H
#define CORE_REPORT_GRID_PRIVATE_H

#include "report/sheet.h"
#include "report/table.h"

#define CORE_SIGNIFICANT 0.05

/* For people: both aggregates, the comparisons, and what each cell is. */
FV_NODISCARD fv_status core_grid_sheets(
	fv_ctx *ctx, const core_grid *grid, core_document *document);
/* What a reader has to know beside the numbers. */
FV_NODISCARD fv_status core_grid_notes(fv_ctx *ctx, const core_grid *grid, core_document *document);
/* Speakers, rows and positives, and what is too few of them. */
FV_NODISCARD fv_status core_support_notes(
	fv_ctx *ctx, const core_grid *grid, core_document *document);

void core_grid_csv(fv_ctx *ctx, const core_results *results, int64_t min_support, core_text *out);
FV_NODISCARD fv_status core_grid_json(fv_ctx *ctx, const core_grid *grid, core_text *out);

/* What env.json says of a row's cell; NULL: no done run, or a file of an earlier version. */
const json_t *core_row_env(const core_grid_row *row, const char *key);
/* "true labels", "inferred: NAME", "none", "not recorded" */
const char *core_row_groups(fv_ctx *ctx, const core_grid_row *row);

/* " †", " ‡" behind a name: transductive, chosen on test. */
const char *core_row_marks(const core_grid_row *row);
/* "own - other" with their marks. NULL: out of memory. */
const char *core_pair_label(fv_ctx *ctx, const core_grid_row *own, const core_grid_row *other);
/* Takes no part in ranks. */
static inline bool core_row_unranked(const core_grid_row *row)
{
	return row->transductive || row->on_test || row->unbiased;
}

/* Every row against its reference. */
FV_NODISCARD fv_status core_versus_sheet(
	fv_ctx *ctx, const core_grid *grid, core_document *document);
/* Differences of TPR between the groups of the declared attribute, class by class. */
FV_NODISCARD fv_status core_difference_sheet(
	fv_ctx *ctx, const core_grid *grid, core_document *document);

/* What each cell used and saw, how its model was chosen; sharp: and how it predicts. */
FV_NODISCARD fv_status core_facts_sheet(
	fv_ctx *ctx, const core_grid *grid, bool sharp, core_document *document);
/* What env.json says of a row's cell, into an object. */
void core_facts_put(json_t *object, const core_grid_row *row);
/* [{"cell", ...}] of every row, for layouts that have no objects of cells. */
json_t *core_facts_json(const core_grid *grid);

/* What stands beside a gap: " [+0.158, p <.001] ▲"; "" without a null. NULL: out of memory. */
const char *core_null_text(fv_ctx *ctx, const core_estimate *e);

#endif
