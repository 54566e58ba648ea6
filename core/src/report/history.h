/* SPDX-License-Identifier: Apache-2.0 */
/* The learning curves of a run: the lines of its metrics.jsonl. */
#ifndef CORE_REPORT_HISTORY_H
#define CORE_REPORT_HISTORY_H

#include "report/results.h"

/* Reads the epochs of a run into an array of objects, in order: stage, epoch and the values of that epoch. Release
 * *out with json_decref. Errors: FV_DATA, with file and line, for a file that cannot be read. */
FV_NODISCARD fv_status core_history_read(fv_ctx *ctx, const core_run_result *run, json_t **out);

#endif
