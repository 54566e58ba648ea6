/* SPDX-License-Identifier: Apache-2.0 */
/* The notes below the tables. */
#ifndef CORE_REPORT_NOTES_H
#define CORE_REPORT_NOTES_H

#include "report/grid.h"
#include "report/write.h"

/* Adds all notes of a grid, including the support notes. Call it after filling the document's tables,
 * because it explains their marks. */
FV_NODISCARD fv_status core_grid_notes(fv_ctx *ctx, const core_grid *grid, core_document *document);

/* Adds the notes on groups with few speakers, rows or positives. */
FV_NODISCARD fv_status core_support_notes(
	fv_ctx *ctx, const core_grid *grid, core_document *document);

/* Names the groups of products that all test rows together have too few rows of. */
FV_NODISCARD fv_status core_note_left_out(
	fv_ctx *ctx, const core_grid *grid, core_document *document);

/* Notes encoders whose recordings were encoded on different devices. */
FV_NODISCARD fv_status core_note_devices(
	fv_ctx *ctx, const core_grid *grid, core_document *document);

/* Notes variants that predict exactly the same. */
FV_NODISCARD fv_status core_note_identical(
	fv_ctx *ctx, const core_grid *grid, core_document *document);

/* Notes plugins of which the variants used several builds. */
FV_NODISCARD fv_status core_note_builds(
	fv_ctx *ctx, const core_grid *grid, core_document *document);

/* Notes variants without a finished run, and which of them another build of a plugin has. */
FV_NODISCARD fv_status core_note_missing_runs(
	fv_ctx *ctx, const core_grid *grid, core_document *document);

#endif
