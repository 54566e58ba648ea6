/* SPDX-License-Identifier: Apache-2.0 */
/* Intervals by drawing speakers with replacement, stratified by the attribute (unknown is a stratum
 * of its own; folds play no part), all rows of a drawn speaker as often as it is drawn. Used for
 * rates, signed differences of rates and paired differences of metrics. A gap itself gets none:
 * being the root of a mean square it would always exclude 0. */
#ifndef CORE_EVAL_BOOTSTRAP_H
#define CORE_EVAL_BOOTSTRAP_H

#include "eval/speakers.h"

/* A resample's figures, means over seeds: the metrics, then TPR [C, G]. */
static inline int64_t core_resample_width(int32_t C, int32_t G)
{
	return CORE_METRICS + (int64_t)C * G;
}
static inline int64_t core_resample_tpr(int32_t G, int32_t c, int32_t g)
{
	return CORE_METRICS + (int64_t)c * G + g;
}

/* trace [draws->n, width] and, if not NULL, observed [width]. The same draws for every system of
 * these speakers, so traces of two systems can be subtracted row by row. cohort NULL: F1 and ACC
 * only, one stratum, width CORE_METRICS. draws->given [n, S]: the speakers of each resample. */
FV_NODISCARD fv_status core_bootstrap(fv_ctx *ctx, const core_speakers *speakers,
	const core_cohort *cohort, const core_system *system, const core_draws *draws,
	double *observed, double *trace);

typedef struct core_tpr_difference { /* of one pair of groups, g < h: TPR_g - TPR_h */
	int32_t g, h;
	bool few;             /* a group of the pair has under 10 speakers: warn, pooled only */
	bool one_speaker;     /* a group of the pair has one: no interval */
	core_estimate *value; /* [C] */
} core_tpr_difference;

/* All pairs of groups, g-major, G (G - 1) / 2 of them, from one system's observed and trace, or
 * from the differences of two systems'. */
FV_NODISCARD fv_status core_tpr_differences(fv_ctx *ctx, const core_cohort *cohort, int32_t C,
	const double *observed, const double *trace, int64_t n, core_tpr_difference **out);

#endif
