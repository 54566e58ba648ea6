/* SPDX-License-Identifier: Apache-2.0 */
/* Nulls, permutation tests and intervals with given draws, within 1e-12 of an independent
 * implementation. */
#include "support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "eval/bootstrap.h"
#include "eval/families.h"
#include "eval/nulls.h"
#include "eval/summary.h"
#include "eval/swap.h"

#define TIGHT 1e-12

struct given {
	int32_t C, G, n_seeds, S;
	int64_t n, n_draws;
	core_speakers speakers;
	core_eval_attribute attribute;
	core_cohort cohort;
	core_system a, b;
	core_draws draws;
};

static double *array(const char *kind, const char *name, const char *part, int64_t shape[4])
{
	char path[512];
	int rank;
	snprintf(path, sizeof path, "statistics/%s/%s_%s.npy", kind, name, part);
	shape[0] = shape[1] = 1;
	return test_npy(test_golden(path), shape, &rank);
}

static float *floats(fv_ctx *ctx, double *from, int64_t n)
{
	float *out = core_alloc(ctx, (size_t)n, sizeof *out);
	assert_non_null(out);
	for (int64_t i = 0; i < n; i++)
		out[i] = (float)from[i];
	free(from);
	return out;
}

static int32_t *integers(fv_ctx *ctx, double *from, int64_t n)
{
	int32_t *out = core_alloc(ctx, (size_t)n, sizeof *out);
	assert_non_null(out);
	for (int64_t i = 0; i < n; i++)
		out[i] = (int32_t)from[i];
	free(from);
	return out;
}

static int32_t number(const json_t *json, const char *key)
{
	return (int32_t)json_integer_value(json_object_get(json, key));
}

static int32_t item(const json_t *json, const char *key, int32_t index)
{
	return (int32_t)json_integer_value(
		json_array_get(json_object_get(json, key), (size_t)index));
}

/* Speakers, folds and groups of a case; their names sort in the reference's order of ids. */
static void read_people(
	fv_ctx *ctx, const json_t *json, const char *kind, const char *name, struct given *x)
{
	int64_t shape[4];
	int32_t *id = integers(ctx, array(kind, name, "speaker", shape), x->n);
	static const char *const groups[] = {"g0", "g1", "g2"};
	x->S = (int32_t)json_array_size(json_object_get(json, "speaker_group"));
	const char **speaker = core_alloc(ctx, (size_t)x->n, sizeof *speaker);
	int64_t *fold = core_alloc(ctx, (size_t)x->n, sizeof *fold);
	int32_t *group = core_alloc(ctx, (size_t)x->n, sizeof *group);
	for (int64_t i = 0; i < x->n; i++) {
		speaker[i] = core_format(ctx, "s%03d", (int)id[i]);
		fold[i] = item(json, "speaker_fold", id[i]);
		group[i] = item(json, "speaker_group", id[i]);
	}
	x->attribute =
		(core_eval_attribute){.name = "attribute", .G = x->G, .group = groups, .id = group};
	core_eval_rows rows = {.n = x->n, .speaker = speaker, .fold = fold};
	test_ok(ctx, core_speakers_make(ctx, &rows, &x->speakers));
	assert_int_equal(x->speakers.S, x->S);
	test_ok(ctx, core_cohort_make(ctx, &rows, &x->speakers, &x->attribute, &x->cohort));
}

static core_system read_system(
	fv_ctx *ctx, const char *kind, const char *name, const char *prob, const struct given *x)
{
	int64_t shape[4], subgroups = x->n * x->C;
	float *p = floats(ctx, array(kind, name, prob, shape), subgroups * x->n_seeds);
	const float *y = floats(ctx, array(kind, name, "label", shape), subgroups);
	core_eval_set sets[4];
	for (int32_t r = 0; r < x->n_seeds; r++)
		sets[r] = (core_eval_set){
			.n = x->n, .C = x->C, .prob = p + r * subgroups, .label = y};
	core_system system;
	test_ok(ctx, core_system_make(ctx, x->n_seeds, sets, &x->speakers, &x->attribute, &system));
	return system;
}

