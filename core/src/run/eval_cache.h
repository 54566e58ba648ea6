/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics of a run by what they depend on: RESULTS/.eval/<sha256>.json, named by the hash of
 * predictions.csv and of how it is evaluated. Going back to an earlier `eval` computes nothing. Deleting the
 * folder only makes the next change slower. */
#ifndef CORE_RUN_EVAL_CACHE_H
#define CORE_RUN_EVAL_CACHE_H

#include <jansson.h>

#include "run/study_types.h"

/* Path of the entry for a run's predictions under `eval`, the object of env.json; eval.compare, which changes
 * no metric, plays no part. Errors: FV_DATA when predictions.csv cannot be read. */
FV_NODISCARD fv_status core_eval_cache_path(fv_ctx *ctx, const core_study *study,
	const core_run *run, const json_t *eval, const char **path);

/* The metrics.json at `path`; NULL: there is no sound entry. */
const char *core_eval_cache_read(fv_ctx *ctx, const char *path);

/* Keeps metrics for later. A cache that cannot be written costs a warning, never the run. */
void core_eval_cache_write(fv_ctx *ctx, const char *path, const char *metrics);

#endif
