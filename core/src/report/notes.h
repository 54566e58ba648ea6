/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader has to know beside the numbers. */
#ifndef CORE_REPORT_NOTES_H
#define CORE_REPORT_NOTES_H

#include "report/grid.h"
#include "report/write.h"

/* All notes of a grid, the support among them. Call it when the document's tables are filled: what they
 * grey is explained. */
FV_NODISCARD fv_status core_grid_notes(fv_ctx *ctx, const core_grid *grid, core_document *document);

/* Speakers, rows and positives, and what is too few of them. */
FV_NODISCARD fv_status core_support_notes(
	fv_ctx *ctx, const core_grid *grid, core_document *document);

#endif
