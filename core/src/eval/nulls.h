/* SPDX-License-Identifier: Apache-2.0 */
/* What a gap would be if group had nothing to do with it: groups permuted over speakers, within
 * each fold and among speakers whose group is known. One permutation serves both aggregates, all
 * seeds and all gaps. core/docs/statistics.md has the definitions. */
#ifndef CORE_EVAL_NULLS_H
#define CORE_EVAL_NULLS_H

#include "eval/speakers.h"

typedef struct core_gap_nulls {                /* of gaps and group metrics, means over seeds */
	core_estimate pooled[CORE_METRICS];    /* rows of all folds together */
	core_estimate fold_mean[CORE_METRICS]; /* mean of the folds' gaps */
	int32_t folds_used[CORE_METRICS];      /* folds with two groups and the gap defined */
	int64_t pooled_defined[CORE_METRICS], fold_mean_defined[CORE_METRICS]; /* draws */
} core_gap_nulls;

/* trace [draws->n, 2 * CORE_METRICS] receives each draw's pooled, then fold_mean gaps; NULL: not
 * wanted. draws->given: perm [n, S]. draws->n = 0 gives the values alone. Errors: FV_FAILED
 * (memory). */
FV_NODISCARD fv_status core_nulls_compute(fv_ctx *ctx, const core_cohort *cohort,
	const core_system *system, const core_draws *draws, double *trace, core_gap_nulls *out);

#endif
