/* SPDX-License-Identifier: Apache-2.0 */
/* The convolutions over waves: with a group norm behind the first, or a layer norm behind each; other taps and steps;
 * waves that are cut because they are longer than what is computed at once; silence. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "op_test.h"

enum { LAYERS = 7, CHANNELS_MAX = 24 };

struct front {
	core_convolutions c;
	bool scaled;
	const float *first;                         /* [taps,channels] */
	const float *weight[LAYERS], *bias[LAYERS]; /* [channels,taps,channels before] */
	const float *scale[LAYERS], *offset[LAYERS];
};

static int64_t count_frames(const core_convolutions *c, int64_t n)
{
	for (int32_t i = 0; i < c->n; i++)
		n = (n - c->taps[i]) / c->step[i] + 1;
	return n;
}

static fv_matrix run_front(fv_pack *pack, fv_matrix wave, const void *user)
{
	const struct front *f = user;
	int64_t *count = core_pack_host(pack, (size_t)wave.layout->n * sizeof *count);
	for (int32_t u = 0; u < wave.layout->n; u++)
		count[u] = count_frames(&f->c, wave.layout->span[u].count);
	fv_matrix y = core_pack_rows(pack, count, f->c.channels[f->c.n - 1]);
	pack->ops->convolve_waves(pack->queue, &f->c, wave, f->scaled, y);
	return y;
}

/* --- in double --- */

static double *allocate_doubles(int64_t n)
{
	double *x = calloc((size_t)n, sizeof *x);
	assert_non_null(x);
	return x;
}

static double *scale_wave(const struct front *f, const float *wave, int64_t n)
{
	double *x = allocate_doubles(n), mean = 0, square = 0;
	for (int64_t i = 0; i < n; i++)
		mean += wave[i] / (double)n;
	for (int64_t i = 0; i < n; i++)
		square += (wave[i] - mean) * (wave[i] - mean) / (double)n;
	for (int64_t i = 0; i < n; i++)
		x[i] = f->scaled ? (wave[i] - mean) / sqrt(square + 1e-7) : (double)wave[i];
	return x;
}

/* Row t of layer i at channel o */
static double convolve_row(const struct front *f, int32_t i, const double *x, int64_t t, int64_t o)
{
	const core_convolutions *c = &f->c;
	int64_t before = i ? c->channels[i - 1] : 1, n = c->taps[i] * before;
	double sum = f->bias[i] ? f->bias[i][o] : 0;
	for (int64_t k = 0; k < n; k++) {
		float w = i == 0 && f->first ? f->first[k * c->channels[0] + o]
					     : f->weight[i][o * n + k];
		sum += (double)w * x[t * c->step[i] * before + k];
	}
	return sum;
}

/* Group norm of one channel over time, or layer norm of one row: n numbers, `stride` apart */
static void normalise(double *x, int64_t n, int64_t stride, double eps)
{
	double mean = 0, square = 0;
	for (int64_t i = 0; i < n; i++)
		mean += x[i * stride] / (double)n;
	for (int64_t i = 0; i < n; i++)
		square += (x[i * stride] - mean) * (x[i * stride] - mean) / (double)n;
	for (int64_t i = 0; i < n; i++)
		x[i * stride] = (x[i * stride] - mean) / sqrt(square + eps);
}

static void end_layer(const struct front *f, int32_t i, double *y, int64_t rows)
{
	int64_t channels = f->c.channels[i];
	bool group = i == 0 && f->first, layer = !f->first;
	for (int64_t c = 0; c < channels && group; c++)
		normalise(y + c, rows, channels, (double)f->c.norm[0].eps);
	for (int64_t r = 0; r < rows && layer; r++)
		normalise(y + r * channels, channels, 1, (double)f->c.norm[i].eps);
	for (int64_t k = 0; k < rows * channels; k++) {
		double v = y[k];
		if (group || layer)
			v = v * f->scale[i][k % channels] + f->offset[i][k % channels];
		y[k] = 0.5 * v * erfc(-v * M_SQRT1_2);
	}
}

static void compute_front(const float *wave, int64_t n, double *out, const void *user)
{
	const struct front *f = user;
	double *x = scale_wave(f, wave, n);
	for (int32_t i = 0; i < f->c.n; i++) {
		int64_t channels = f->c.channels[i];
		n = (n - f->c.taps[i]) / f->c.step[i] + 1;
		double *y = allocate_doubles(n * channels);
		for (int64_t t = 0; t < n; t++)
			for (int64_t o = 0; o < channels; o++)
				y[t * channels + o] = convolve_row(f, i, x, t, o);
		end_layer(f, i, y, n);
		free(x);
		x = y;
	}
	memcpy(out, x, (size_t)(n * f->c.channels[f->c.n - 1]) * sizeof *out);
	free(x);
}

/* --- cases --- */

