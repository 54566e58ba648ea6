/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks in lockstep: who takes part in which meeting, with what, and whose time it was. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/lockstep.h"

enum { TASKS = 5 };

struct item {
	int task, step;
	double result;
};

/* What happened, in order: "a0" a turn, "[0 1 2]" a meeting */
static char story[2048];

static void tell(const char *text)
{
	strncat(story, text, sizeof story - strlen(story) - 1);
}

static void tell_tasks(const char *begin, void *const *item, int32_t n, const char *end)
{
	tell(begin);
	for (int32_t i = 0; i < n; i++) {
		char text[16];
		snprintf(text, sizeof text, i ? " %d" : "%d", ((const struct item *)item[i])->task);
		tell(text);
	}
	tell(end);
}

static void square(void *const *item, int32_t n)
{
	tell_tasks("[", item, n, "]");
	for (int32_t i = 0; i < n; i++) {
		struct item *own = item[i];
		own->result = own->step * own->step;
	}
}

static void halve(void *const *item, int32_t n)
{
	tell_tasks("<", item, n, ">");
	for (int32_t i = 0; i < n; i++) {
		struct item *own = item[i];
		own->result = own->step / 2.0;
	}
}

/* Task i has i steps. */
static void take_steps(void *user, int32_t index)
{
	double *sum = user;
	for (int step = 1; step <= index; step++) {
		struct item item = {index, step, NAN};
		core_lockstep_meet(square, &item);
		sum[index] += item.result;
	}
}

static void all_that_are_left_meet(void **state)
{
	double sum[TASKS] = {0};
	const core_lockstep all = {TASKS, sum, take_steps, NULL};
	fv_ctx *ctx = test_ctx();
	(void)state;
	story[0] = '\0';
	test_ok(ctx, core_lockstep_run(ctx, &all));
	assert_string_equal(story, "[1 2 3 4][2 3 4][3 4][4]");
	for (int i = 0; i < TASKS; i++)
		test_close(sum[i], i * (i + 1) * (2 * i + 1) / 6.0, 0);
	core_ctx_free(ctx);
}

/* Even tasks halve first, odd ones square. */
static void take_turns(void *user, int32_t index)
{
	double *sum = user;
	struct item item = {index, 3, NAN};
	core_lockstep_meet(index % 2 ? square : halve, &item);
	sum[index] = item.result;
	core_lockstep_meet(square, &item);
	sum[index] += item.result;
}

static void note_turn(void *user, int32_t index)
{
	const char text[] = {(char)('a' + index), '\0'};
	(void)user;
	tell(text);
}

static void meetings_are_of_one_kind(void **state)
{
	double sum[3] = {0};
	const core_lockstep all = {3, sum, take_turns, note_turn};
	fv_ctx *ctx = test_ctx();
	(void)state;
	story[0] = '\0';
	test_ok(ctx, core_lockstep_run(ctx, &all));
	assert_string_equal(story, "abc<0 2>[1]abc[0 1 2]abc");
	test_close(sum[0], 1.5 + 9, 0);
	test_close(sum[1], 9 + 9, 0);
	core_ctx_free(ctx);
}

static void nobody_else_is_needed(void **state)
{
	struct item item = {7, 4, NAN};
	(void)state;
	story[0] = '\0';
	core_lockstep_meet(square, &item);
	assert_string_equal(story, "[7]");
	test_close(item.result, 16, 0);
	test_close(core_lockstep_clock_s(), core_clock_s(), 0.5);
}

static void spend(double seconds)
{
	for (double until = core_clock_s() + seconds; core_clock_s() < until;)
		;
}

static void spend_together(void *const *item, int32_t n)
{
	(void)item, (void)n;
	spend(0.06);
}

/* Task 0 takes 0.05 s, task 1 takes 0.1 s; the meeting takes both 0.06 s. */
static void take_time(void *user, int32_t index)
{
	double *taken = user, begin_s = core_lockstep_clock_s();
	spend(0.05 * (index + 1));
	core_lockstep_meet(spend_together, NULL);
	taken[index] = core_lockstep_clock_s() - begin_s;
}

static void times_are_each_ones_own(void **state)
{
	double taken[2];
	const core_lockstep all = {2, taken, take_time, NULL};
	fv_ctx *ctx = test_ctx();
	(void)state;
	double begin_s = core_clock_s();
	test_ok(ctx, core_lockstep_run(ctx, &all));
	double all_s = core_clock_s() - begin_s;
	assert_true(taken[0] >= 0.08 && taken[1] >= 0.13);
	assert_true(taken[0] <= all_s - 0.13 && taken[0] + taken[1] <= all_s);
	core_ctx_free(ctx);
}

/* Locals stay, also large ones. */
static void keep_locals(void *user, int32_t index)
{
	unsigned char large[1 << 20];
	int *wrong = user;
	memset(large, index, sizeof large);
	for (int step = 0; step < 3; step++) {
		struct item item = {index, step, NAN};
		core_lockstep_meet(square, &item);
		for (size_t i = 0; i < sizeof large; i += 4096)
			*wrong += large[i] != index;
	}
}

static void many_have_stacks_of_their_own(void **state)
{
	int wrong = 0;
	const core_lockstep all = {200, &wrong, keep_locals, NULL};
	fv_ctx *ctx = test_ctx();
	(void)state;
	story[0] = '\0';
	test_ok(ctx, core_lockstep_run(ctx, &all));
	assert_int_equal(wrong, 0);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_that_are_left_meet),
		cmocka_unit_test(meetings_are_of_one_kind),
		cmocka_unit_test(nobody_else_is_needed),
		cmocka_unit_test(times_are_each_ones_own),
		cmocka_unit_test(many_have_stacks_of_their_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
