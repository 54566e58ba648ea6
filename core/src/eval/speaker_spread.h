/* SPDX-License-Identifier: Apache-2.0 */
/* How unevenly a system serves single speakers: the spread of their UAR. */
#ifndef CORE_EVAL_SPEAKER_SPREAD_H
#define CORE_EVAL_SPEAKER_SPREAD_H

#include "eval/tally.h"

typedef struct core_speaker_spread {
	int32_t n; /* speakers that count */
	double sd; /* standard deviation (n - 1); NaN: fewer than two speakers */
	double gini; /* mean absolute difference of all pairs / (2 mean); NaN: also if the mean is 0 */
} core_speaker_spread;

/* Computes it over the speakers that have at least min_support rows in the argmax reading. */
FV_NODISCARD fv_status core_speaker_spread_compute(
	fv_ctx *ctx, const core_tally *speakers, int64_t min_support, core_speaker_spread *out);

#endif
