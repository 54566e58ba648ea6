/* SPDX-License-Identifier: Apache-2.0 */
/* Ops that crash, end their process, hang, print, or write beside what they were given: the process
 * that waits tells plugin, op and step. */
#include "support.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fence.h"
#include "plugin/call.h"
#include "plugin/guard.h"
#include "plugin/noise.h"
#include "run/pool.h"

static volatile double sink;

static void write_to(double *place)
{
	*place = 1;
}

static void read_from(const double *place)
{
	sink = *place;
}

static void spoil_fence(fv_ctx *ctx, int64_t task)
{
	const double shown[3] = {1, 2, 3};
	const core_fence_part part[] = {{"a", NULL, 8}, {"b", shown, 24}, {"c", shown, 8}};
	const void *to[3];
	core_fence *fence = core_fence_open(ctx, "v", 4096);
	assert_non_null(fence);
	double *v = core_fence_place(fence, sizeof shown);
	if (task == 5)
		write_to(v + 3);
	if (task == 6)
		read_from(v - 100000 / sizeof *v);
	core_fence *read_only = core_fence_open_shown(ctx, "all", part, 3, false, to);
	assert_non_null(read_only);
	assert_null(to[0]);
	assert_memory_equal(to[1], shown, 24);
	if (task == 7)
		write_to((double *)(uintptr_t)to[1] + 1);
	if (task == 8)
		write_to((double *)(uintptr_t)to[2]);
	core_fence_close(read_only);
	core_fence_close(fence);
}

/* What an op does, by the number of the task. */
static void do_harm(fv_ctx *ctx, int64_t task)
{
	switch (task) {
	case 0:
		abort();
	case 1:
		exit(3);
	case 2:
		raise(SIGKILL);
		break;
	case 3:
		raise(SIGSEGV);
		break;
	case 4:
		for (;;)
			pause();
	default:
		spoil_fence(ctx, task);
	}
}

static fv_status call_op(void *user, fv_ctx *ctx, int64_t task)
{
	core_guard guard;
	(void)user;
	core_guard_open(&guard, ctx, FV_LOSS, "x");
	core_guard_enter(&guard, "weigh", 2 + task, task != 1);
	do_harm(ctx, task);
	return core_guard_leave(&guard, FV_OK);
}

static const char *const expected[] = {
	"loss 'x': op weigh at step 2 crashed (Aborted)",
	"loss 'x': op weigh at step 3 ended its process (exit code 3)",
	"loss 'x': op weigh at step 4 crashed (Killed)",
	"loss 'x': op weigh at step 5 crashed (Segmentation fault)",
	"loss 'x': op weigh at step 6 did not return for 0.4 s: --op-timeout allows more",
	"loss 'x': op weigh at step 7 touched byte 0 past the end of v",
	"loss 'x': op weigh at step 8 touched byte 100000 before v",
	"loss 'x': op weigh at step 9 wrote at byte 8 of b, which may only be read",
	"loss 'x': op weigh at step 10 wrote at byte 0 of c, which may only be read",
	"",
};
enum { TASKS = sizeof expected / sizeof *expected };

static void expect_reason(void *user, int64_t task, fv_status status, const char *reason)
{
	int *seen = user;
	(*seen)++;
	assert_int_equal(status, task < TASKS - 1 ? FV_FAILED : FV_OK);
	assert_string_equal(reason, expected[task]);
}

static core_pool make_pool(int *seen)
{
	return (core_pool){.jobs = 2,
		.tasks = TASKS,
		.keep_going = true,
		.user = seen,
		.work = call_op,
		.ended = expect_reason};
}

static void deaths_are_named(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	int seen = 0;
	int64_t failed;
	const core_pool pool = make_pool(&seen);
	core_call_set_limit(0.4);
	test_ok(ctx, core_pool_run(ctx, &pool, &failed));
	assert_int_equal(failed, TASKS - 1);
	assert_int_equal(seen, TASKS);
	core_ctx_free(ctx);
}

/* After a hang, the other tasks would hang as well. */
static void no_task_after_a_hang(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	int seen = 0;
	int64_t failed;
	core_pool pool = make_pool(&seen);
	pool.jobs = 1;
	pool.stop_at_hang = true;
	test_ok(ctx, core_pool_run(ctx, &pool, &failed));
	assert_int_equal(seen, 5);
	assert_int_equal(failed, 5);
	core_ctx_free(ctx);
}

/* cppcheck-suppress constParameter ; the signature of a pool's task */
static fv_status hang(void *user, fv_ctx *ctx, int64_t task)
{
	(void)user, (void)task;
	kill(getppid(), SIGINT);
	return call_op(NULL, ctx, 4);
}