static void read_case(fv_ctx *ctx, const json_t *json, const char *kind, const char *name,
	const char *draws, bool two, struct given *x)
{
	int64_t shape[4];
	*x = (struct given){.C = number(json, "C"),
		.G = number(json, "G"),
		.n = number(json, "rows"),
		.n_seeds = number(json, "seeds")};
	if (!x->n_seeds)
		x->n_seeds = 1;
	read_people(ctx, json, kind, name, x);
	x->a = read_system(ctx, kind, name, two ? "prob_a" : "prob", x);
	if (two)
		x->b = read_system(ctx, kind, name, "prob_b", x);
	double *given = array(kind, name, draws, shape);
	x->n_draws = shape[0];
	assert_int_equal(shape[1], x->S);
	x->draws = (core_draws){.n = shape[0], .given = integers(ctx, given, shape[0] * x->S)};
}

static void check(const json_t *want, double got, const char *what)
{
	if (!want)
		fail_msg("the reference has no %s", what);
	if (json_is_null(want) != isnan(got))
		fail_msg("%s is %g", what, got);
	if (!json_is_null(want))
		test_close_(got, json_number_value(want), TIGHT, what, __FILE__, __LINE__);
}

static const struct {
	const char *name;
	core_metric_id stat;
} gaps[] = {{"tpr_gap", CORE_TPR_GAP}, {"dp_gap", CORE_DP_GAP}, {"fpr_gap", CORE_FPR_GAP}};

static void check_null(const json_t *json, const core_estimate *got, int64_t defined,
	const double *trace, int64_t n)
{
	check(json_object_get(json, "value"), got->value, "value");
	check(json_object_get(json, "null_mean"), got->null_mean, "null_mean");
	check(json_object_get(json, "null_p95"), got->null_p95, "null_p95");
	check(json_object_get(json, "p"), got->p, "p");
	check(json_object_get(json, "excess"), got->excess, "excess");
	assert_int_equal(defined, json_integer_value(json_object_get(json, "defined")));
	const json_t *draws = json_object_get(json, "null");
	assert_int_equal(json_array_size(draws), n);
	for (int64_t b = 0; b < n; b++)
		check(json_array_get(draws, (size_t)b), trace[b * 2 * CORE_METRICS], "draw");
}

/* A fold alone gives the same as a cohort of its rows only. */
static void check_folds(const json_t *list, const struct given *x, fv_ctx *ctx)
{
	for (int32_t f = 0; f < x->speakers.F; f++) {
		core_cohort one = x->cohort;
		const json_t *want = json_array_get(list, (size_t)f);
		one.of_speaker = core_alloc(ctx, (size_t)x->S, sizeof(int32_t));
		for (int32_t s = 0; s < x->S; s++)
			one.of_speaker[s] = x->speakers.fold[s] == f ? x->cohort.of_speaker[s] : -1;
		core_gap_nulls got;
		core_draws none = {0};
		test_ok(ctx, core_nulls_compute(ctx, &one, &x->a, &none, NULL, &got));
		for (size_t k = 0; k < 3; k++) {
			check(json_object_get(want, gaps[k].name), got.pooled[gaps[k].stat].value,
				gaps[k].name);
			check(json_object_get(want, gaps[k].name),
				got.fold_mean[gaps[k].stat].value, gaps[k].name);
		}
	}
}

