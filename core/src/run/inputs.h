/* SPDX-License-Identifier: Apache-2.0 */
/* What a run's numbers depend on, by content: the text of its `done` file. */
#ifndef CORE_RUN_INPUTS_H
#define CORE_RUN_INPUTS_H

#include <jansson.h>

#include "run/study.h"

/* A plugin by content: name, hash of its file, parameters, and the hashes of the files that parameters
 * name (in the order of the table; the paths themselves do not matter). A new object; NULL and a
 * message when a file cannot be read. */
json_t *core_plugin_inputs(fv_ctx *ctx, const core_plugin_spec *use);

FV_NODISCARD fv_status core_run_inputs(fv_ctx *ctx, const core_study *study, core_run *run);

/* Replaces "{fold}" in a path template; lives as long as the context. */
char *core_fold_path(fv_ctx *ctx, const char *pattern, int64_t fold);

#endif
