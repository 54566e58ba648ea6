/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which the runs of a study are computed: those that read the same rows of long features one after
 * another, so that their standardised copy is made once (shared_matrix.h). */
#ifndef CORE_RUN_RUN_ORDER_H
#define CORE_RUN_RUN_ORDER_H

#include "run/study_types.h"

enum { CORE_ORDER_ALONE = -1, CORE_ORDER_ON_DEVICE = -2 };

/* Returns true if the run may share a worker: all its plugins are the program's own, and the loss only weighs. */
bool core_run_shares_worker(const core_study *study, const core_run *run);

/* Runs todo[task[i]], i < n, are to be computed. Moves those that are likely to read the same rows next to the first of
 * them -> task [n]; block_of [n]: which of them are, by number, CORE_ORDER_ALONE, or
 * CORE_ORDER_ON_DEVICE of all that a device trains. Errors: FV_FAILED (memory). */
FV_NODISCARD fv_status core_run_order(fv_ctx *ctx, const core_study *study, const int64_t *todo,
	int64_t n, int64_t *task, int64_t *block_of);

#endif
