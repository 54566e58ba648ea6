/* SPDX-License-Identifier: Apache-2.0 */
/* Draws of a paired test that go on until a family of comparisons can find something. */
#include "support.h"

#include <math.h>
#include <string.h>

#include <fairvox/stream.h>

#include "eval/swap.h"

enum { SPEAKERS = 30, EACH = 8, N = SPEAKERS * EACH, C = 2 };

struct pair {
	fv_ctx *ctx;
	float prob[2][N * C], label[N * C];
	const char *speaker[N];
	int32_t group[N];
	core_eval_attribute attribute;
	core_speakers speakers;
	core_cohort cohort;
	core_system a, b;
};

/* a is right in 9 of 10 rows, b in 6 of 10; neither treats the two groups differently. */
static void make_pair(struct pair *x)
{
	static const char *const groups[] = {"f", "m"};
	fv_stream stream = fv_rng_seeded(3, "draws", 0, 0);
	x->ctx = test_ctx();
	for (int i = 0; i < N; i++) {
		int s = i / EACH, label = i % 2;
		x->speaker[i] = core_format(x->ctx, "s%02d", s);
		x->group[i] = s % 2;
		for (int k = 0; k < 2; k++) {
			bool right = fv_uniform(&stream) < (k ? 0.6 : 0.9);
			for (int c = 0; c < C; c++)
				x->prob[k][i * C + c] = right == (c == label) ? 0.8f : 0.2f;
		}
		for (int c = 0; c < C; c++)
			x->label[i * C + c] = c == label ? 1.0f : 0.0f;
	}
	x->attribute =
		(core_eval_attribute){.name = "sex", .G = 2, .group = groups, .id = x->group};
	const core_eval_rows rows = {.n = N, .speaker = x->speaker};
	const core_eval_set a = {.n = N, .C = C, .prob = x->prob[0], .label = x->label};
	const core_eval_set b = {.n = N, .C = C, .prob = x->prob[1], .label = x->label};
	test_ok(x->ctx, core_speakers_make(x->ctx, &rows, &x->speakers));
	test_ok(x->ctx, core_cohort_make(x->ctx, &rows, &x->speakers, &x->attribute, &x->cohort));
	test_ok(x->ctx, core_system_make(x->ctx, 1, &a, &x->speakers, &x->attribute, &x->a));
	test_ok(x->ctx, core_system_make(x->ctx, 1, &b, &x->speakers, &x->attribute, &x->b));
}

static core_swap test_swap(struct pair *x, int64_t n, int32_t family)
{
	core_draws draws = {.n = n, .seed = 1, .family = family};
	core_swap out;
	test_ok(x->ctx,
		core_swap_test(x->ctx, &x->speakers, &x->cohort, &x->a, &x->b, &draws, NULL, &out));
	return out;
}

/* 72 comparisons need 14,400 draws: 72 / 14,400 = .005. A figure that ten draws reach needs no more. What is
 * drawn for one figure is what a test of that many draws gives. */
static void draws_go_on_where_they_must(void **state)
{
	(void)state;
	struct pair x;
	make_pair(&x);
	const core_swap alone = test_swap(&x, 2000, 0), one = test_swap(&x, 2000, 1);
	const core_swap family = test_swap(&x, 2000, 72), whole = test_swap(&x, 16000, 0);
	for (int k = 0; k < CORE_METRICS; k++) {
		assert_memory_equal(&alone.p[k], &one.p[k], sizeof alone.p[k]);
		assert_false(family.at_floor[k]);
		if (isnan(alone.p[k]))
			continue;
		assert_int_equal(alone.draws[k], 2000);
		bool more = family.draws[k] > 2000;
		/* 9 of 2,000 draws or fewer are as large */
		assert_int_equal(more, alone.p[k] < 10.5 / 2001);
		if (family.draws[k] == 16000)
			assert_memory_equal(&family.p[k], &whole.p[k], sizeof whole.p[k]);
	}
	assert_int_equal(family.draws[CORE_F1], 16000);
	assert_true(72 * family.p[CORE_F1] < 0.005);
	assert_true(72 * alone.p[CORE_F1] > 0.03);
	assert_int_equal(family.draws[CORE_RECALL_GAP], 2000);
	core_ctx_free(x.ctx);
}

/* 2,000 comparisons would need 400,000 draws; 200,000 are the limit, and it is told. */
static void the_limit_is_told(void **state)
{
	(void)state;
	struct pair x;
	make_pair(&x);
	const core_swap s = test_swap(&x, 5000, 2000);
	assert_int_equal(s.draws[CORE_F1], CORE_DRAWS_MAX);
	assert_true(s.at_floor[CORE_F1]);
	assert_true(s.p[CORE_F1] <= 10.0 / (CORE_DRAWS_MAX + 1));
	assert_false(s.at_floor[CORE_RECALL_GAP]);
	assert_int_equal(s.draws[CORE_RECALL_GAP], 5000);
	core_ctx_free(x.ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(draws_go_on_where_they_must),
		cmocka_unit_test(the_limit_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