static void permutations(void **state)
{
	(void)state;
	json_t *cases = test_json(test_golden("statistics/nulls.json"));
	const char *name;
	json_t *json;
	json_object_foreach(cases, name, json)
	{
		fv_ctx *ctx = test_ctx();
		struct given x;
		read_case(ctx, json, "nulls", name, "perm", false, &x);
		double *trace = malloc((size_t)x.n_draws * 2 * CORE_METRICS * sizeof *trace);
		core_gap_nulls got;
		test_ok(ctx, core_nulls_compute(ctx, &x.cohort, &x.a, &x.draws, trace, &got));
		const json_t *pooled = json_object_get(json, "pooled");
		const json_t *mean = json_object_get(json, "fold_mean");
		for (size_t k = 0; k < 3; k++) {
			core_metric_id s = gaps[k].stat;
			check_null(json_object_get(pooled, gaps[k].name), &got.pooled[s],
				got.pooled_defined[s], trace + s, x.n_draws);
			check_null(json_object_get(mean, gaps[k].name), &got.fold_mean[s],
				got.fold_mean_defined[s], trace + CORE_METRICS + s, x.n_draws);
			assert_int_equal(got.folds_used[s],
				number(json_object_get(mean, "folds_used"), gaps[k].name));
		}
		check_folds(json_object_get(json, "per_fold"), &x, ctx);
		free(trace);
		core_ctx_free(ctx);
	}
	assert_int_equal(json_object_size(cases), 8);
	json_decref(cases);
}

static void check_seeds(const json_t *json, const core_swap *got, core_metric_id stat,
	const double *trace, int64_t n)
{
	check(json_object_get(json, "a"), got->a[stat], "a");
	check(json_object_get(json, "b"), got->b[stat], "b");
	check(json_object_get(json, "diff"), got->diff[stat], "diff");
	check(json_object_get(json, "p"), got->p[stat], "p");
	const json_t *draws = json_object_get(json, "null");
	for (int64_t b = 0; b < n; b++)
		check(json_array_get(draws, (size_t)b), trace[b * CORE_METRICS + stat], "exchange");
}

static void check_family(const json_t *family, fv_ctx *ctx, const double *p)
{
	const json_t *given = json_object_get(family, "p");
	int32_t n = (int32_t)json_array_size(given);
	double own[16], holm[16], bh[16];
	for (int32_t i = 0; i < n; i++) {
		const json_t *value = json_array_get(given, (size_t)i);
		own[i] = p ? p[i] : json_is_null(value) ? NAN : json_number_value(value);
	}
	test_ok(ctx, core_holm(ctx, n, own, holm));
	test_ok(ctx, core_benjamini_hochberg(ctx, n, own, bh));
	for (int32_t i = 0; i < n; i++) {
		check(json_array_get(json_object_get(family, "holm"), (size_t)i), holm[i], "holm");
		check(json_array_get(json_object_get(family, "bh"), (size_t)i), bh[i], "bh");
	}
}

static void exchanges(void **state)
{
	(void)state;
	json_t *all = test_json(test_golden("statistics/swap.json"));
	json_t *cases = json_object_get(all, "cases"), *json;
	const char *name;
	json_object_foreach(cases, name, json)
	{
		fv_ctx *ctx = test_ctx();
		struct given x;
		read_case(ctx, json, "swap", name, "sign", true, &x);
		double *trace = malloc((size_t)x.n_draws * CORE_METRICS * sizeof *trace);
		core_swap got;
		test_ok(ctx, core_swap_test(ctx, &x.speakers, &x.cohort, &x.a, &x.b, &x.draws,
				     trace, &got));
		const json_t *metrics = json_object_get(json, "metrics"), *metric;
		const json_t *order = json_object_get(json_object_get(json, "family"), "order");
		double p[16];
		for (size_t k = 0; k < json_array_size(order); k++) {
			core_metric_id stat;
			const char *metric_name = json_string_value(json_array_get(order, k));
			metric = json_object_get(metrics, metric_name);
			assert_true(core_metric_find(metric_name, &stat));
			check_seeds(metric, &got, stat, trace, x.n_draws);
			p[k] = got.p[stat];
		}
		check_family(json_object_get(json, "family"), ctx, p);
		free(trace);
		core_ctx_free(ctx);
	}
	assert_int_equal(json_object_size(cases), 5);
	fv_ctx *ctx = test_ctx();
	json_t *families = json_object_get(all, "families");
	assert_int_equal(json_array_size(families), 6);
	for (size_t k = 0; k < json_array_size(families); k++)
		check_family(json_array_get(families, k), ctx, NULL);
	core_ctx_free(ctx);
	json_decref(all);
}

