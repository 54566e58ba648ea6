/* SPDX-License-Identifier: Apache-2.0 */
/* Runs independent tasks in worker processes. A worker takes the next task when it has finished
 * one, so tasks start in order. A task that crashes fails alone, and its worker is replaced. The
 * result of a task must not depend on the worker; a task that could damage its worker for later
 * tasks gets a fresh one, which ends with it. If a worker that computes several tasks in lockstep dies of one, the others are
 * computed again, one by one. */
#ifndef CORE_RUN_POOL_H
#define CORE_RUN_POOL_H

#include <stdbool.h>

#include "base/context.h"
#include "plugin/call.h"

/* The process that finishes tasks, where a pool has one. */
typedef struct core_finisher core_finisher;

typedef struct core_pool {
	int jobs;        /* worker processes, at least 1 */
	int64_t tasks;   /* indices 0 .. tasks-1 */
	bool keep_going; /* false: after the first failure no further task is started */
	/* After a call of a plugin's op that had to be ended because it took too long
	 * (core_call_set_limit), no further task is started, as they would take as long. */
	bool stop_at_hang;
	/* After a signal, workers have this many seconds to end their tasks, which can check
	 * core_pool_should_stop; then they are killed. A task that ends with FV_STOPPED has not
	 * failed. */
	double grace_s;
	void *user;
	/* [worker] Computes a task, with a context of its own that is freed afterwards. */
	fv_status (*work)(void *user, fv_ctx *ctx, int64_t task);
	/* [worker] Returns true if the task needs a worker of its own. NULL: no task does. */
	bool (*alone)(const void *user, int64_t task);
	/* [worker] How many tasks from this one on a worker computes in lockstep (base/lockstep.h): at least 1; none of
	 * several may need a worker of its own. NULL: 1. */
	int64_t (*together)(const void *user, int64_t task);
	/* [caller] Called before a worker is started that is likely to begin with this task: what is made here, the worker
	 * finds in its memory. NULL: not called. */
	void (*prepare)(void *user, int64_t task);
	/* [caller] Called when a task has ended. `reason` holds its errors, one per line, or "".
	 * NULL: not called. */
	void (*ended)(void *user, int64_t task, fv_status status, const char *reason);
	/* [caller] Called when a worker has died in a task, before `ended`, with the call that it was in. NULL: not
	 * called. */
	void (*died)(void *user, int64_t task, const core_call *call);
	/* A process of its own that finishes what workers begin; NULL: workers finish their tasks. With it, `work`
	 * ends a task only if it fails; otherwise it has handed the task over, in memory that both share, and
	 * the finisher reports its end. If the finisher fails or dies, the pool fails. */
	fv_status (*finish)(void *user, fv_ctx *ctx, core_finisher *finisher);
	/* The rest goes with finish. [caller] Was the task handed over? Asked when a worker has died. */
	bool (*handed)(const void *user, int64_t task);
	/* [caller] Called when no further task will be handed over. */
	void (*begun)(void *user);
	/* [caller] Writes what the finisher was at when it died, behind what is told of its death; may be "". */
	void (*describe)(const void *user, char *text, size_t size);
	/* [caller] Called about every second and after each task. NULL: not called. */
	void (*tick)(void *user);
	/* After this many seconds in one call of an op, that it is still at work is logged, once. 0: a tenth of
	 * core_call_limit(), at most a minute. */
	double remark_s;
} core_pool;

/* A worker that dies in a call of a plugin's op is reported with plugin, op and step (plugin/call.h);
 * one that stays in a call for too long is ended. After a signal, workers in a call that lasts are
 * ended at once.
 *
 * Runs all tasks and sets *failed to the number of failed ones, which is no error of the pool.
 * Returns another status than FV_OK if the pool itself failed, or if the caller or a worker got a
 * signal: FV_INTERRUPTED, FV_TERMINATED, also for SIGHUP, or FV_STOPPED for SIGUSR1. All workers have ended by then,
 * and finished tasks are reported. */
FV_NODISCARD fv_status core_pool_run(fv_ctx *ctx, const core_pool *pool, int64_t *failed);

/* [finisher] Reports the end of a task; `errors` holds its failures. */
FV_NODISCARD fv_status core_finisher_report(
	core_finisher *finisher, int64_t task, fv_status status, const fv_ctx *errors);

/* [worker] The worker's slot, from 0 to jobs - 1. One that replaces another has the same. */
int core_pool_slot(void);

/* Returns true for the statuses of a pool that a signal has ended. */
bool core_pool_was_stopped(fv_status status);

/* [worker] Returns true if a signal has arrived, in a pool with grace_s. */
bool core_pool_should_stop(void);

#endif
