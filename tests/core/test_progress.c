/* SPDX-License-Identifier: Apache-2.0 */
/* Progress: the line, the bar, durations, and the time left. */
#include <math.h>

#include "base/progress.h"
#include "support.h"

static void expect_line(const core_progress_state *state, const char *want)
{
	core_text text = {0};
	core_progress_line(state, &text);
	assert_string_equal(text.data, want);
	core_text_free(&text);
}

static void test_line(void **state)
{
	(void)state;
	expect_line(&(core_progress_state){"run", "runs", 52, 60, 3.14, 12.4},
		"run: 52 of 60 runs, 3.1 runs/s, 12 s left");
	expect_line(&(core_progress_state){"run", "runs", 1, 60, 0.02, 2950},
		"run: 1 of 60 runs, 1.2 runs/min, 49 min left");
	expect_line(&(core_progress_state){"run", "runs", 0, 60, 0, NAN}, "run: 0 of 60 runs");
	expect_line(&(core_progress_state){"a.bin", "MiB", 3.25, 0, 12, NAN},
		"a.bin: 3.2 MiB, 12 MiB/s");
	expect_line(&(core_progress_state){"a\033[31m", "MiB", 1, 2, 0, NAN}, "a?[31m: 1 of 2 MiB");
}

static void test_bar(void **state)
{
	(void)state;
	static const struct {
		double done, total;
		const char *want;
	} cases[] = {{0, 4, "[--------] "}, {1, 4, "[##------] "}, {3.99, 4, "[#######-] "},
		{4, 4, "[########] "}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		core_text text = {0};
		core_progress_bar(
			&(core_progress_state){"x", "y", cases[i].done, cases[i].total, 0, NAN}, 8,
			&text);
		assert_string_equal(text.data, cases[i].want);
		core_text_free(&text);
	}
	core_text none = {0};
	core_progress_bar(&(core_progress_state){"x", "y", 1, 0, 0, NAN}, 8, &none);
	core_progress_bar(&(core_progress_state){"x", "y", 1, 2, 0, NAN}, 0, &none);
	assert_int_equal(none.size, 0);
}

static void test_duration(void **state)
{
	(void)state;
	static const struct {
		double s;
		const char *want;
	} cases[] = {{0, "0 s"}, {-3, "0 s"}, {119.4, "119 s"}, {120, "2 min 00 s"},
		{599.4, "9 min 59 s"}, {600, "10 min"}, {7199, "2 h 00 min"}, {7500, "2 h 05 min"},
		{172800, "2 d 0 h"}, {187200, "2 d 4 h"}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		core_text text = {0};
		core_put_duration(&text, cases[i].s);
		assert_string_equal(text.data, cases[i].want);
		core_text_free(&text);
	}
}

static void keep_state(void *user, const core_progress_state *state)
{
	*(core_progress_state *)user = *state;
}

static void test_left(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_progress_state got = {.done = -1};
	core_ctx_set_progress(ctx, keep_state, &got);
	core_progress p = core_progress_begin(ctx, "run", "runs");
	core_progress_report(&p, 60, 60); /* the end is no progress */
	assert_true(got.done == -1);
	core_progress_report(&p, 1, 4);
	assert_true(got.done == 1 && got.total == 4 && got.rate == 0 && isnan(got.left_s));
	p.begin_s -= 10; /* ten seconds ago */
	p.before = 1;
	core_progress_report(&p, 3, 7);
	assert_true(fabs(got.rate - 0.2) < 0.01);
	assert_true(fabs(got.left_s - 20) < 1);
	core_progress_report_left(&p, 3, 7, 5);
	assert_true(got.left_s == 5);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_line), cmocka_unit_test(test_bar),
		cmocka_unit_test(test_duration), cmocka_unit_test(test_left)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
