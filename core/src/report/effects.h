/* SPDX-License-Identifier: Apache-2.0 */
/* Effects against the reference: every variant against the one that does no debiasing, predictions
 * exchanged speaker by speaker, p-values adjusted for how many there are. */
#ifndef CORE_REPORT_EFFECTS_H
#define CORE_REPORT_EFFECTS_H

#include "report/grid.h"

/* Fills effect of every row. The reference of a variant is the one with a plain objective (env.json) and
 * the same values on all matrix axes but those of loss and grouper; with options.reference that variant,
 * whatever the axes. In the comparison family's column p-values are adjusted by Holm over the variants;
 * every other column is exploratory and adjusted by Benjamini and Hochberg. Errors: FV_CONFIG for a
 * reference that is not there. */
FV_NODISCARD fv_status core_effects_fill(fv_ctx *ctx, core_grid *grid);

/* Why the predictions of two rows cannot be compared; NULL: they can. */
const char *core_effect_reason(const core_grid *grid, size_t a, size_t b);

#endif
