/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of networks against their equations in double. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/nn.h>
#include <fairvox/stream.h>

#include "backend/kernels.h"

/* --- gates --- */

enum { GATES = 2 };

/* The tangent as the cell of an LSTM whose gates are open and forget the past */
static void find_tangent(const core_kernels *kernels, const float *x, float *y)
{
	float gate[4 * GATES], cell[GATES] = {0}, out[GATES];
	for (int i = 0; i < GATES; i++) {
		gate[i] = gate[3 * GATES + i] = INFINITY;
		gate[GATES + i] = -INFINITY;
		gate[2 * GATES + i] = x[i];
	}
	kernels->lstm_step(1, GATES, gate, cell, out);
	for (int i = 0; i < GATES; i++)
		y[i] = cell[i];
}

static void check_gates(const core_kernels *kernels)
{
	double worst_sigmoid = 0, worst_tanh = 0;
	for (double size = 1e-30; size < 100; size *= 1.0001) {
		float x[GATES] = {(float)size, (float)-size}, s[GATES], t[GATES];
		kernels->sigmoid(x, s, GATES);
		find_tangent(kernels, x, t);
		for (int i = 0; i < GATES; i++) {
			double want = 1 / (1 + exp(-(double)x[i])), h = tanh((double)x[i]);
			if (x[i] > -87) /* below, the float's exponent ends */
				worst_sigmoid = fmax(worst_sigmoid, fabs((double)s[i] / want - 1));
			assert_true(s[i] >= 0 && s[i] <= 1 && fabsf(t[i]) <= 1);
			worst_tanh = fmax(worst_tanh, fabs((double)t[i] / h - 1));
		}
		assert_true(t[0] == -t[1]);
	}
	assert_true(worst_sigmoid < 3e-7 && worst_tanh < 3e-7);
}

static void check_odd_gates(const core_kernels *kernels)
{
	static const float odd[] = {0, -0.0f, INFINITY, -INFINITY, 1e30f, -1e30f, NAN, NAN};
	float s[8], t[8];
	s[7] = 7;
	kernels->sigmoid(odd, s, 7);
	assert_true(s[7] == 7);
	for (int i = 0; i < 8; i += GATES)
		find_tangent(kernels, odd + i, t + i);
	assert_true(s[0] == 0.5f && s[2] == 1 && s[3] < 1e-37f && s[4] == 1 && isnan(s[6]));
	assert_true(t[0] == 0 && t[2] == 1 && t[3] == -1 && t[4] == 1 && t[5] == -1 && isnan(t[6]));
}

static void gates(void **state)
{
	(void)state;
	const core_kernels *here[CORE_KERNELS_MAX];
	size_t n = core_kernels_here(here);
	for (size_t i = 0; i < n; i++) {
		check_gates(here[i]);
		check_odd_gates(here[i]);
	}
}

/* --- LSTM --- */

struct layer {
	int32_t d, h;
	float *weight_ih, *weight_hh, *bias_ih, *bias_hh;
};

static float *draws(fv_ctx *ctx, const char *purpose, size_t n, double size)
{
	float *x = core_alloc(ctx, n, sizeof *x);
	fv_stream stream = fv_rng(ctx, purpose, 0, 0);
	for (size_t i = 0; i < n; i++)
		x[i] = (float)(size * fv_normal(&stream));
	return x;
}

static double sigmoid(double x)
{
	return 1 / (1 + exp(-x));
}

/* One sequence x [T,D] with stride P D -> y [T,H]. */
static void reference(
	const struct layer *l, const float *x, int64_t steps, int64_t stride, double *y)
{
	double *h = calloc((size_t)l->h, sizeof *h), *c = calloc((size_t)l->h, sizeof *c),
	       *gate = calloc(4 * (size_t)l->h, sizeof *gate);
	for (int64_t t = 0; t < steps; t++) {
		for (int32_t g = 0; g < 4 * l->h; g++) {
			gate[g] = (double)l->bias_ih[g] + (double)l->bias_hh[g];
			for (int32_t k = 0; k < l->d; k++)
				gate[g] += (double)l->weight_ih[g * l->d + k] *
					   (double)x[t * stride + k];
			for (int32_t k = 0; k < l->h; k++)
				gate[g] += (double)l->weight_hh[g * l->h + k] * h[k];
		}
		for (int32_t k = 0; k < l->h; k++) {
			c[k] = sigmoid(gate[l->h + k]) * c[k] +
			       sigmoid(gate[k]) * tanh(gate[2 * l->h + k]);
			h[k] = sigmoid(gate[3 * l->h + k]) * tanh(c[k]);
			y[t * l->h + k] = h[k];
		}
	}
	free(h);
	free(c);
	free(gate);
}

static void check_layer(int32_t d, int32_t h, int64_t steps, int64_t sequences)
{
	fv_ctx *ctx = test_ctx();
	size_t gate_rows = 4 * (size_t)h;
	struct layer l = {d, h, draws(ctx, "ih", gate_rows * (size_t)d, 0.3),
		draws(ctx, "hh", gate_rows * (size_t)h, 0.1), draws(ctx, "bi", gate_rows, 0.5),
		draws(ctx, "bh", gate_rows, 0.5)};
	float *x = draws(ctx, "x", (size_t)(steps * sequences * d), 1);
	float *y = core_alloc(ctx, (size_t)(steps * sequences * h), sizeof *y);
	double *want = core_alloc(ctx, (size_t)(steps * h), sizeof *want);
	fv_lstm *lstm = fv_lstm_open(ctx, d, h, l.weight_ih, l.weight_hh, l.bias_ih, l.bias_hh);
	assert_non_null(lstm);
	float *scratch = core_alloc(ctx, fv_lstm_scratch(lstm, sequences), sizeof *scratch);
	fv_lstm_apply(lstm, x, steps, sequences, y, scratch);
	for (int64_t p = 0; p < sequences; p++) {
		reference(&l, x + p * d, steps, sequences * d, want);
		for (int64_t t = 0; t < steps; t++)
			for (int32_t k = 0; k < h; k++)
				test_close((double)y[(t * sequences + p) * h + k], want[t * h + k],
					2e-6);
	}
	if (d == h) {
		fv_lstm_apply(lstm, x, steps, sequences, x, scratch);
		assert_memory_equal(x, y, (size_t)(steps * sequences * h) * sizeof *x);
	}
	core_ctx_free(ctx);
}

static void lstm(void **state)
{
	(void)state;
	check_layer(7, 20, 33, 1);
	check_layer(40, 64, 20, 2);
	check_layer(20, 20, 40, 3);
	check_layer(3, 4, 70, 5);
	check_layer(1, 72, 5, 9);
	check_layer(64, 64, 3, 65); /* more sequences than rows of one matrix product */
	check_layer(5, 8, 1, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gates),
		cmocka_unit_test(lstm),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
