/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lockstep.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/coroutine.h"

struct task {
	const core_lockstep *lockstep;
	int32_t index;
	core_coroutine *coroutine;
	bool over;
	core_meeting meet; /* that it waits for; NULL: none */
	void *item;
	double paused_s; /* when its turn ended; 0: it has had none */
	double away_s;   /* spent on others */
};

static _Thread_local struct task *running; /* NULL: no task has the turn */

static void run_task(void *user)
{
	const struct task *t = user;
	t->lockstep->each(t->lockstep->user, t->index);
}

double core_lockstep_clock_s(void)
{
	return core_clock_s() - (running ? running->away_s : 0);
}

void core_lockstep_meet(core_meeting meet, void *item)
{
	struct task *t = running;
	if (!t) {
		meet(&item, 1);
		return;
	}
	t->meet = meet;
	t->item = item;
	core_coroutine_pause();
}

static void give_turn(struct task *t)
{
	if (t->lockstep->turn)
		t->lockstep->turn(t->lockstep->user, t->index);
	if (t->paused_s > 0)
		t->away_s += core_clock_s() - t->paused_s;
	running = t;
	t->over = !core_coroutine_resume(t->coroutine);
	running = NULL;
	t->paused_s = core_clock_s();
}

/* Does the work that the first task which waits has to do, for all that wait for the same. Returns false if none
 * waits. member, item [n]: room for it. */
static bool hold_meeting(struct task *task, int32_t n, struct task **member, void **item)
{
	core_meeting meet = NULL;
	int32_t members = 0;
	for (int32_t i = 0; i < n; i++) {
		struct task *t = &task[i];
		if (!t->meet || (meet && t->meet != meet))
			continue;
		meet = t->meet;
		t->meet = NULL;
		item[members] = t->item;
		member[members++] = t;
	}
	if (!members)
		return false;
	double begin_s = core_clock_s();
	meet(item, members);
	double own_s = (core_clock_s() - begin_s) / members;
	for (int32_t i = 0; i < members; i++)
		member[i]->away_s -= own_s;
	return true;
}

static void run_all(struct task *task, int32_t n, struct task **member, void **item)
{
	for (bool any = true; any;) {
		any = false;
		for (int32_t i = 0; i < n; i++) {
			if (!task[i].over)
				give_turn(&task[i]);
			any |= !task[i].over;
		}
		while (hold_meeting(task, n, member, item))
			;
	}
}

fv_status core_lockstep_run(fv_ctx *ctx, const core_lockstep *lockstep)
{
	int32_t n = lockstep->n, open = 0;
	assert(n > 0 && !running);
	struct task *task = calloc((size_t)n, sizeof *task);
	struct task **member = calloc((size_t)n, sizeof(struct task *));
	void **item = calloc((size_t)n, sizeof *item);
	for (; task && open < n; open++) {
		struct task *t = &task[open];
		*t = (struct task){.lockstep = lockstep, .index = open};
		t->coroutine = core_coroutine_new(run_task, t);
		if (!t->coroutine)
			break;
	}
	bool ready = member && item && open == n;
	if (ready)
		run_all(task, n, member, item);
	for (int32_t i = 0; i < open; i++)
		core_coroutine_free(task[i].coroutine);
	free(task);
	free(member);
	free(item);
	return ready ? FV_OK : fv_fail(ctx, FV_FAILED, "out of memory");
}