/* A signal ends a worker that is in an op at once, although it would have time to stop. */
static void signal_ends_a_call(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	int64_t failed;
	const core_pool pool = {.jobs = 1, .tasks = 1, .grace_s = 60, .work = hang};
	core_call_set_limit(0);
	double begin = core_clock_s();
	assert_int_equal(core_pool_run(ctx, &pool, &failed), FV_INTERRUPTED);
	assert_true(core_clock_s() - begin < 10);
	core_ctx_free(ctx);
}

static char warned[256];

static void keep_warning(void *user, core_level level, const char *line)
{
	(void)user;
	if (level == CORE_WARNING)
		snprintf(warned, sizeof warned, "%s", line);
}

static fv_status print_text(void *user, fv_ctx *ctx, int64_t task)
{
	core_guard guard;
	(void)user, (void)task;
	core_guard_open(&guard, ctx, FV_GROUPER, "g");
	core_guard_enter(&guard, "fit", 0, false);
	printf("first\001\nsecond\n");
	return core_guard_leave(&guard, FV_OK);
}

/* Runs print_text with standard output in a file, and expects that nothing gets there. */
static void expect_silence(fv_ctx *ctx, bool in_worker)
{
	const core_pool pool = {.jobs = 1, .tasks = 1, .work = print_text};
	const char *path = core_format(ctx, "%s/stdout", test_folder("call"));
	FILE *file = fopen(path, "w+");
	assert_non_null(file);
	fflush(stdout);
	int kept = dup(STDOUT_FILENO);
	dup2(fileno(file), STDOUT_FILENO);
	int64_t failed = 0;
	fv_status status =
		in_worker ? core_pool_run(ctx, &pool, &failed) : print_text(NULL, ctx, 0);
	fflush(stdout);
	dup2(kept, STDOUT_FILENO);
	close(kept);
	test_ok(ctx, status);
	assert_int_equal(failed, 0);
	assert_int_equal(lseek(fileno(file), 0, SEEK_END), 0);
	fclose(file);
	assert_string_equal(warned, "grouper 'g': op fit printed to standard output, which was "
				    "dropped: \"first?\": use fv_note");
}

static void output_is_caught(void **state)
{
	(void)state;
	for (int in_worker = 0; in_worker < 2; in_worker++) {
		fv_ctx *ctx = test_ctx();
		core_ctx_set_log(ctx, keep_warning, NULL);
		warned[0] = '\0';
		expect_silence(ctx, in_worker);
		core_ctx_free(ctx);
	}
}

static void bytes_before_an_array_are_compared(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	char text[96];
	core_fence *fence = core_fence_open(ctx, "id", 400);
	assert_non_null(fence);
	int32_t *id = core_fence_place(fence, 10 * sizeof *id);
	memset(id, 7, 10 * sizeof *id);
	assert_true(core_fence_check(fence, text, sizeof text));
	id[-3] = 7;
	assert_false(core_fence_check(fence, text, sizeof text));
	assert_string_equal(text, "wrote 12 bytes before id");
	assert_true(core_fence_check(fence, text, sizeof text));
	id = core_fence_place(fence, 400);
	id[-1] = 7;
	assert_false(core_fence_check(fence, text, sizeof text));
	assert_string_equal(text, "wrote 4 bytes before id");
	const core_fence *first = fence;
	assert_ptr_equal(core_fence_reserve(ctx, &fence, "id", 400), id);
	assert_ptr_equal(fence, first);
	id = core_fence_reserve(ctx, &fence, "id", 1000000);
	assert_non_null(id);
	memset(id, 7, 1000000);
	assert_true(core_fence_check(fence, text, sizeof text));
	core_fence_close(fence);
	core_ctx_free(ctx);
}

/* Shows two arrays with the sides [first, end) varied -> what lies before and behind each. */
static void read_beside(bool apart, size_t first, size_t end, int32_t beside[4])
{
	const int32_t shown[3] = {1, 2, 3};
	const core_fence_part part[] = {{"one", shown, 12}, {"two", shown, 12}};
	const void *to[2];
	core_fence_vary_sides(first, end);
	core_fence *fence = core_fence_open_shown(NULL, "both", part, 2, apart, to);
	assert_non_null(fence);
	for (size_t i = 0; i < 2; i++) {
		const int32_t *x = to[i];
		assert_memory_equal(x, shown, 12);
		assert_int_equal((uintptr_t)x % 64, 0);
		assert_int_equal(x[-128], x[-1]);
		assert_int_equal(x[15], x[3]);
		beside[2 * i] = x[-1];
		beside[2 * i + 1] = x[3];
	}
	core_fence_close(fence);
	core_fence_vary_sides(0, 0);
}

