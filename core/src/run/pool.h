/* SPDX-License-Identifier: Apache-2.0 */
/* Independent tasks on worker processes. A worker takes the next task when it has done one, so the
 * order of tasks is the order of starts. A task that crashes fails alone: its worker is replaced.
 * What a task computes must not depend on which worker takes it; one that might spoil its worker for
 * others gets a fresh one, which ends with it. */
#ifndef CORE_RUN_POOL_H
#define CORE_RUN_POOL_H

#include <stdbool.h>

#include "base/context.h"

typedef struct core_pool {
	int jobs;        /* worker processes, at least 1 */
	int64_t tasks;   /* indices 0 .. tasks-1 */
	bool keep_going; /* false: after the first failure no further task is started */
	/* When a signal comes, workers have this long to end their tasks, which core_pool_should_stop tells
	 * of; then they are killed. A task that ends with FV_STOPPED has not failed. */
	double grace_s;
	void *user;
	/* In a worker, with a context of its own that is freed after the task. */
	fv_status (*work)(void *user, fv_ctx *ctx, int64_t task);
	/* In a worker: is this task to have a worker of its own? NULL: none is. */
	bool (*alone)(const void *user, int64_t task);
	/* In the caller, when a task has ended; `reason` holds its messages, one a line, "" when it
	 * went well. NULL: not wanted. */
	void (*ended)(void *user, int64_t task, fv_status status, const char *reason);
	/* In the caller, about every second and after each task. NULL: not wanted. */
	void (*tick)(void *user);
} core_pool;

/* *failed: how many tasks failed. FV_OK even then; other values: the pool itself failed, or a signal
 * came, to the caller or to a worker: FV_INTERRUPTED, FV_TERMINATED, or FV_STOPPED for SIGUSR1 (workers have ended by then and what they had finished is kept). */
FV_NODISCARD fv_status core_pool_run(fv_ctx *ctx, const core_pool *pool, int64_t *failed);

/* In a worker of a pool with grace_s: has a signal come? */
bool core_pool_should_stop(void);

#endif
