/* SPDX-License-Identifier: Apache-2.0 */
/* Effects against the reference: compares every variant with training without debiasing, by the paired
 * permutation test over speakers, with adjusted p-values. */
#ifndef CORE_REPORT_EFFECTS_H
#define CORE_REPORT_EFFECTS_H

#include "report/grid.h"

/* Fills effect of every row. The reference of a variant has a plain objective (env.json) and the same
 * values on all matrix axes except those of loss and grouper, the same bias and the same features; options.reference overrides it, by the name of
 * a label, a folder or a row of the table (row_text.h). p-values
 * are adjusted by Holm over the variants in the column of the comparison family; the other columns are
 * exploratory and adjusted by Benjamini-Hochberg. Errors: FV_CONFIG if there is no such reference, with those that there are. */
FV_NODISCARD fv_status core_effects_fill(fv_ctx *ctx, const core_results *results, core_grid *grid);

/* Are all variants with finished runs without debiasing, so that none has a reference? False if there is none. */
bool core_effects_only_plain(const core_grid *grid);

/* Returns why the predictions of two rows cannot be compared; NULL: they can. */
const char *core_effect_reason(const core_grid *grid, size_t a, size_t b);

/* Notes how many figures of a column ended at the limit of draws before the family could find anything;
 * nothing if none did. */
FV_NODISCARD fv_status core_note_floor(
	fv_ctx *ctx, const core_grid *grid, size_t column, core_document *document);

#endif
