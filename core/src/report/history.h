/* SPDX-License-Identifier: Apache-2.0 */
/* The learning curves of a run: the lines of its metrics.jsonl. */
#ifndef CORE_REPORT_HISTORY_H
#define CORE_REPORT_HISTORY_H

#include "report/results.h"

/* Receives an epoch: an object with stage, epoch and the values of that epoch. */
typedef fv_status (*core_history_line)(void *user, const json_t *epoch);

/* Gives every epoch of a run, in order. Returns the first status that is not FV_OK. Errors: FV_DATA, with file
 * and line, for a file that cannot be read. */
FV_NODISCARD fv_status core_history_each(
	fv_ctx *ctx, const core_run_result *run, core_history_line line, void *user);

#endif