static void draw_layer(struct front *f, int32_t i, bool each, bool bias, fv_precision precision)
{
	core_convolutions *c = &f->c;
	int64_t channels = c->channels[i], n = c->taps[i] * (i ? c->channels[i - 1] : 1);
	double deviation = 1.5 / sqrt((double)n);
	float *weight, *host;
	const float *there = op_draw(channels * n, 0, deviation, 50 + (uint64_t)i, &weight);
	if (each || i == 0) {
		c->norm[i] = (core_norm){
			op_draw(channels, 1, 0.1, 60 + (uint64_t)i, &host), NULL, 1e-5F};
		f->scale[i] = host;
		c->norm[i].offset = op_draw(channels, 0, 0.2, 70 + (uint64_t)i, &host);
		f->offset[i] = host;
	}
	if (i == 0 && !each) {
		c->first = there;
		f->first = weight;
		return;
	}
	f->weight[i] = weight;
	if (bias) {
		op_draw(channels, 0, 0.3, 80 + (uint64_t)i, &host);
		f->bias[i] = host;
	}
	c->linear[i] = fv_linear_open(
		op_ctx(), i ? precision : FV_PRECISION_FP32, channels, n, weight, f->bias[i]);
	assert_non_null(c->linear[i]);
}

static const core_convolutions usual = {.n = 7,
	.channels = {24, 16, 16, 16, 16, 16, 20},
	.taps = {10, 3, 3, 3, 3, 2, 2},
	.step = {5, 2, 2, 2, 2, 2, 2}};
static const core_convolutions other = {
	.n = 3, .channels = {8, 12, 6}, .taps = {16, 7, 5}, .step = {8, 5, 4}};
static const core_convolutions single = {.n = 1, .channels = {20}, .taps = {10}, .step = {5}};

static void check_front(const char *name, const core_convolutions *c, bool each, bool scaled,
	fv_precision precision, double tolerance, double level)
{
	struct front f = {.c = *c, .scaled = scaled};
	for (int32_t i = 0; i < c->n; i++)
		draw_layer(&f, i, each, each, precision);
	int64_t field = 1, step = 1;
	for (int32_t i = c->n - 1; i >= 0; i--) {
		field = (field - 1) * c->step[i] + c->taps[i];
		step *= c->step[i];
	}
	/* 1 to 40 frames, of which 16 at a time are computed */
	const int64_t length[] = {field, field + step - 1, field + step, field + 40 * step + 3,
		field + 13 * step, field + 6 * step + 1, field + 14 * step};
	op_check_lengths(
		&(op_test){name, 1, 1, tolerance, run_front, compute_front, &f, 0.02, level},
		length, op_is_quick() ? 3 : sizeof length / sizeof *length);
}

static void fronts(void **state)
{
	(void)state;
	check_front("front, group norm", &usual, false, false, FV_PRECISION_FP32, 3e-6, 0.1);
	check_front("front, group norm, scaled", &usual, false, true, FV_PRECISION_FP32, 3e-6, 0.1);
	check_front("front, layer norms", &usual, true, true, FV_PRECISION_FP32, 5e-6, 0.1);
	check_front(
		"front, layer norms, as it is", &usual, true, false, FV_PRECISION_FP32, 5e-6, 1);
	check_front("front, other steps", &other, false, true, FV_PRECISION_FP32, 3e-6, 0.1);
	check_front("front, other steps, layer norms", &other, true, true, FV_PRECISION_FP32, 1e-5,
		0.1);
	/* the norm of one window divides by sqrt(eps), which makes rounding 300 times larger */
	check_front("front, one layer", &single, false, true, FV_PRECISION_FP32, 3e-4, 0.1);
	check_front(
		"front, one layer, layer norm", &single, true, true, FV_PRECISION_FP32, 3e-6, 0.1);
}

static void rounded_fronts(void **state)
{
	(void)state;
	check_front("front bf16x3", &usual, false, true, FV_PRECISION_BF16X3, 1e-4, 0.1);
	check_front(
		"front bf16x3, layer norms", &usual, true, true, FV_PRECISION_BF16X3, 1e-4, 0.1);
	check_front("front tf32, layer norms", &usual, true, true, FV_PRECISION_TF32, 1e-2, 0.1);
	if (op_is_quick())
		return;
	check_front("front tf32", &usual, false, true, FV_PRECISION_TF32, 1e-2, 0.1);
	check_front("front bf16", &usual, false, true, FV_PRECISION_BF16, 5e-2, 0.1);
	check_front("front bf16, layer norms", &usual, true, true, FV_PRECISION_BF16, 1e-1, 0.1);
	check_front("front bf16, other steps", &other, false, true, FV_PRECISION_BF16, 5e-2, 0.1);
}

static void silence(void **state)
{
	(void)state;
	check_front("front, almost silence", &usual, false, true, FV_PRECISION_FP32, 2e-5, 1e-12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fronts),
		cmocka_unit_test(rounded_fronts),
		cmocka_unit_test(silence),
	};
	return cmocka_run_group_tests(tests, NULL, op_close);
}
