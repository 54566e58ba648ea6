/* SPDX-License-Identifier: Apache-2.0 */
/* Paired permutation tests of every variant against every other, all folds pooled. All of them are
 * exploratory; p-values are adjusted within a column over all pairs, by Holm and by
 * Benjamini-Hochberg. */
#ifndef CORE_REPORT_PAIRS_H
#define CORE_REPORT_PAIRS_H

#include "report/grid.h"

typedef struct core_pair {
	size_t a, b;                  /* rows of the grid, a < b */
	const char *reason;           /* why they cannot be compared, one line; NULL: they can */
	double *diff, *p, *holm, *bh; /* [columns] a - b; NaN: undefined */
} core_pair;

typedef struct core_pairs {
	const core_grid *grid;
	size_t n;
	core_pair *pair;
} core_pairs;

FV_NODISCARD fv_status core_pairs_make(fv_ctx *ctx, const core_grid *grid, core_pairs *out);
/* Adds the table of pairs, the table of variants, and the notes. */
FV_NODISCARD fv_status core_pairs_tables(
	fv_ctx *ctx, const core_pairs *pairs, core_document *document);

#endif
