/* SPDX-License-Identifier: Apache-2.0 */
/* For pool*.c: which worker computes which tasks. In memory that the caller and the workers share. */
#ifndef CORE_RUN_POOL_CLAIMS_H
#define CORE_RUN_POOL_CLAIMS_H

#include <stdatomic.h>

#include "run/pool.h"

#define JOBS_MAX 256
#define SLOTS_MAX (JOBS_MAX + 1) /* with the finishing process */

/* Tasks [first, end) */
struct claim {
	int64_t first, end;
};

/* Of each slot; the caller reads them when its worker has died. */
struct claims {
	_Atomic int64_t next;               /* the next task to start */
	_Atomic int64_t current[SLOTS_MAX]; /* the task that the worker is at, -1: none */
	struct claim together[SLOTS_MAX];   /* what it computes in lockstep */
	struct claim left[SLOTS_MAX];       /* claimed, but left to its successor */
};

/* Claims the next task that the worker before left and that has not ended (over [tasks]), or the next ones of all; first =
 * end: none is left. */
struct claim core_claim_next(
	struct claims *claims, const core_pool *pool, int slot, const bool *over);

/* Leaves what a worker computed in lockstep when it died to its successor, task by task. Returns false if it computed no
 * tasks in lockstep. */
bool core_claim_leave(struct claims *claims, int slot);

bool core_claim_any_left(const struct claims *claims, const core_pool *pool, int slot);

#endif
