/* SPDX-License-Identifier: Apache-2.0 */
/* What the contract suite finds in groupers. */
#include "made_up.h"

static uint32_t table_uses(const void *state)
{
	(void)state;
	return FV_USE_FEATURES;
}

static uint32_t column_uses(const void *state)
{
	(void)state;
	return FV_USE_COLUMN;
}

static fv_status two_groups(
	void *state, fv_ctx *ctx, const fv_grouper_input *train, fv_grouping *out)
{
	static const char *const names[] = {"a", "b"};
	(void)state, (void)ctx, (void)train;
	*out = (fv_grouping){.size = sizeof *out, .groups = 2, .name = names, .soft = 1};
	return FV_OK;
}

static fv_status fit_same_names(
	void *state, fv_ctx *ctx, const fv_grouper_input *train, fv_grouping *out)
{
	static const char *const names[] = {"a", "a"};
	(void)state, (void)ctx, (void)train;
	*out = (fv_grouping){.size = sizeof *out, .groups = 2, .name = names};
	return FV_OK;
}

static fv_status assign_out_of_range(
	const void *state, fv_ctx *ctx, const fv_grouper_input *rows, int32_t *id, float *member)
{
	(void)state, (void)ctx, (void)member;
	for (int32_t i = 0; i < rows->n; i++)
		id[i] = 2;
	return FV_OK;
}

/* group by the mean of the rows in the call; memberships are not written */
static fv_status assign_by_mean(
	const void *state, fv_ctx *ctx, const fv_grouper_input *rows, int32_t *id, float *member)
{
	float sum = 0;
	(void)state, (void)ctx;
	for (int32_t i = 0; i < rows->n; i++)
		sum += rows->x[i * rows->dims + 3];
	for (int32_t i = 0; i < rows->n; i++) {
		id[i] = rows->x[i * rows->dims + 3] * (float)rows->n > sum;
		for (int32_t g = 0; member && g < 2; g++)
			member[2 * i + g] = (float)(id[i] == g);
	}
	return FV_OK;
}

static fv_status assign_no_members(
	const void *state, fv_ctx *ctx, const fv_grouper_input *rows, int32_t *id, float *member)
{
	(void)state, (void)ctx, (void)member;
	for (int32_t i = 0; i < rows->n; i++)
		id[i] = 0;
	return FV_OK;
}

static void test_groupers_found_out(void **unused)
{
	(void)unused;
#define OPS(name_, uses_, fit_, assign_)                                                           \
	static const fv_grouper_ops name_ = {                                                      \
		.size = sizeof name_, .uses = uses_, .fit = fit_, .assign = assign_}
	OPS(same_names, table_uses, fit_same_names, assign_out_of_range);
	OPS(too_far, table_uses, two_groups, assign_out_of_range);
	OPS(crowd, table_uses, two_groups, assign_by_mean);
	OPS(no_members, table_uses, two_groups, assign_no_members);
	OPS(knows_all, column_uses, fit_same_names, assign_no_members);
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_GROUPER, test_made_up, &same_names), true,
		"fit", "plugin made_up: name has 'a' twice");
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_GROUPER, test_made_up, &too_far), true,
		"assign", "row 0 is in group 2 of 2");
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_GROUPER, test_made_up, &crowd), true,
		"independence", "alone and in");
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_GROUPER, test_made_up, &no_members), true,
		"assign", "membership nan in row 0");
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_GROUPER, test_made_up, &knows_all), true,
		"unknown", "row 8 has no value and is in group 0");
	test_contract_expect(&(fv_descriptor)MADE_UP(FV_GROUPER, test_made_up, &knows_all), true,
		"unknown", "has a value not met in training");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groupers_found_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