/* Known bytes lie on both sides of what is shown, others on sides that vary, which are named. */
static void bytes_beside_arrays_vary(void **state)
{
	(void)state;
	for (int32_t apart = 0; apart < 2; apart++) {
		int32_t usual[4], now[4];
		char text[96];
		read_beside(apart, 0, 0, usual);
		for (int32_t i = 1; i < 4; i++)
			assert_int_equal(usual[i], usual[0]);
		read_beside(apart, 0, CORE_FENCE_SIDES, now);
		for (int32_t i = 0; i < 4; i++)
			assert_int_not_equal(now[i], usual[i]);
		for (size_t side = 0; side < core_fence_count_sides(); side++) {
			read_beside(apart, side, side + 1, now);
			core_fence_name_side(side, text, sizeof text);
			const char *const sides[] = {"before one", "past the end of one",
				"before two", "past the end of two"};
			for (int32_t i = 0; i < 4; i++)
				assert_int_equal(now[i] != usual[i], !strcmp(text, sides[i]));
		}
	}
	assert_true(core_fence_count_sides() >= 4);
}

/* Memory of a guarded context is aligned, and writes on either side of it are found. */
static void guarded_memory_is_compared(void **state)
{
	char text[128];
	fv_ctx *ctx = core_ctx_new();
	(void)state;
	assert_non_null(ctx);
	core_ctx_guard(ctx, true);
	core_ctx_fill_scratch(ctx, CORE_FILL_ONES);
	int32_t *count = fv_array(ctx, "count", FV_I32, 1, 3);
	char *own = fv_alloc(ctx, 100), *scratch = fv_scratch(ctx, 10);
	assert_int_equal((uintptr_t)count % 64 + (uintptr_t)own % 64 + (uintptr_t)scratch % 64, 0);
	assert_int_equal(count[2], 0);
	assert_int_equal(own[99], 0);
	assert_int_equal((unsigned char)scratch[9], 0xff);
	assert_null(core_ctx_find_damage(ctx, text, sizeof text));
	count[-1] = 0;
	assert_non_null(core_ctx_find_damage(ctx, text, sizeof text));
	assert_string_equal(text, "wrote 4 bytes before array 'count'");
	assert_null(core_ctx_find_damage(ctx, text, sizeof text));
	own[102] = 0;
	assert_non_null(core_ctx_find_damage(ctx, text, sizeof text));
	assert_string_equal(text, "wrote at byte 2 past the end of the 100 bytes from fv_alloc");
	scratch[10] = 0;
	assert_non_null(core_ctx_find_damage(ctx, text, sizeof text));
	assert_string_equal(text, "wrote at byte 0 past the end of the 10 bytes from fv_scratch");
	core_scratch_reset(ctx);
	assert_int_equal(core_fence_explain(scratch + 3, text, sizeof text), CORE_MISUSE_LIFETIME);
	assert_string_equal(
		text, "touched byte 3 of the 10 bytes from fv_scratch, after its op had returned");
	assert_int_equal(core_fence_explain(own + 164, text, sizeof text), CORE_MISUSE_BOUNDS);
	assert_int_equal(core_fence_explain(text, text, sizeof text), CORE_MISUSE_NONE);
	core_mark mark = core_ctx_mark(ctx);
	char *later = fv_alloc(ctx, 64);
	later[-1] = 0;
	core_ctx_release(ctx, mark);
	assert_null(core_ctx_find_damage(ctx, text, sizeof text));
	own[99] = 1; /* still there */
	core_ctx_free(ctx);
}

/* What an op keeps of its scratch memory is NaN in its next call. */
static void scratch_memory_is_overwritten(void **state)
{
	fv_ctx *ctx = core_ctx_new();
	(void)state;
	assert_non_null(ctx);
	double *kept = fv_scratch(ctx, 4 * sizeof *kept);
	assert_non_null(kept);
	memset(kept, 0, 4 * sizeof *kept);
	core_scratch_reset(ctx);
	assert_ptr_equal(fv_scratch(ctx, 8), kept);
	assert_true(isnan(kept[0]) && isnan(kept[3]));
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(deaths_are_named),
		cmocka_unit_test(no_task_after_a_hang), cmocka_unit_test(signal_ends_a_call),
		cmocka_unit_test(output_is_caught),
		cmocka_unit_test(bytes_before_an_array_are_compared),
		cmocka_unit_test(bytes_beside_arrays_vary),
		cmocka_unit_test(guarded_memory_is_compared),
		cmocka_unit_test(scratch_memory_is_overwritten)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
