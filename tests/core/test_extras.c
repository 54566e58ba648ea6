/* SPDX-License-Identifier: Apache-2.0 */
/* AUC, average precision, labels per row and levelling down, compared with an independent
 * implementation. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "eval/extras.h"

#define TIGHT 1e-12

struct given {
	int32_t C, G;
	core_eval_set a, b;
	int32_t *group; /* [n] */
};

static double *array(const char *name, const char *part, int64_t *count)
{
	char path[512];
	int64_t shape[4] = {1, 1, 1, 1};
	int rank;
	snprintf(path, sizeof path, "statistics/extras/%s_%s.npy", name, part);
	double *out = test_npy(test_golden(path), shape, &rank);
	*count = shape[0] * shape[1];
	return out;
}

static float *floats(fv_ctx *ctx, const char *name, const char *part)
{
	int64_t n;
	double *from = array(name, part, &n);
	float *out = core_alloc(ctx, (size_t)n, sizeof *out);
	assert_non_null(out);
	for (int64_t i = 0; i < n; i++)
		out[i] = (float)from[i];
	free(from);
	return out;
}

static struct given read_case(fv_ctx *ctx, const json_t *json, const char *name)
{
	int64_t n;
	double *speaker = array(name, "speaker", &n);
	struct given x = {.C = (int32_t)json_integer_value(json_object_get(json, "C")),
		.G = (int32_t)json_integer_value(json_object_get(json, "G"))};
	x.group = core_alloc(ctx, (size_t)n, sizeof *x.group);
	for (int64_t i = 0; i < n; i++)
		x.group[i] = (int32_t)json_integer_value(
			json_array_get(json_object_get(json, "speaker_group"), (size_t)speaker[i]));
	free(speaker);
	x.a = (core_eval_set){.n = n,
		.C = x.C,
		.prob = floats(ctx, name, "prob_a"),
		.label = floats(ctx, name, "label")};
	x.b = x.a;
	x.b.prob = floats(ctx, name, "prob_b");
	return x;
}

static void check(const json_t *want, double got, const char *what)
{
	if (!want || json_is_null(want) != isnan(got))
		fail_msg("%s is %g", what, got);
	if (!json_is_null(want))
		test_close_(got, json_number_value(want), TIGHT, what, __FILE__, __LINE__);
}

static void check_sharpness(
	const json_t *want, const char *key, const core_threshold_free_metrics *got, int32_t C)
{
	const json_t *auc = json_object_get(json_object_get(want, "auc"), key);
	const json_t *ap = json_object_get(json_object_get(want, "ap"), key);
	assert_int_equal(json_array_size(auc), C);
	for (int32_t c = 0; c < C; c++) {
		check(json_array_get(auc, (size_t)c), got->class_auc[c], "auc");
		check(json_array_get(ap, (size_t)c), got->class_ap[c], "ap");
	}
	check(json_object_get(json_object_get(want, "auc_macro"), key), got->auc, "auc_macro");
	check(json_object_get(json_object_get(want, "ap_macro"), key), got->ap, "ap_macro");
	check(json_object_get(json_object_get(want, "labels_predicted"), key),
		got->labels_predicted, "labels_predicted");
	check(json_object_get(json_object_get(want, "labels_true"), key), got->labels_true,
		"labels_true");
}

static void check_system(
	fv_ctx *ctx, const json_t *want, const core_eval_set *set, const struct given *x)
{
	core_threshold_free_metrics got;
	test_ok(ctx, core_threshold_free_compute(ctx, set, NULL, 0, &got));
	check_sharpness(want, "all", &got, x->C);
	for (int32_t g = 0; g < x->G; g++) {
		char key[16];
		snprintf(key, sizeof key, "%d", (int)g);
		test_ok(ctx, core_threshold_free_compute(ctx, set, x->group, g, &got));
		check_sharpness(want, key, &got, x->C);
	}
}

