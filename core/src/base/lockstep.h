/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks in lockstep: they take turns in one thread, and meet where all have the same kind of work to do, which is then
 * done for all of them at once. What it gives each task must not depend on who else takes part. */
#ifndef CORE_BASE_LOCKSTEP_H
#define CORE_BASE_LOCKSTEP_H

#include <stdint.h>

#include "base/context.h"

typedef struct core_lockstep {
	int32_t n; /* tasks, at least 1 */
	void *user;
	void (*each)(void *user, int32_t index); /* a task */
	/* Called when the turn passes to a task. NULL: not called. */
	void (*turn)(void *user, int32_t index);
} core_lockstep;

/* Runs all tasks to their ends. Errors: FV_FAILED if memory is out before one has begun. */
FV_NODISCARD fv_status core_lockstep_run(fv_ctx *ctx, const core_lockstep *lockstep);

/* The work of a meeting: item [n], one of each task that takes part, in the order of the tasks. */
typedef void (*core_meeting)(void *const *item, int32_t n);

/* [task] Waits until every task has ended or waits, and returns when `meet` has been called with the items of all that
 * wait for the same one. Where no tasks run in lockstep, meet is called at once, with this item alone. */
void core_lockstep_meet(core_meeting meet, void *item);

/* core_clock_s without the time that was spent on other tasks; of a meeting, each took an equal part. */
double core_lockstep_clock_s(void);

#endif
