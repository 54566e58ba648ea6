/* SPDX-License-Identifier: Apache-2.0 */
/* Paired permutation test of two systems. Exchanges the two systems' predictions speaker by speaker,
 * at random: if the systems do not differ, the difference of a metric is equally likely to have either
 * sign.
 *
 * Metrics are averaged over seeds (probabilities never are), with the same exchange in every seed, and
 * all folds are pooled. Both systems need the same seeds, so the unit is the speaker, not the run.
 *
 * With draws->family = m the draws of a metric go on, in steps of draws->n, until 10 of them are as large as
 * the difference, or m / (n + 1), the smallest p that an adjustment over m comparisons can give, is below .005,
 * or there are 200,000: J. Besag, P. Clifford, "Sequential Monte Carlo p-values", Biometrika 78, 1991. */
#ifndef CORE_EVAL_SWAP_H
#define CORE_EVAL_SWAP_H

#include "eval/speakers.h"

typedef struct core_swap {
	double a[CORE_METRICS], b[CORE_METRICS], diff[CORE_METRICS]; /* means over seeds; a - b */
	double p[CORE_METRICS];      /* two-sided; NaN: undefined, not counted in a family */
	int64_t draws[CORE_METRICS]; /* that p rests on */
	bool at_floor[CORE_METRICS]; /* the limit of draws ended it: p may be smaller */
} core_swap;

#define CORE_DRAWS_MAX 200000

/* cohort NULL: F1 and ACC only. trace [draws->n, CORE_METRICS], if not NULL, receives the difference
 * of each exchange. draws->given: signs [n, S]. Errors: FV_CONFIG if the systems have different
 * numbers of seeds, FV_FAILED (memory). */
FV_NODISCARD fv_status core_swap_test(fv_ctx *ctx, const core_speakers *speakers,
	const core_cohort *cohort, const core_system *a, const core_system *b,
	const core_draws *draws, double *trace, core_swap *out);

#endif
