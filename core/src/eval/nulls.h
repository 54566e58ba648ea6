/* SPDX-License-Identifier: Apache-2.0 */
/* Permutation nulls: the gap expected if the group had no effect. Permutes groups over speakers,
 * within each fold and among the speakers whose group is known. One permutation serves both
 * aggregates, all seeds and all gaps. core/docs/statistics.md has the definitions. */
#ifndef CORE_EVAL_NULLS_H
#define CORE_EVAL_NULLS_H

#include "eval/speakers.h"

typedef struct core_gap_nulls {                /* gaps and group metrics, means over seeds */
	core_estimate pooled[CORE_METRICS];    /* rows of all folds together */
	core_estimate fold_mean[CORE_METRICS]; /* mean of the folds' gaps */
	int32_t folds_used[CORE_METRICS];      /* folds with two groups and the gap defined */
	int64_t pooled_defined[CORE_METRICS],
		fold_mean_defined[CORE_METRICS]; /* draws with a defined value */
} core_gap_nulls;

/* trace [draws->n, 2 * CORE_METRICS], if not NULL, receives the pooled and then the fold_mean gaps of
 * each draw. draws->given: permutations [n, S]. draws->n = 0: values without nulls. Errors: FV_FAILED
 * (memory). */
FV_NODISCARD fv_status core_nulls_compute(fv_ctx *ctx, const core_cohort *cohort,
	const core_system *system, const core_draws *draws, double *trace, core_gap_nulls *out);

#endif