static void check_interval(const json_t *json, const core_estimate *got, const char *value)
{
	check(json_object_get(json, value), got->value, value);
	check(json_object_get(json, "low"), got->low, "low");
	check(json_object_get(json, "high"), got->high, "high");
}

static void check_differences(const json_t *json, const char *which, const struct given *x,
	fv_ctx *ctx, const double *observed, const double *trace)
{
	core_tpr_difference *d;
	test_ok(ctx, core_tpr_differences(ctx, &x->cohort, x->C, observed, trace, x->n_draws, &d));
	for (int32_t k = 0; k < x->G * (x->G - 1) / 2; k++) {
		char pair[32];
		snprintf(pair, sizeof pair, "%d-%d", (int)d[k].g, (int)d[k].h);
		const json_t *want = json_object_get(json_object_get(json, "tpr_difference"), pair);
		assert_non_null(want);
		assert_int_equal(d[k].few, json_is_true(json_object_get(want, "few")));
		assert_int_equal(
			d[k].one_speaker, json_is_true(json_object_get(want, "one_speaker")));
		for (int32_t c = 0; c < x->C; c++)
			check_interval(json_array_get(json_object_get(want, which), (size_t)c),
				&d[k].value[c], "value");
	}
}

static void check_paired(const json_t *paired, const struct given *x, const double *observed,
	const double *trace, int64_t width)
{
	const char *name;
	const json_t *want;
	double *sorted = malloc((size_t)x->n_draws * sizeof *sorted);
	json_object_foreach((json_t *)paired, name, want)
	{
		core_metric_id stat;
		assert_true(core_metric_find(name, &stat));
		core_estimate got = core_estimate_of(observed[stat]);
		int64_t n = core_sorted_column(trace, x->n_draws, width, stat, sorted);
		core_interval(sorted, n, &got);
		assert_int_equal(n, number(want, "defined"));
		check_interval(want, &got, "diff");
		test_close(got.level, 0.95, 0);
	}
	free(sorted);
}

static void intervals(void **state)
{
	(void)state;
	json_t *cases = test_json(test_golden("statistics/intervals.json")), *json;
	const char *name;
	json_object_foreach(cases, name, json)
	{
		fv_ctx *ctx = test_ctx();
		struct given x;
		read_case(ctx, json, "intervals", name, "draw", true, &x);
		int64_t width = core_resample_width(x.C, x.G), size = width * x.n_draws;
		double *a = malloc((size_t)(2 * (size + width)) * sizeof *a), *b = a + size + width;
		test_ok(ctx,
			core_bootstrap(ctx, &x.speakers, &x.cohort, &x.a, &x.draws, a + size, a));
		test_ok(ctx,
			core_bootstrap(ctx, &x.speakers, &x.cohort, &x.b, &x.draws, b + size, b));
		check_differences(json, "a", &x, ctx, a + size, a);
		check_differences(json, "b", &x, ctx, b + size, b);
		for (int64_t i = 0; i < size + width; i++)
			a[i] -= b[i];
		check_differences(json, "a_minus_b", &x, ctx, a + size, a);
		check_paired(json_object_get(json, "paired"), &x, a + size, a, width);
		free(a);
		core_ctx_free(ctx);
	}
	assert_int_equal(json_object_size(cases), 3);
	json_decref(cases);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(permutations),
		cmocka_unit_test(exchanges),
		cmocka_unit_test(intervals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
