/* SPDX-License-Identifier: Apache-2.0 */
/* Worker processes: every task runs once, and failures and crashes are reported for their own task
 * only. */
#include "support.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lockstep.h"
#include "base/memory.h"
#include "run/pool.h"

enum { TASKS = 40 };

struct seen {
	int ended[TASKS];
	fv_status status[TASKS];
	char reason[TASKS][128];
	int *started; /* shared with the workers */
	pid_t *pid;   /* [TASKS] NULL, or the process that ran each task */
};

static fv_status work(void *user, fv_ctx *ctx, int64_t task)
{
	struct seen *seen = user;
	__atomic_fetch_add(&seen->started[task], 1, __ATOMIC_SEQ_CST);
	if (task == 7)
		return fv_fail(ctx, FV_DATA, "task %d is bad", (int)task);
	if (task == 11)
		abort();
	if (task == 12)
		_exit(9);
	return FV_OK;
}

static void ended(void *user, int64_t task, fv_status status, const char *reason)
{
	struct seen *seen = user;
	seen->ended[task]++;
	seen->status[task] = status;
	snprintf(seen->reason[task], sizeof seen->reason[task], "%s", reason);
}

static struct seen *new_seen(void)
{
	struct seen *seen = calloc(1, sizeof *seen);
	assert_non_null(seen);
	seen->started = mmap(NULL, TASKS * sizeof(int), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(seen->started != MAP_FAILED);
	return seen;
}

static void free_seen(struct seen *seen)
{
	munmap(seen->started, TASKS * sizeof(int));
	free(seen);
}

static void every_task_once(void **state)
{
	(void)state;
	for (int jobs = 1; jobs <= 5; jobs += 2) {
		fv_ctx *ctx = test_ctx();
		struct seen *seen = new_seen();
		int64_t failed;
		core_pool pool = {.jobs = jobs,
			.tasks = TASKS,
			.keep_going = true,
			.user = seen,
			.work = work,
			.ended = ended};
		test_ok(ctx, core_pool_run(ctx, &pool, &failed));
		assert_int_equal(failed, 3);
		for (int i = 0; i < TASKS; i++) {
			assert_int_equal(seen->started[i], 1);
			assert_int_equal(seen->ended[i], 1);
			assert_int_equal(seen->status[i] != FV_OK, i == 7 || i == 11 || i == 12);
		}
		assert_int_equal(seen->status[7], FV_DATA);
		assert_string_equal(seen->reason[7], "task 7 is bad");
		assert_string_equal(seen->reason[11], "the worker crashed (Aborted)");
		assert_string_equal(seen->reason[12], "the worker ended (exit code 9)");
		free_seen(seen);
		core_ctx_free(ctx);
	}
}

static void stops_at_the_first_failure(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	struct seen *seen = new_seen();
	int64_t failed;
	core_pool pool = {.jobs = 1, .tasks = TASKS, .user = seen, .work = work, .ended = ended};
	test_ok(ctx, core_pool_run(ctx, &pool, &failed));
	assert_int_equal(failed, 1);
	assert_int_equal(seen->ended[7], 1);
	for (int i = 8; i < TASKS; i++)
		assert_int_equal(seen->started[i], 0);
	free_seen(seen);
	core_ctx_free(ctx);
}

static fv_status note_process(void *user, fv_ctx *ctx, int64_t task)
{
	struct seen *seen = user;
	__atomic_fetch_add(&seen->started[task], 1, __ATOMIC_SEQ_CST);
	seen->pid[task] = getpid();
	if (task == 6)
		abort();
	return task == 9 ? fv_fail(ctx, FV_DATA, "task 9 is bad") : FV_OK;
}

static bool every_third(const void *user, int64_t task)
{
	(void)user;
	return task % 3 == 0;
}

/* Tasks that ask for it have a process of their own; the others still share. */
static void some_are_alone(void **state)
{
	(void)state;
	for (int jobs = 1; jobs <= 3; jobs++) {
		fv_ctx *ctx = test_ctx();
		struct seen *seen = new_seen();
		int64_t failed;
		seen->pid = mmap(NULL, TASKS * sizeof *seen->pid, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		assert_true(seen->pid != MAP_FAILED);
		core_pool pool = {.jobs = jobs,
			.tasks = TASKS,
			.keep_going = true,
			.user = seen,
			.work = note_process,
			.alone = every_third,
			.ended = ended};
		test_ok(ctx, core_pool_run(ctx, &pool, &failed));
		assert_int_equal(failed, 2);
		int shared = 0;
		for (int i = 0; i < TASKS; i++) {
			assert_int_equal(seen->started[i], 1);
			assert_int_equal(seen->ended[i], 1);
			for (int j = 0; j < i; j++) {
				assert_false(i % 3 == 0 && seen->pid[i] == seen->pid[j]);
				assert_false(j % 3 == 0 && seen->pid[i] == seen->pid[j]);
				shared += seen->pid[i] == seen->pid[j];
			}
		}
		assert_true(jobs > 1 || shared == TASKS / 3);
		munmap(seen->pid, TASKS * sizeof *seen->pid);
		free_seen(seen);
		core_ctx_free(ctx);
	}
}

/* Four and four, from every multiple of four on */
static int64_t four_together(const void *user, int64_t task)
{
	(void)user;
	return 4 - task % 4;
}

static void meet_nobody(void *const *item, int32_t n)
{
	(void)item, (void)n;
}

/* Tasks of four steps. In the second, task 5 fails, task 10 runs out of memory and task 14 crashes. */
static fv_status take_steps(void *user, fv_ctx *ctx, int64_t task)
{
	struct seen *seen = user;
	__atomic_fetch_add(&seen->started[task], 1, __ATOMIC_SEQ_CST);
	for (int step = 1; step <= 4; step++) {
		core_lockstep_meet(meet_nobody, NULL);
		if (step == 2 && task == 5)
			return fv_fail(ctx, FV_DATA, "task 5 is bad");
		if (step == 2 && task == 10)
			core_memory_note_failure();
		if (step == 2 && task == 14)
			abort();
	}
	return FV_OK;
}

/* What happens to one task in lockstep happens to it alone; those beside a crash are computed again. */
static void some_are_together(void **state)
{
	(void)state;
	for (int keep_going = 0; keep_going < 2; keep_going++) {
		fv_ctx *ctx = test_ctx();
		struct seen *seen = new_seen();
		int64_t failed;
		core_pool pool = {.jobs = 1,
			.tasks = TASKS,
			.keep_going = keep_going,
			.user = seen,
			.work = take_steps,
			.together = four_together,
			.ended = ended};
		test_ok(ctx, core_pool_run(ctx, &pool, &failed));
		int last = keep_going ? TASKS : 8; /* those that were begun with task 5 end */
		assert_int_equal(failed, keep_going ? 3 : 1);
		for (int i = 0; i < TASKS; i++) {
			bool beside = i / 4 == 3 && i != 14;
			assert_int_equal(seen->started[i], i >= last ? 0 : beside ? 2 : 1);
			assert_int_equal(seen->ended[i], i < last);
			assert_int_equal(seen->status[i] != FV_OK,
				i < last && (i == 5 || i == 10 || i == 14));
		}
		assert_string_equal(seen->reason[5], "task 5 is bad");
		assert_string_equal(seen->reason[10], keep_going ? "out of memory" : "");
		assert_string_equal(
			seen->reason[14], keep_going ? "the worker crashed (Aborted)" : "");
		free_seen(seen);
		core_ctx_free(ctx);
	}
}

static fv_status crash_second(void *user, fv_ctx *ctx, int64_t task)
{
	struct seen *seen = user;
	(void)ctx;
	__atomic_fetch_add(&seen->started[task], 1, __ATOMIC_SEQ_CST);
	core_lockstep_meet(meet_nobody, NULL);
	if (task == 1)
		abort();
	core_lockstep_meet(meet_nobody, NULL);
	return FV_OK;
}

/* After a crash no task is started, but those that were in lockstep with it are ended. */
static void those_beside_a_crash_end(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	struct seen *seen = new_seen();
	int64_t failed;
	core_pool pool = {.jobs = 1,
		.tasks = TASKS,
		.user = seen,
		.work = crash_second,
		.together = four_together,
		.ended = ended};
	test_ok(ctx, core_pool_run(ctx, &pool, &failed));
	assert_int_equal(failed, 1);
	for (int i = 0; i < TASKS; i++) {
		assert_int_equal(seen->started[i], i > 3 ? 0 : i == 1 ? 1 : 2);
		assert_int_equal(seen->ended[i], i < 4);
		assert_int_equal(seen->status[i] != FV_OK, i == 1);
	}
	free_seen(seen);
	core_ctx_free(ctx);
}

static fv_status leave_behind(void *user, fv_ctx *ctx, int64_t task)
{
	(void)user, (void)ctx, (void)task;
	if (fork() == 0) {
		close(STDOUT_FILENO); /* the test runner waits for the streams to close */
		close(STDERR_FILENO);
		sleep(30);
		_exit(0);
	}
	return FV_OK;
}

/* The end of a worker is noticed although a child of it holds its pipe open. */
static void nothing_waits_for_grandchildren(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	int64_t failed;
	double begun = core_clock_s();
	core_pool pool = {.jobs = 1, .tasks = 2, .work = leave_behind};
	test_ok(ctx, core_pool_run(ctx, &pool, &failed));
	assert_int_equal(failed, 0);
	assert_true(core_clock_s() - begun < 30);
	core_ctx_free(ctx);
}

static fv_status wait_long(void *user, fv_ctx *ctx, int64_t task)
{
	(void)user, (void)ctx, (void)task;
	kill(getppid(), *(int *)user);
	sleep(60);
	return FV_OK;
}

static void signals_end_it(void **state)
{
	(void)state;
	static const int numbers[] = {SIGINT, SIGTERM, SIGUSR1};
	static const fv_status want[] = {FV_INTERRUPTED, FV_TERMINATED, FV_STOPPED};
	for (int i = 0; i < 3; i++) {
		fv_ctx *ctx = test_ctx();
		int64_t failed;
		int asked = numbers[i];
		core_pool pool = {.jobs = 2, .tasks = 2, .user = &asked, .work = wait_long};
		assert_int_equal(core_pool_run(ctx, &pool, &failed), want[i]);
		core_ctx_free(ctx);
	}
}

struct asked {
	int signal;
	bool to_worker;
	atomic_int begun; /* by the tasks */
	int stopped;
};

static struct asked *new_asked(int number, bool to_worker)
{
	struct asked *asked = mmap(
		NULL, sizeof *asked, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(asked != MAP_FAILED);
	asked->signal = number;
	asked->to_worker = to_worker;
	return asked;
}

/* Task 0 sends the signal once task 1 is running too, and waits for the request to stop; task 1
 * ignores it. */
static fv_status listen(void *user, fv_ctx *ctx, int64_t task)
{
	struct asked *asked = user;
	atomic_fetch_add(&asked->begun, 1);
	while (!asked->to_worker && atomic_load(&asked->begun) < 2)
		usleep(1000);
	if (task == 0)
		kill(asked->to_worker ? getpid() : getppid(), asked->signal);
	while (!core_pool_should_stop() || task == 1)
		usleep(1000);
	return fv_fail(ctx, FV_STOPPED, "stopped");
}

static void counts(void *user, int64_t task, fv_status status, const char *reason)
{
	assert_int_equal(task, 0);
	assert_int_equal(status, FV_STOPPED);
	assert_string_equal(reason, "stopped");
	((struct asked *)user)->stopped++;
}

/* Tasks that end in time have not failed; the others are killed; no new task starts. */
static void signals_leave_time(void **state)
{
	(void)state;
	static const int numbers[] = {SIGINT, SIGTERM, SIGUSR1};
	static const fv_status want[] = {FV_INTERRUPTED, FV_TERMINATED, FV_STOPPED};
	for (int i = 0; i < 3; i++) {
		fv_ctx *ctx = test_ctx();
		int64_t failed;
		struct asked *asked = new_asked(numbers[i], false);
		core_pool pool = {.jobs = 2,
			.tasks = 5,
			.grace_s = 0.5,
			.user = asked,
			.work = listen,
			.ended = counts};
		assert_int_equal(core_pool_run(ctx, &pool, &failed), want[i]);
		assert_int_equal(asked->stopped, 1);
		assert_int_equal(atomic_load(&asked->begun), 2);
		assert_int_equal(failed, 0);
		munmap(asked, sizeof *asked);
		core_ctx_free(ctx);
	}
}

/* A signal to a worker alone ends the pool as well. */
static void signals_to_a_worker(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	int64_t failed;
	struct asked *asked = new_asked(SIGTERM, true);
	core_pool pool = {.jobs = 1,
		.tasks = 2,
		.grace_s = 10,
		.user = asked,
		.work = listen,
		.ended = counts};
	assert_int_equal(core_pool_run(ctx, &pool, &failed), FV_STOPPED);
	assert_int_equal(asked->stopped, 1);
	assert_int_equal(atomic_load(&asked->begun), 1);
	assert_int_equal(failed, 0);
	munmap(asked, sizeof *asked);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_task_once),
		cmocka_unit_test(stops_at_the_first_failure),
		cmocka_unit_test(some_are_alone),
		cmocka_unit_test(some_are_together),
		cmocka_unit_test(those_beside_a_crash_end),
		cmocka_unit_test(nothing_waits_for_grandchildren),
		cmocka_unit_test(signals_end_it),
		cmocka_unit_test(signals_leave_time),
		cmocka_unit_test(signals_to_a_worker),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
