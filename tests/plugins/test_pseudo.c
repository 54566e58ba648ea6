/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "plugin.h"

enum { N = 6, D = 4 };

/* a value, then three probabilities that need not sum to 1 */
static const char *const columns[D] = {"age", "female", "male", "child"};
static const fv_role roles[D] = {
	FV_COL_VALUE, FV_COL_PROBABILITY, FV_COL_PROBABILITY, FV_COL_PROBABILITY};
static const float x[N * D] = {
	40, 0.90f, 0.08f, 0.02f, /* female */
	31, 0.10f, 0.70f, 0.20f, /* male */
	8, 0.20f, 0.20f, 0.60f,  /* child */
	25, 0.45f, 0.45f, 0.05f, /* tie: female */
	50, 0.30f, 0.60f, 0.00f, /* male */
	33, 0.00f, 0.00f, 0.00f, /* all zero: unknown */
};

static fv_grouper_input make_table(const float *rows)
{
	return (fv_grouper_input){.size = sizeof(fv_grouper_input),
		.n = N,
		.dims = D,
		.layers = 1,
		.x = rows,
		.columns = columns,
		.roles = roles};
}

/* Groups are the first n probability columns. */
static void fit_grouper(test_plugin *p, const fv_grouper_input *train, int n)
{
	const fv_grouper_ops *ops = p->ops;
	fv_grouping grouping = {.size = sizeof grouping};
	test_ok(p->ctx, ops->fit(p->state, p->ctx, train, &grouping));
	assert_int_equal(grouping.groups, n);
	assert_int_equal(grouping.soft, 1);
	assert_int_equal(grouping.probability, 1);
	for (int g = 0; g < n; g++)
		assert_string_equal(grouping.name[g], columns[g + 1]);
	test_plugin_done(p);
}

static void test_argmax(void **unused)
{
	(void)unused;
	static const int32_t want[N] = {0, 1, 2, 0, 1, -1}, sure[N] = {0, 1, -1, -1, -1, -1};
	test_plugin p = test_plugin_open("pseudo");
	test_plugin_set(&p, "child", "keep");
	const fv_grouper_ops *ops = p.ops;
	fv_grouper_input rows = make_table(x);
	int32_t id[N];
	float member[N * 3];
	assert_int_equal(ops->uses(p.state), FV_USE_FEATURES);
	fit_grouper(&p, &rows, 3);
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &rows, id, member));
	assert_memory_equal(id, want, sizeof id);
	for (int i = 0; i < N; i++)
		assert_memory_equal(member + 3 * i, x + D * i + 1, 3 * sizeof *member);
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &rows, id, NULL));
	assert_memory_equal(id, want, sizeof id);
	/* 0.70f is below 0.7 as a double: the threshold is compared in float32, so it passes */
	test_plugin_set(&p, "confidence", "0.7");
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &rows, id, member));
	assert_memory_equal(id, sure, sizeof id);
	assert_memory_equal(member + 6, x + D * 2 + 1, 3 * sizeof *member);
	test_plugin_close(&p);
}

/* Medians: speaker 7 has rows 0, 2, 5; speaker 3 rows 1, 4 (mean of two); row 3 has no speaker. */
static void test_pool(void **unused)
{
	(void)unused;
	static const int32_t speaker[N] = {7, 3, 7, -1, 3, 7}, want[N] = {0, 1, 0, 0, 1, 0};
	static const double pooled[N][3] = {{0.2, 0.08, 0.02}, {0.2, 0.65, 0.1}, {0.2, 0.08, 0.02},
		{0.45, 0.45, 0.05}, {0.2, 0.65, 0.1}, {0.2, 0.08, 0.02}};
	test_plugin p = test_plugin_open("pseudo");
	const fv_grouper_ops *ops = p.ops;
	test_plugin_set(&p, "child", "keep");
	test_plugin_set(&p, "pool", "speaker");
	fv_grouper_input rows = make_table(x);
	rows.speaker = speaker;
	int32_t id[N];
	float member[N * 3];
	assert_int_equal(ops->uses(p.state), FV_USE_FEATURES | FV_USE_SPEAKER);
	fit_grouper(&p, &rows, 3);
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &rows, id, member));
	assert_memory_equal(id, want, sizeof id);
	for (int i = 0; i < N * 3; i++)
		test_close((double)member[i], pooled[i / 3][i % 3], 1e-7);
	rows.speaker = NULL;
	test_fails(p.ctx, ops->assign(p.state, p.ctx, &rows, id, member), FV_CONFIG,
		"'pool: speaker' needs speakers");
	test_plugin_close(&p);
}

