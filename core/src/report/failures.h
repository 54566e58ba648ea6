/* SPDX-License-Identifier: Apache-2.0 */
/* Notes on what a table lacks because it failed. */
#ifndef CORE_REPORT_FAILURES_H
#define CORE_REPORT_FAILURES_H

#include "report/grid.h"
#include "report/write.h"

/* Adds a note for each of the first `most` reasons, with how many runs and variants have it; it starts with
 * `word`. */
FV_NODISCARD fv_status core_failure_notes(
	fv_ctx *ctx, const core_grid *grid, const char *word, size_t most, core_document *document);

#endif
