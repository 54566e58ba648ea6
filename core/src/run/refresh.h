/* SPDX-License-Identifier: Apache-2.0 */
/* Refreshes a finished run under another `eval`, or in a study with more axes: metrics.json,
 * config.yaml and their entries in env.json are written again from predictions.csv. Nothing is
 * trained. */
#ifndef CORE_RUN_REFRESH_H
#define CORE_RUN_REFRESH_H

#include "base/lease.h"
#include "run/study_types.h"

enum {
	CORE_STALE_EVAL = 1,    /* evaluated with another `eval` than the study has */
	CORE_STALE_AXES = 2,    /* env.json lacks an axis that the study has */
	CORE_STALE_METRICS = 4, /* with CORE_STALE_EVAL: metrics.json changes too */
};

/* Finds why a finished run must be refreshed (CORE_STALE_ flags). Returns false if env.json cannot
 * be read and the run must be computed again. */
bool core_refresh_find(const core_study *study, const core_run *run, unsigned *stale);

/* Refreshes the run. *taken is false if another process holds its folder (`view`: folder.h). *judged: `eval` had
 * changed. env.json is written last, so an interrupted refresh is repeated. */
FV_NODISCARD fv_status core_refresh_run(fv_ctx *ctx, const core_study *study, const core_run *run,
	core_lease_view *view, bool *taken, bool *judged);

#endif