/* A silent row does not count among its speaker's rows: speaker 7 then has the medians of rows 0 and 5. */
static void test_pool_without_silence(void **unused)
{
	(void)unused;
	static const int32_t speaker[N] = {7, 3, 7, 9, 3, 7};
	static const uint8_t silent[N] = {0, 0, 1, 1, 0, 0};
	static const double pooled[2][3] = {{0.45, 0.04, 0.01}, {0.2, 0.65, 0.1}};
	test_plugin p = test_plugin_open("pseudo");
	const fv_grouper_ops *ops = p.ops;
	test_plugin_set(&p, "child", "keep");
	test_plugin_set(&p, "pool", "speaker");
	fv_grouper_input rows = make_table(x);
	rows.speaker = speaker;
	rows.silent = silent;
	int32_t id[N];
	float member[N * 3];
	fit_grouper(&p, &rows, 3);
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &rows, id, member));
	for (int i = 0; i < N; i++)
		for (int g = 0; g < 3 && speaker[i] != 9; g++)
			test_close((double)member[3 * i + g], pooled[speaker[i] == 3][g], 1e-7);
	test_plugin_close(&p);
}

/* Without the child's column: probabilities unchanged, a child's row unknown. */
static void test_child_dropped(void **unused)
{
	(void)unused;
	static const int32_t want[N] = {0, 1, -1, 0, 1, -1}, sure[N] = {0, 1, -1, -1, 1, -1};
	test_plugin p = test_plugin_open("pseudo");
	const fv_grouper_ops *ops = p.ops;
	fv_grouper_input rows = make_table(x);
	int32_t id[N];
	float member[N * 2];
	fit_grouper(&p, &rows, 2);
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &rows, id, member));
	assert_memory_equal(id, want, sizeof id);
	for (int i = 0; i < N; i++)
		assert_memory_equal(member + 2 * i, x + D * i + 1, 2 * sizeof *member);
	test_plugin_set(&p, "confidence", "0.5");
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &rows, id, NULL));
	assert_memory_equal(id, sure, sizeof id);
	test_plugin_close(&p);
}

/* p / (p_female + p_male), in double, also with medians of these over a speaker. */
static void test_child_renormalised(void **unused)
{
	(void)unused;
	static const int32_t want[N] = {0, 1, 0, 0, 1, -1}, sure[N] = {0, 1, -1, -1, -1, -1};
	static const int32_t speaker[N] = {7, 3, 7, -1, 3, 7};
	static const double share[N][2] = {{0.90 / 0.98, 0.08 / 0.98}, {1 / 8.0, 7 / 8.0},
		{0.5, 0.5}, {0.5, 0.5}, {1 / 3.0, 2 / 3.0}, {0, 0}};
	static const double pooled[N][2] = {{0.5, 0.08 / 0.98}, {11 / 48.0, 37 / 48.0},
		{0.5, 0.08 / 0.98}, {0.5, 0.5}, {11 / 48.0, 37 / 48.0}, {0.5, 0.08 / 0.98}};
	static const int32_t pooled_id[N] = {0, 1, 0, 0, 1, 0};
	test_plugin p = test_plugin_open("pseudo");
	const fv_grouper_ops *ops = p.ops;
	test_plugin_set(&p, "child", "renormalise");
	fv_grouper_input rows = make_table(x);
	rows.speaker = speaker;
	int32_t id[N];
	float member[N * 2];
	fit_grouper(&p, &rows, 2);
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &rows, id, member));
	assert_memory_equal(id, want, sizeof id);
	for (int i = 0; i < N * 2; i++)
		test_close((double)member[i], share[i / 2][i % 2], 1e-7);
	test_plugin_set(&p, "confidence", "0.7");
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &rows, id, member));
	assert_memory_equal(id, sure, sizeof id);
	test_plugin_set(&p, "confidence", "0");
	test_plugin_set(&p, "pool", "speaker");
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &rows, id, member));
	assert_memory_equal(id, pooled_id, sizeof id);
	for (int i = 0; i < N * 2; i++)
		test_close((double)member[i], pooled[i / 2][i % 2], 1e-7);
	test_plugin_close(&p);
}

