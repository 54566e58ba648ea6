/* SPDX-License-Identifier: Apache-2.0 */
/* Are two systems different? Each speaker's predictions of both change places or not, at random: if
 * the systems are the same, the difference of a metric is as likely on either side.
 *
 * The metric is averaged over seeds, never the probabilities, with the same exchange in every seed;
 * all folds are pooled. Both systems need the same seeds, so the unit is the speaker, not the run.
 */
#ifndef CORE_EVAL_SWAP_H
#define CORE_EVAL_SWAP_H

#include "eval/speakers.h"

typedef struct core_swap {
	double a[CORE_METRICS], b[CORE_METRICS], diff[CORE_METRICS]; /* means over seeds; a - b */
	double p[CORE_METRICS]; /* two-sided; NaN: undefined, does not count in a family */
} core_swap;

/* cohort NULL: F1 and ACC only. trace [draws->n, CORE_METRICS]: d of each exchange; NULL: not wanted.
 * draws->given: sign [n, S]. Errors: FV_CONFIG when the systems have different numbers of seeds,
 * FV_FAILED (memory). */
FV_NODISCARD fv_status core_swap_test(fv_ctx *ctx, const core_speakers *speakers,
	const core_cohort *cohort, const core_system *a, const core_system *b,
	const core_draws *draws, double *trace, core_swap *out);

#endif
