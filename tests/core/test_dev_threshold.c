/* SPDX-License-Identifier: Apache-2.0 */
/* Thresholds chosen on development rows: against a search over every threshold, ties, classes without
 * positives. */
#include "support.h"

#include <fairvox/stream.h>

#include "eval/dev_threshold.h"

enum { N = 60, C = 3 };

static double compute_f1(const core_eval_set *set, int32_t c, float threshold)
{
	double hit = 0, sum = 0;
	for (int64_t i = 0; i < set->n; i++) {
		bool predicted = set->prob[i * set->C + c] > threshold;
		bool real = set->label[i * set->C + c] > core_eval_threshold(set);
		hit += predicted && real;
		sum += predicted + real;
	}
	return sum > 0 ? 2 * hit / sum : 0;
}

/* No float32 of a fine grid, and no probability, gives a better F1, and no lower one the same. */
static void finds_the_best(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	for (uint64_t draw = 0; draw < 50; draw++) {
		float prob[N * C], label[N * C], by_class[C];
		fv_stream stream = fv_rng_seeded(draw, "threshold", 0, 0);
		for (int i = 0; i < N * C; i++) {
			/* coarse probabilities, so that rows tie */
			prob[i] = (float)fv_below(&stream, draw % 2 ? 9 : 1000) / 1000;
			label[i] = fv_uniform(&stream) < 0.3 + (double)prob[i] ? 0.7f : 0.1f;
		}
		const core_eval_set set = {.n = N, .C = C, .prob = prob, .label = label};
		test_ok(ctx, core_choose_thresholds(ctx, &set, by_class));
		for (int c = 0; c < C; c++) {
			double best = compute_f1(&set, c, by_class[c]);
			for (int k = 0; k < 4000; k++) {
				float other = (float)k / 4000;
				double f1 = compute_f1(&set, c, other);
				assert_true(f1 <= best);
				assert_true(other >= by_class[c] || f1 < best);
			}
		}
	}
	core_ctx_free(ctx);
}

static void ties_and_empty_classes(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const float prob[] = {0.1f, 0.6f, 0.3f, /* rows of three classes */
		0.2f, 0.5f, 0.3f, 0.7f, 0.1f, 0.2f, 0.8f, 0.1f, 0.1f};
	const float label[] = {0, 0, 1, 0, 0, 1, 1, 0, 0, 1, 0, 0};
	const core_eval_set set = {.n = 4, .C = 3, .prob = prob, .label = label};
	float by_class[3];
	test_ok(ctx, core_choose_thresholds(ctx, &set, by_class));
	assert_true(by_class[0] == 0.2f); /* every threshold from 0.2 to 0.7 is perfect */
	assert_true(by_class[1] == (float)(1.0 / 3)); /* no positives: the fixed one */
	assert_true(by_class[2] == 0.2f);
	/* the best may be to predict every row */
	const float all[] = {1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0};
	const core_eval_set ones = {.n = 4, .C = 3, .prob = prob, .label = all};
	test_ok(ctx, core_choose_thresholds(ctx, &ones, by_class));
	assert_true(by_class[0] == 0);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_the_best),
		cmocka_unit_test(ties_and_empty_classes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
