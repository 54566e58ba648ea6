/* SPDX-License-Identifier: Apache-2.0 */
/* ECE and its null. The values of ECE and Brier are in test_metrics_field.c. */
#include "support.h"

#include <math.h>
#include <stdlib.h>

#include <fairvox/stream.h>

#include "eval/assess.h"
#include "eval/calibration.h"

enum { N = 300, C = 3, SETS = 80, DRAWS = 400 };

struct data {
	float prob[N * C], label[N * C];
	int32_t group[N];
};

/* Draws probabilities and, from these, labels; then makes the probabilities sharper or not. */
static void draw_data(uint64_t seed, double power, struct data *d)
{
	fv_stream stream = fv_rng_seeded(seed, "calibration", 0, 0);
	for (int i = 0; i < N; i++) {
		double p[C], sum = 0, sharp = 0, u = fv_uniform(&stream);
		for (int c = 0; c < C; c++)
			sum += p[c] = 0.05 + fv_uniform(&stream);
		int drawn = 0;
		for (u -= p[0] / sum; u >= 0 && drawn + 1 < C;)
			u -= p[++drawn] / sum;
		for (int c = 0; c < C; c++)
			sharp += pow(p[c] / sum, power);
		for (int c = 0; c < C; c++) {
			d->prob[i * C + c] = (float)(pow(p[c] / sum, power) / sharp);
			d->label[i * C + c] = c == drawn ? 1.0f : 0.0f;
		}
		d->group[i] = i % 4 == 3 ? -1 : i % 3 % 2;
	}
}

static core_estimate measure(struct data *d, core_estimate *of_group)
{
	static const char *const names[] = {"a", "b"}, *const classes[] = {"x", "y", "z"};
	fv_ctx *ctx = test_ctx();
	const core_eval_set set = {.n = N, .C = C, .prob = d->prob, .label = d->label};
	const core_eval_attribute attribute = {.name = "g", .G = 2, .group = names, .id = d->group};
	const core_draws draws = {.n = DRAWS, .seed = 1};
	core_metrics m;
	test_ok(ctx, core_metrics_compute(ctx, &set, classes, 1, &attribute, &m));
	test_ok(ctx, core_calibration_assess(ctx, &set, &attribute, &draws, &m));
	core_estimate ece = m.metric[CORE_ECE];
	if (of_group)
		*of_group = m.attribute[0].group_metric[CORE_METRICS + CORE_ECE];
	core_ctx_free(ctx);
	return ece;
}

/* Of calibrated models few are found guilty, although each has an ECE above 0, and above its half of the
 * rows a larger one; of a model that is too sure of itself all are. */
static void the_null_is_that_of_calibrated_models(void **state)
{
	(void)state;
	int low = 0;
	for (uint64_t k = 0; k < SETS; k++) {
		struct data d;
		core_estimate group, all;
		draw_data(k, 1, &d);
		all = measure(&d, &group);
		assert_true(all.value > 0.02 && all.null_mean > 0.02);
		assert_true(group.null_mean > 1.3 * all.null_mean);
		low += all.p <= 0.1;
		draw_data(k, 3, &d);
		all = measure(&d, &group);
		test_close(all.p, 1.0 / (DRAWS + 1), 1e-15);
		test_close(all.excess, all.value - all.null_mean, 1e-15);
	}
	/* binomial(80, .1): more than 18 or fewer than 2 have probability .0005 and .002 */
	assert_in_range(low, 2, 18);
}

/* The order of rows changes nothing, ties at the ends of bins included. */
static void rows_in_any_order(void **state)
{
	(void)state;
	struct data a, b;
	draw_data(5, 1, &a);
	for (int i = 0; i < N * C; i++)
		a.prob[i] = (float)(round((double)a.prob[i] * 8) / 8);
	for (int i = 0; i < N; i++) {
		int from = i * 7 % N; /* 7 and 300 have no common factor */
		for (int c = 0; c < C; c++) {
			b.prob[i * C + c] = a.prob[from * C + c];
			b.label[i * C + c] = a.label[from * C + c];
		}
		b.group[i] = a.group[from];
	}
	core_estimate x, y, all = measure(&a, &x), other = measure(&b, &y);
	assert_memory_equal(&all.value, &other.value, sizeof all.value);
	assert_memory_equal(&x.value, &y.value, sizeof x.value);
	assert_memory_equal(&all.p, &other.p, sizeof all.p);
	assert_true(all.p > 1.0 / (DRAWS + 1) && all.p < 1);
}

/* Fifteen rows are a bin each: ECE is the mean distance. Equal probabilities are one tie, and ECE is the
 * distance of the means, whatever the bins. */
static void bins_by_hand(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	float prob[30], label[30], tied[30];
	double distance = 0, mean = 0;
	for (int i = 0; i < 15; i++) {
		prob[2 * i] = (float)(i + 1) / 32;
		label[2 * i] = i % 4 == 0 ? 1.0f : 0.0f;
		tied[2 * i] = 0.375f;
		distance += fabs((double)prob[2 * i] - (double)label[2 * i]) / 15;
		mean += (double)label[2 * i] / 15;
		prob[2 * i + 1] = 1 - prob[2 * i];
		label[2 * i + 1] = 1 - label[2 * i];
		tied[2 * i + 1] = 0.625f;
	}
	core_eval_set set = {.n = 15, .C = 2, .prob = prob, .label = label};
	core_calibration c;
	test_ok(ctx, core_calibration_compute(ctx, &set, NULL, 0, &c));
	test_close(c.ece, distance, 1e-15);
	set.prob = tied;
	test_ok(ctx, core_calibration_compute(ctx, &set, NULL, 0, &c));
	test_close(c.ece, fabs(0.375 - mean), 1e-15);
	const int32_t none[15] = {0};
	test_ok(ctx, core_calibration_compute(ctx, &set, none, 1, &c));
	assert_true(isnan(c.ece) && isnan(c.brier));
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_null_is_that_of_calibrated_models),
		cmocka_unit_test(rows_in_any_order),
		cmocka_unit_test(bins_by_hand),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
