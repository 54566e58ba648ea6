/* SPDX-License-Identifier: Apache-2.0 */
/* Worker processes: every task once, failures and crashes reported for their own task only. */
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "run/pool.h"

enum { TASKS = 40 };

struct seen {
	int ended[TASKS];
	fv_status status[TASKS];
	char reason[TASKS][128];
	int *started; /* shared with the workers */
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
		core_pool pool = {.jobs = jobs, .tasks = TASKS, .keep_going = true, .user = seen,
			.work = work, .ended = ended};
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
	static const fv_status want[] = {CORE_INTERRUPTED, CORE_TERMINATED, FV_STOPPED};
	for (int i = 0; i < 3; i++) {
		fv_ctx *ctx = test_ctx();
		int64_t failed;
		int asked = numbers[i];
		core_pool pool = {.jobs = 2, .tasks = 2, .user = &asked, .work = wait_long};
		assert_int_equal(core_pool_run(ctx, &pool, &failed), want[i]);
		core_ctx_free(ctx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_task_once),
		cmocka_unit_test(stops_at_the_first_failure),
		cmocka_unit_test(signals_end_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
