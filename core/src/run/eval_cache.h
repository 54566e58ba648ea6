/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of metrics: RESULTS/.eval/<sha256>.json, named by the hash of predictions.csv and of
 * the evaluation. Going back to an earlier `eval` computes nothing. The folder may be deleted; the
 * next change is then slower. */
#ifndef CORE_RUN_EVAL_CACHE_H
#define CORE_RUN_EVAL_CACHE_H

#include <jansson.h>

#include "run/measure.h"
#include "run/study_types.h"

/* Returns the path of the entry for a run's predictions under `eval`, the object of env.json.
 * eval.compare is ignored, because it changes no metric. Errors: FV_DATA if predictions.csv cannot
 * be read. */
FV_NODISCARD fv_status core_eval_cache_path(fv_ctx *ctx, const core_study *study,
	const core_run *run, const core_measured *measured, const json_t *eval, const char **path);

/* Returns the metrics.json at `path`, or NULL if there is no sound entry. */
const char *core_eval_cache_read(fv_ctx *ctx, const char *path);

/* Caches metrics. A failed write is ignored: the metrics are computed again when they are wanted. */
void core_eval_cache_write(fv_ctx *ctx, const char *path, const char *metrics);

#endif
