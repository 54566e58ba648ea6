/* SPDX-License-Identifier: Apache-2.0 */
/* What a run's numbers depend on, by content: the text of its `done` file. */
#ifndef CORE_RUN_INPUTS_H
#define CORE_RUN_INPUTS_H

#include <jansson.h>

#include "run/study.h"

/* The version of the files in a run's folder; runs of another one are never read or reused. */
#define CORE_RESULTS_SCHEMA 2

FV_NODISCARD fv_status core_run_inputs(fv_ctx *ctx, core_study *study, core_run *run);

/* A plugin's parameters, files as the SHA-256 of what is in them: a new reference. Errors: FV_DATA
 * for a file that cannot be read, FV_CONFIG for a text that is not UTF-8. */
FV_NODISCARD fv_status core_params_by_content(
	fv_ctx *ctx, const core_plugin_spec *use, json_t **out);

/* Replaces "{fold}" in a path template; lives as long as the context. */
char *core_fold_path(fv_ctx *ctx, const char *pattern, int64_t fold);

#endif
