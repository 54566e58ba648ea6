/* SPDX-License-Identifier: Apache-2.0 */
#include "plugin.h"

static const char *const races[] = {"African American", "Asian", "Caucasian", "Unknown"};

static fv_grouper_input table_of(const int32_t *column_id, int32_t n)
{
	return (fv_grouper_input){.size = sizeof(fv_grouper_input),
		.n = n,
		.column_id = column_id,
		.column_names = races,
		.n_column_names = 4};
}

/* The groups are the values that occur in training; ids follow their order by bytes. */
static void test_groups(void **unused)
{
	(void)unused;
	static const int32_t train_id[] = {2, 0, -1, 2, 3, 0}, test_id[] = {0, 1, 2, 3, -1, 1};
	static const int32_t want_train[] = {1, 0, -1, 1, 2, 0},
			     want_test[] = {0, -1, 1, 2, -1, -1};
	test_plugin p = test_plugin_open("truth");
	const fv_grouper_ops *ops = p.ops;
	test_plugin_set(&p, "column", "race");
	assert_int_equal(ops->uses(p.state), FV_USE_COLUMN);
	fv_grouper_input train = table_of(train_id, 6), test = table_of(test_id, 6);
	fv_grouping grouping = {.size = sizeof grouping};
	int32_t id[6];
	test_ok(p.ctx, ops->fit(p.state, p.ctx, &train, &grouping));
	assert_int_equal(grouping.groups, 3);
	assert_int_equal(grouping.soft, 0);
	assert_string_equal(grouping.name[0], "African American");
	assert_string_equal(grouping.name[1], "Caucasian");
	assert_string_equal(grouping.name[2], "Unknown");
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &train, id, NULL));
	assert_memory_equal(id, want_train, sizeof id);
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &test, id, NULL));
	assert_memory_equal(id, want_test, sizeof id);

	/* rows whose input lists only their own values */
	static const char *const few[] = {"Asian", "Unknown"};
	static const int32_t few_id[] = {1, 0, 1, -1, 0, 1}, want_few[] = {2, -1, 2, -1, -1, 2};
	fv_grouper_input other = table_of(few_id, 6);
	other.column_names = few;
	other.n_column_names = 2;
	test_ok(p.ctx, ops->assign(p.state, p.ctx, &other, id, NULL));
	assert_memory_equal(id, want_few, sizeof id);
	test_plugin_close(&p);
}

static void test_refusals(void **unused)
{
	(void)unused;
	static const int32_t unknown[] = {-1, -1};
	test_plugin p = test_plugin_open("truth");
	const fv_grouper_ops *ops = p.ops;
	fv_grouper_input train = table_of(unknown, 2);
	fv_grouping grouping = {.size = sizeof grouping};
	test_plugin_set(&p, "column", "race");
	test_fails(p.ctx, ops->fit(p.state, p.ctx, &train, &grouping), FV_DATA,
		"attribute 'race' is unknown in all 2 training rows");
	train.column_id = NULL;
	test_fails(p.ctx, ops->fit(p.state, p.ctx, &train, &grouping), FV_CONFIG,
		"the corpus has no attribute 'race'");
	test_plugin_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
