/* SPDX-License-Identifier: Apache-2.0 */
/* Pools with a process that finishes what workers begin: each task ends once, by the worker that failed or by the
 * finisher, and a finisher that fails or dies ends the pool with one line. */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "run/pool.h"
#include "support.h"

enum { TASKS = 40, FAILS = 7, ABORTS = 11, DIES_AFTER = 12, REFUSED = 20 };

struct shared {
	_Atomic int handed[TASKS], begun;
};

enum behaviour { WORKS, FAILS_AT_5, CRASHES_AT_5, LEAVES_AT_5 };

struct seen {
	struct shared *shared;
	enum behaviour finisher;
	int ended[TASKS], begun;
	fv_status status[TASKS];
	char reason[TASKS][128];
};

static fv_status work(void *user, fv_ctx *ctx, int64_t task)
{
	struct seen *seen = user;
	if (task == FAILS)
		return fv_fail(ctx, FV_DATA, "task %d is bad", (int)task);
	if (task == ABORTS)
		abort();
	atomic_store(&seen->shared->handed[task], 1);
	if (task == DIES_AFTER)
		raise(SIGKILL);
	return FV_OK;
}

static fv_status finish_task(
	const struct seen *seen, fv_ctx *ctx, core_finisher *finisher, int64_t task, int n)
{
	if (n == 5 && seen->finisher == FAILS_AT_5)
		return fv_fail(ctx, FV_FAILED, "the device is gone");
	if (n == 5 && seen->finisher == CRASHES_AT_5)
		raise(SIGSEGV);
	if (n == 5 && seen->finisher == LEAVES_AT_5)
		_exit(3);
	fv_ctx *own = core_ctx_aside(ctx);
	fv_status status =
		task == REFUSED ? fv_fail(own, FV_DATA, "task %d is refused", (int)task) : FV_OK;
	status = core_finisher_report(finisher, task, status, own);
	core_ctx_free(own);
	return status;
}

static fv_status finish(void *user, fv_ctx *ctx, core_finisher *finisher)
{
	struct seen *seen = user;
	bool done[TASKS] = {false};
	for (int n = 0;;) {
		bool begun = atomic_load(&seen->shared->begun) != 0, any = false;
		for (int64_t task = 0; task < TASKS; task++) {
			if (done[task] || !atomic_load(&seen->shared->handed[task]))
				continue;
			done[task] = any = true;
			fv_status status = finish_task(seen, ctx, finisher, task, n++);
			if (status)
				return status;
		}
		if (begun && !any)
			return FV_OK;
		usleep(1000);
	}
}

static bool was_handed(const void *user, int64_t task)
{
	const struct seen *seen = user;
	return atomic_load(&seen->shared->handed[task]) != 0;
}

static void tell_begun(void *user)
{
	struct seen *seen = user;
	seen->begun++;
	atomic_store(&seen->shared->begun, 1);
}

static void describe(const void *user, char *text, size_t size)
{
	(void)user;
	snprintf(text, size, ", at its fifth");
}

static void note_end(void *user, int64_t task, fv_status status, const char *reason)
{
	struct seen *seen = user;
	seen->ended[task]++;
	seen->status[task] = status;
	snprintf(seen->reason[task], sizeof seen->reason[task], "%s", reason);
}

static fv_status run_pool(fv_ctx *ctx, struct seen *seen, int jobs, int64_t *failed)
{
	seen->shared = mmap(NULL, sizeof *seen->shared, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(seen->shared != MAP_FAILED);
	const core_pool pool = {.jobs = jobs,
		.tasks = TASKS,
		.keep_going = true,
		.user = seen,
		.work = work,
		.finish = finish,
		.handed = was_handed,
		.begun = tell_begun,
		.describe = describe,
		.ended = note_end};
	fv_status status = core_pool_run(ctx, &pool, failed);
	munmap(seen->shared, sizeof *seen->shared);
	return status;
}

static void test_each_task_ends_once(void **state)
{
	(void)state;
	for (int jobs = 1; jobs <= 5; jobs += 2) {
		fv_ctx *ctx = test_ctx();
		struct seen seen = {.finisher = WORKS};
		int64_t failed;
		test_ok(ctx, run_pool(ctx, &seen, jobs, &failed));
		assert_int_equal(failed, 3);
		assert_int_equal(seen.begun, 1);
		for (int i = 0; i < TASKS; i++) {
			bool bad = i == FAILS || i == ABORTS || i == REFUSED;
			assert_int_equal(seen.ended[i], 1);
			assert_int_equal(seen.status[i] != FV_OK, bad);
		}
		assert_string_equal(seen.reason[FAILS], "task 7 is bad");
		assert_string_equal(seen.reason[ABORTS], "the worker crashed (Aborted)");
		assert_string_equal(seen.reason[REFUSED], "task 20 is refused");
		core_ctx_free(ctx);
	}
}

static void test_finisher_that_ends_early(void **state)
{
	(void)state;
	static const char *const line[] = {[FAILS_AT_5] = "the device is gone",
		[CRASHES_AT_5] = "the worker crashed (Segmentation fault), at its fifth",
		[LEAVES_AT_5] = "the worker ended (exit code 3), at its fifth"};
	for (int how = FAILS_AT_5; how <= LEAVES_AT_5; how++) {
		fv_ctx *ctx = test_ctx();
		struct seen seen = {.finisher = (enum behaviour)how};
		int64_t failed;
		int finished = 0;
		assert_int_equal(run_pool(ctx, &seen, 2, &failed), FV_FAILED);
		assert_int_equal(core_error_count(ctx), 1);
		assert_string_equal(core_error_line(ctx, 0), line[how]);
		for (int i = 0; i < TASKS; i++)
			finished += seen.ended[i] && !seen.status[i];
		assert_int_equal(finished, 5);
		core_ctx_free(ctx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_task_ends_once),
		cmocka_unit_test(test_finisher_that_ends_early),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