/* Another column left out, in the middle; with a name that does not exist, all columns are used. */
static void test_other_column(void **unused)
{
	(void)unused;
	static const int32_t without_male[N] = {0, -1, 1, 0, -1, -1}, all[N] = {0, 1, 2, 0, 1, -1};
	test_plugin p = test_plugin_open("pseudo");
	const fv_grouper_ops *ops = p.ops;
	fv_grouping grouping = {.size = sizeof grouping};
	fv_grouper_input rows = make_table(x);
	int32_t id[N];
	float member[N * 3];
	test_plugin_set(&p, "child_column", "male");
	test_ok(p.ctx, ops->fit(p.state, p.ctx, &rows, &grouping));
	assert_int_equal(grouping.groups, 2);
	assert_string_equal(grouping.name[1], "child");
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &rows, id, member));
	assert_memory_equal(id, without_male, sizeof id);
	for (int i = 0; i < N; i++)
		assert_true(member[2 * i] == x[D * i + 1] && member[2 * i + 1] == x[D * i + 3]);
	test_plugin_set(&p, "child_column", "infant");
	fit_grouper(&p, &rows, 3);
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &rows, id, member));
	assert_memory_equal(id, all, sizeof id);
	test_plugin_set(&p, "child", "renormalise");
	fit_grouper(&p, &rows, 3);
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &rows, id, member));
	for (int g = 0; g < 3; g++)
		test_close((double)member[9 + g], g < 2 ? 9 / 19.0 : 1 / 19.0, 1e-7);
	test_plugin_close(&p);
}

static void test_refusals(void **unused)
{
	(void)unused;
	test_plugin p = test_plugin_open("pseudo");
	const fv_grouper_ops *ops = p.ops;
	fv_grouping grouping = {.size = sizeof grouping};
	fv_grouper_input rows = make_table(x);
	int32_t id[N];
	rows.roles = NULL;
	test_fails(p.ctx, ops->fit(p.state, p.ctx, &rows, &grouping), FV_DATA,
		"needs at least two columns of role probability, but the encoder's output has 0 "
		"among: age, female, male, child");
	static const fv_role one[D] = {FV_COL_VALUE, FV_COL_PROBABILITY};
	rows.roles = one;
	test_fails(
		p.ctx, ops->fit(p.state, p.ctx, &rows, &grouping), FV_DATA, "output has 1 among");
	rows = make_table(x);
	rows.layers = 2;
	test_fails(p.ctx, ops->fit(p.state, p.ctx, &rows, &grouping), FV_CONFIG, "2 layers");
	static const char *const pair[D] = {"age", "female", "child", "male"};
	static const fv_role two[D] = {
		FV_COL_VALUE, FV_COL_PROBABILITY, FV_COL_PROBABILITY, FV_COL_FEATURE};
	rows = make_table(x);
	rows.columns = pair;
	rows.roles = two;
	test_fails(p.ctx, ops->fit(p.state, p.ctx, &rows, &grouping), FV_DATA,
		"needs at least two columns of role probability besides 'child', but the "
		"encoder's output has 1 among: age, female, child, male");
	rows = make_table(x);
	fit_grouper(&p, &rows, 2);
	float bad[N * D];
	static const float no_probability[] = {NAN, -0.5f, 1.5f, INFINITY};
	for (int i = 0; i < 4; i++) {
		memcpy(bad, x, sizeof bad);
		bad[D * 4 + 2] = no_probability[i];
		rows.x = bad;
		test_fails(p.ctx, ops->assign(p.state, p.ctx, &rows, id, NULL), FV_DATA,
			"row 4: column 'male' is");
	}
	test_plugin_close(&p);
}

/* Sixty columns: the message stays short. */
static void test_long_list(void **unused)
{
	(void)unused;
	static const char *many[60];
	static float zero[60];
	for (int d = 0; d < 60; d++)
		many[d] = "a_column_with_a_rather_long_name_that_fills_the_message_soon";
	test_plugin p = test_plugin_open("pseudo");
	const fv_grouper_ops *ops = p.ops;
	fv_grouping grouping = {.size = sizeof grouping};
	fv_grouper_input rows = {
		.size = sizeof rows, .n = 1, .dims = 60, .layers = 1, .x = zero, .columns = many};
	test_fails(p.ctx, ops->fit(p.state, p.ctx, &rows, &grouping), FV_DATA, "more");
	test_plugin_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_argmax),
		cmocka_unit_test(test_pool),
		cmocka_unit_test(test_pool_without_silence),
		cmocka_unit_test(test_child_dropped),
		cmocka_unit_test(test_child_renormalised),
		cmocka_unit_test(test_other_column),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_long_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
