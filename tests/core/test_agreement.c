/* SPDX-License-Identifier: Apache-2.0 */
/* Agreement of groups, compared with scikit-learn, including degenerate partitions. */
#include "support.h"

#include <math.h>

#include "eval/agreement.h"

static int32_t *ids(fv_ctx *ctx, const json_t *list, int32_t *G)
{
	int32_t *id = core_alloc(ctx, json_array_size(list), sizeof *id);
	assert_non_null(id);
	*G = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		id[i] = (int32_t)json_integer_value(json_array_get(list, i));
		*G = id[i] >= *G ? id[i] + 1 : *G;
	}
	return id;
}

static void golden_partitions(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	json_t *all = test_json(test_golden("metrics/partitions.json"));
	assert_int_equal(json_array_size(all), 10);
	for (size_t k = 0; k < json_array_size(all); k++) {
		json_t *one = json_array_get(all, k);
		core_partition inferred = {0}, truth = {0};
		inferred.id = ids(ctx, json_object_get(one, "labels"), &inferred.G);
		truth.id = ids(ctx, json_object_get(one, "truth"), &truth.G);
		int64_t n = (int64_t)json_array_size(json_object_get(one, "labels"));
		core_agreement got;
		test_ok(ctx, core_agreement_compute(ctx, n, &inferred, &truth, &got));
		test_close(got.purity, json_number_value(json_object_get(one, "purity")), 1e-14);
		test_close(got.nmi, json_number_value(json_object_get(one, "nmi")), 1e-14);
		test_close(got.ari, json_number_value(json_object_get(one, "ari")), 1e-14);
		assert_int_equal(got.n, n);
		assert_true(isnan(got.accuracy));
	}
	json_decref(all);
	core_ctx_free(ctx);
}

static void names_and_unknown(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *const guess[] = {"female", "male", "child"}, *const real[] = {"Female", "Male"};
	const int32_t a[] = {0, 0, 1, 1, 2, -1, 0, -1}, b[] = {0, 0, 1, 0, 1, 1, -1, -1};
	core_partition inferred = {3, guess, a}, truth = {2, real, b};
	core_agreement got;
	test_ok(ctx, core_agreement_compute(ctx, 8, &inferred, &truth, &got));
	assert_int_equal(got.n, 5);
	assert_int_equal(got.unknown_inferred, 2);
	assert_int_equal(got.unknown_true, 1);
	test_close(got.accuracy, 0.6, 1e-15); /* "child" is never correct */
	test_close(got.purity, 0.8, 1e-15);
	const char *const numbers[] = {"0", "1", "2"};
	inferred.name = numbers;
	test_ok(ctx, core_agreement_compute(ctx, 8, &inferred, &truth, &got));
	assert_true(isnan(got.accuracy));
	test_ok(ctx, core_agreement_compute(ctx, 0, &inferred, &truth, &got));
	assert_true(isnan(got.purity) && isnan(got.nmi) && isnan(got.ari));
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_partitions),
		cmocka_unit_test(names_and_unknown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
