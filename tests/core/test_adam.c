/* SPDX-License-Identifier: Apache-2.0 */
/* Adam: every instruction set gives the same bits; the values follow the definition in double. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

#include "nn/adam.h"

enum { N = 1000 };

typedef struct vectors {
	float param[N + 1], gradient[N + 1], m[N + 1], v[N + 1];
} vectors;

/* Values of many magnitudes, including zeros and numbers with subnormal squares. */
static void fill_values(fv_stream *stream, float *x, bool positive)
{
	for (int i = 0; i < N; i++) {
		double value = fv_normal(stream) * pow(10, 50 * fv_uniform(stream) - 40);
		x[i] = i % 17 == 0 ? 0 : (float)(positive ? fabs(value) : value);
	}
}

static void kernels_agree(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	fv_stream stream = fv_rng(ctx, "adam", 0, 0);
	const core_kernels *kernels[CORE_KERNELS_MAX];
	size_t count = core_kernels_here(kernels);
	assert_string_equal(kernels[count - 1]->name, "portable");
	const core_adam kinds[] = {{1e-4, 0, false}, {1e-3, 0.01, true}, {1e-2, 0.1, false}};
	static vectors start, got[CORE_KERNELS_MAX];
	for (int kind = 0; kind < 3; kind++)
		for (int n = N - 40; n <= N; n++) {
			fill_values(&stream, start.param, false);
			fill_values(&stream, start.gradient, false);
			fill_values(&stream, start.m, false);
			fill_values(&stream, start.v, true);
			core_adam_scalars s = core_adam_prepare(&kinds[kind], n - N + 41, 0.37);
			for (size_t i = 0; i < count; i++) {
				got[i] = start;
				kernels[i]->adam_step(
					&s, n, got[i].param, got[i].gradient, got[i].m, got[i].v);
				assert_memory_equal(&got[i], &got[0], sizeof got[0]);
				assert_true(kernels[i]->sum_squares(start.param, n) ==
					    kernels[0]->sum_squares(start.param, n));
			}
			/* nothing past n is changed */
			assert_memory_equal(got[0].param + n, start.param + n,
				(size_t)(N + 1 - n) * sizeof(float));
		}
	core_ctx_free(ctx);
}

static void follows_the_definition(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	fv_stream stream = fv_rng(ctx, "adam", 0, 1);
	const core_adam kinds[] = {{1e-3, 0, false}, {1e-3, 0.1, true}, {1e-3, 0.1, false}};
	for (int kind = 0; kind < 3; kind++) {
		const core_adam *adam = &kinds[kind];
		float p[5] = {0.5f, -1, 2, 0, 1e-3f}, g[5], m[5] = {0}, v[5] = {0};
		double dp[5] = {0.5, -1, 2, 0, 1e-3f}, dm[5] = {0}, dv[5] = {0};
		for (int step = 1; step <= 30; step++) {
			for (int i = 0; i < 5; i++)
				g[i] = (float)fv_normal(&stream);
			core_adam_step(adam, step, 0.5, 5, p, g, m, v);
			for (int i = 0; i < 5; i++) {
				double grad = 0.5 * g[i];
				if (adam->decoupled)
					dp[i] *= 1 - adam->learning_rate * adam->weight_decay;
				else
					grad += adam->weight_decay * dp[i];
				dm[i] = 0.9 * dm[i] + 0.1 * grad;
				dv[i] = 0.999 * dv[i] + 0.001 * grad * grad;
				double hat = dm[i] / (1 - pow(0.9, step));
				dp[i] -= adam->learning_rate * hat /
					 (sqrt(dv[i] / (1 - pow(0.999, step))) + 1e-8);
				/* 30 steps of two roundings of up to 2^-24 each, relative */
				test_close(p[i], dp[i], 2e-6);
			}
		}
	}
	core_ctx_free(ctx);
}

static void norm_and_clip(void **state)
{
	(void)state;
	float x[37];
	double squares = 0;
	for (int i = 0; i < 37; i++) {
		x[i] = (float)i - 11.5f;
		squares += (double)x[i] * x[i];
		test_close(core_vector_norm(x, i + 1), sqrt(squares), 1e-15);
	}
	x[3] = NAN;
	assert_true(isnan(core_vector_norm(x, 37)));
	x[3] = 3e38f;
	test_close(core_vector_norm(x, 37) / 3e38f, 1, 1e-7);
	test_close(core_clip_scale(2, 1), 1 / (2 + 1e-6), 0);
	test_close(core_clip_scale(0.5, 1), 1, 0);
	test_close(core_clip_scale(1, 1), 1 / (1 + 1e-6), 0);
	test_close(core_clip_scale(1e9, 0), 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels_agree),
		cmocka_unit_test(follows_the_definition),
		cmocka_unit_test(norm_and_clip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
