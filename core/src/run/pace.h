/* SPDX-License-Identifier: Apache-2.0 */
/* How long the remaining runs of a study will take, learned from the runs that have ended. A run is expected
 * to take as long as others of its variant, else as others of its objective, else as the mean of all. */
#ifndef CORE_RUN_PACE_H
#define CORE_RUN_PACE_H

#include "run/study_types.h"

typedef struct core_pace {
	const core_study *study;
	int64_t *n;      /* [variants] runs that have ended */
	double *seconds; /* [variants] their sum */
} core_pace;

FV_NODISCARD fv_status core_pace_make(fv_ctx *ctx, const core_study *study, core_pace *out);
/* Records that a run took so many seconds. */
void core_pace_add(core_pace *pace, const core_run *run, double seconds);
/* Seconds on one worker for `remaining` [variants] runs. NaN: no run has ended. */
double core_pace_expect(const core_pace *pace, const int64_t *remaining);

#endif
