/* SPDX-License-Identifier: Apache-2.0 */
/* A finished run under another `eval`, or in a study with more axes: metrics.json, config.yaml and what
 * env.json says of both are made anew from predictions.csv. Nothing is trained. */
#ifndef CORE_RUN_REFRESH_H
#define CORE_RUN_REFRESH_H

#include "run/study_types.h"

enum {
	CORE_STALE_EVAL = 1,    /* judged in another way than the study asks for */
	CORE_STALE_AXES = 2,    /* env.json lacks an axis that the study has */
	CORE_STALE_METRICS = 4, /* of CORE_STALE_EVAL: metrics.json is another, too */
};

/* What a finished run is to be refreshed for, CORE_STALE_ flags; false: env.json cannot be read, the run
 * is to be computed again. */
bool core_refresh_find(const core_study *study, const core_run *run, unsigned *stale);

/* *judged: `eval` was another. A run that another process is at is left alone. env.json goes last: a
 * refresh that was interrupted is done again. */
FV_NODISCARD fv_status core_refresh_run(
	fv_ctx *ctx, const core_study *study, const core_run *run, bool *judged);

#endif
