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

void core_grid_csv(const core_results *results, core_text *out);
FV_NODISCARD fv_status core_grid_json(fv_ctx *ctx, const core_grid *grid, core_text *out);

/* What env.json says of a row's cell; NULL: no done run, or a file of an earlier version. */
const json_t *core_row_env(const core_grid_row *row, const char *key);
/* "true labels", "inferred: NAME", "none", "not recorded" */
const char *core_row_groups(fv_ctx *ctx, const core_grid_row *row);

/* What stands beside a gap: " [+0.158, p <.001] ▲"; "" without a null. NULL: out of memory. */
const char *core_null_text(fv_ctx *ctx, const core_estimate *e);

#endif
