/* SPDX-License-Identifier: Apache-2.0 */
/* The variants that a claim is about: those its selectors match, paired so that the two of a pair differ in what
 * the claim names and in nothing else. */
#ifndef CORE_REPORT_CLAIM_ROWS_H
#define CORE_REPORT_CLAIM_ROWS_H

#include "report/claims_file.h"
#include "report/grid.h"

typedef struct core_claim_pair {
	size_t row, against; /* of the grid */
} core_claim_pair;

/* The pairs of a claim. Those of one comparison, whose mean it is, stand side by side. */
typedef struct core_claim_pairs {
	const char *missing; /* what the study lacks, one line: there are no pairs; NULL: nothing */
	size_t n, n_comparisons;
	core_claim_pair *pair; /* [n] */
	size_t *n_pairs;       /* [n_comparisons] */
} core_claim_pairs;

/* Rows without finished runs, and those that are not ranked, match no selector. If a selector lists values, every
 * combination of them must match a row. */
FV_NODISCARD fv_status core_claim_pairs_find(
	fv_ctx *ctx, const core_grid *grid, const core_claim *claim, core_claim_pairs *out);

/* Does a variant have the value, or one equal to it, for the key of a condition? */
bool core_claim_matches(const core_run_facts *facts, const char *key, const char *value);

#endif