static void check_change(const json_t *want, const core_level_change *got)
{
	check(json_object_get(want, "best_change"), got->best_change, "best_change");
	check(json_object_get(want, "worst_change"), got->worst_change, "worst_change");
	assert_int_equal(json_is_true(json_object_get(want, "flag")), got->flag);
}

static void check_levelling(fv_ctx *ctx, const json_t *want, const struct given *x,
	const double *reference, const double *changed)
{
	core_levelling got;
	test_ok(ctx, core_levelling_compute(ctx, x->C, x->G, reference, changed, &got));
	for (int32_t c = 0; c < x->C; c++) {
		const json_t *one = json_array_get(json_object_get(want, "per_class"), (size_t)c);
		if (json_is_null(one)) {
			assert_int_equal(got.per_class[c].best, -1);
			continue;
		}
		assert_int_equal(
			got.per_class[c].best, json_integer_value(json_object_get(one, "best")));
		assert_int_equal(
			got.per_class[c].worst, json_integer_value(json_object_get(one, "worst")));
		check_change(one, &got.per_class[c]);
	}
	check_change(json_object_get(want, "mean"), &got.mean);
}

static const double *rates(
	fv_ctx *ctx, const core_eval_set *set, const struct given *x, const json_t *want)
{
	core_tally groups;
	core_rates r[CORE_READINGS];
	double stat[CORE_METRICS];
	test_ok(ctx, core_tally_make(ctx, set, x->G, x->group, NULL, &groups));
	test_ok(ctx, core_rates_alloc(ctx, x->C, x->G, r));
	core_metrics_of_groups(&groups, CORE_WITH_RATES, r, stat);
	for (int32_t i = 0; i < x->C * x->G; i++)
		check(json_array_get(json_array_get(want, (size_t)(i / x->G)), (size_t)(i % x->G)),
			r[CORE_THRESHOLD].tpr[i], "tpr");
	return r[CORE_THRESHOLD].tpr;
}

static void golden_extras(void **state)
{
	(void)state;
	json_t *cases = test_json(test_golden("statistics/extras.json")), *json;
	const char *name;
	json_object_foreach(cases, name, json)
	{
		fv_ctx *ctx = test_ctx();
		struct given x = read_case(ctx, json, name);
		check_system(ctx, json_object_get(json, "a"), &x.a, &x);
		check_system(ctx, json_object_get(json, "b"), &x.b, &x);
		const json_t *tpr = json_object_get(json, "tpr");
		const double *a = rates(ctx, &x.a, &x, json_object_get(tpr, "a"));
		const double *b = rates(ctx, &x.b, &x, json_object_get(tpr, "b"));
		check_levelling(ctx, json_object_get(json, "levelling_down_a_to_b"), &x, a, b);
		check_levelling(ctx, json_object_get(json, "levelling_down_b_to_a"), &x, b, a);
		core_ctx_free(ctx);
	}
	assert_int_equal(json_object_size(cases), 3);
	json_decref(cases);
}

static void nothing_to_rank(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const float prob[] = {.7f, .3f, .4f, .6f}, label[] = {1, 0, 1, 0};
	const int32_t id[] = {0, 0};
	core_eval_set set = {.n = 2, .C = 2, .prob = prob, .label = label};
	core_threshold_free_metrics got;
	test_ok(ctx, core_threshold_free_compute(ctx, &set, id, 0, &got));
	assert_true(isnan(got.class_auc[0]) && isnan(got.class_auc[1]) && isnan(got.auc));
	test_close(got.class_ap[0], 1, 0); /* all positive */
	assert_true(isnan(got.class_ap[1]));
	test_ok(ctx, core_threshold_free_compute(ctx, &set, id, 1, &got));
	assert_int_equal(got.n, 0);
	assert_true(isnan(got.auc) && isnan(got.ap) && isnan(got.labels_predicted));
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden_extras),
		cmocka_unit_test(nothing_to_rank),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
