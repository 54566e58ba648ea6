/* SPDX-License-Identifier: Apache-2.0 */
/* Every cell against the one that does no debiasing, and any cell against any other: predictions
 * exchanged speaker by speaker, p-values adjusted for how many there are. */
#ifndef CORE_REPORT_VERSUS_H
#define CORE_REPORT_VERSUS_H

#include "report/table.h"

/* Fills versus of every row. The reference of a row is the cell with a plain objective (env.json)
 * and the same values on all matrix axes but those of loss and grouper; with options.reference that
 * cell, whatever the axes. In the declared family's column p-values are adjusted by Holm over the
 * rows; every other column is exploratory and adjusted by Benjamini and Hochberg. Errors: FV_CONFIG
 * for a reference that is not there. */
FV_NODISCARD fv_status core_versus_fill(fv_ctx *ctx, core_grid *grid);

/* Why the predictions of two rows cannot be compared; NULL: they can. */
const char *core_versus_reason(const core_grid *grid, size_t a, size_t b);

#endif
