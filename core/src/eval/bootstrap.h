/* SPDX-License-Identifier: Apache-2.0 */
/* Bootstrap intervals over speakers: draws speakers with replacement, stratified by the attribute
 * (unknown is a separate stratum; folds do not matter), and counts all rows of a speaker as often as
 * it is drawn. Used for rates, signed differences of rates and paired differences of metrics. A gap
 * gets no interval: it is a root mean square, so its interval would always exclude 0. */
#ifndef CORE_EVAL_BOOTSTRAP_H
#define CORE_EVAL_BOOTSTRAP_H

#include "eval/speakers.h"

/* Values of a resample, as means over seeds: the metrics, then TPR [CORE_READINGS, C, G]. */
static inline int64_t core_resample_width(int32_t C, int32_t G)
{
	return CORE_METRICS + CORE_READINGS * (int64_t)C * G;
}
static inline int64_t core_resample_tpr(
	core_reading reading, int32_t C, int32_t G, int32_t c, int32_t g)
{
	return CORE_METRICS + ((int64_t)reading * C + c) * G + g;
}

/* Fills trace [draws->n, width] and, if not NULL, observed [width]. Every system of these speakers
 * gets the same draws, so the traces of two systems can be subtracted row by row. cohort NULL: F1 and
 * ACC only, one stratum, width CORE_METRICS. draws->given [n, S]: how often each resample has each
 * speaker. */
FV_NODISCARD fv_status core_bootstrap(fv_ctx *ctx, const core_speakers *speakers,
	const core_cohort *cohort, const core_system *system, const core_draws *draws,
	double *observed, double *trace);

typedef struct core_tpr_difference { /* TPR_g - TPR_h of a pair of groups, g < h */
	int32_t g, h;
	bool few;             /* a group of the pair has fewer than 10 speakers */
	bool one_speaker;     /* a group of the pair has one speaker: no interval */
	core_estimate *value; /* [C] */
} core_tpr_difference;

/* Computes the differences of all G (G - 1) / 2 pairs of groups, g-major, from the observed values and
 * the trace of one system, or from the differences of two systems' values and traces. */
FV_NODISCARD fv_status core_tpr_differences(fv_ctx *ctx, const core_cohort *cohort, int32_t C,
	const double *observed, const double *trace, int64_t n, core_tpr_difference **out);

#endif
