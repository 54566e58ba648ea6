/* SPDX-License-Identifier: Apache-2.0 */
/* Vector functions: all kernels of this machine against double, for every length. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>
#include <fairvox/vector.h>

#include "backend/kernels.h"

static const core_kernels *here[CORE_KERNELS_MAX];
static size_t count;

static double exact_gelu(double x)
{
	return 0.5 * x * erfc(-x * 0.70710678118654752440);
}

static void gelu_values(void **state)
{
	(void)state;
	enum { N = 400000 };
	float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y);
	assert_true(x && y);
	for (int i = 0; i < N; i++)
		x[i] = ((float)i - N / 2.f) * (20.f / N);
	for (int i = 0; i < 2000; i++)
		x[i] = (i % 2 ? -1.f : 1.f) * powf(10, (float)i / 1000 * 20 - 30);
	for (size_t k = 0; k < count; k++) {
		double worst = 0, ratio = 0;
		here[k]->gelu(x, y, N);
		for (int i = 0; i < N; i++) {
			double want = exact_gelu(x[i]), error = fabs(y[i] - want);
			worst = fmax(worst, error / fmax(1, fabs(x[i])));
			if (fabs(x[i]) < 1 && x[i] != 0)
				ratio = fmax(ratio, error / fabs(want));
		}
		print_message("%s: GELU %.2g, of numbers within 1 %.2g of the value\n",
			here[k]->name, worst, ratio);
		assert_true(worst < 2e-7 && ratio < 1e-6);
	}
	free(x);
	free(y);
}

/* Lengths from 0, in place, at any address; nothing is written past the end. */
static void gelu_ends(void **state)
{
	(void)state;
	for (size_t k = 0; k < count; k++)
		for (int n = 0; n < 70; n++) {
			float x[72], y[72];
			for (int i = 0; i < 72; i++)
				x[i] = (float)(i - 30) / 8;
			memcpy(y, x, sizeof y);
			here[k]->gelu(y + 1, y + 1, n);
			for (int i = 0; i < 72; i++)
				if (i < 1 || i > n)
					assert_true(y[i] == x[i]);
				else
					test_close(y[i], exact_gelu(x[i]), 2e-7);
		}
}

static void gelu_not_finite(void **state)
{
	(void)state;
	for (size_t k = 0; k < count; k++) {
		float y[5] = {NAN, INFINITY, -INFINITY, -3e38f, 0};
		here[k]->gelu(y, y, 5);
		assert_true(isnan(y[0]) && y[1] == INFINITY && y[4] == 0);
		assert_true(fabsf(y[2]) < 1e-8f && fabsf(y[3]) < 1e-8f);
	}
}

/* Every number of rows and channels up to two tiles and some: the bits of the sum tap by tap, and nothing written
 * past the end. */
static void first_rows_bits(void **state)
{
	(void)state;
	enum { TAPS = 10, STEP = 5, ROWS = 9, CHANNELS = 75 };
	static float weight[TAPS * CHANNELS], offset[CHANNELS], x[ROWS * STEP + TAPS];
	for (int i = 0; i < TAPS * CHANNELS; i++)
		weight[i] = sinf((float)i);
	for (int i = 0; i < CHANNELS; i++)
		offset[i] = cosf((float)i);
	for (int i = 0; i < ROWS * STEP + TAPS; i++)
		x[i] = sinf(1.7f * (float)i);
	for (size_t k = 0; k < count; k++)
		for (int rows = 1; rows <= ROWS; rows++)
			for (int channels = 1; channels <= CHANNELS; channels++) {
				float y[ROWS * CHANNELS + 1];
				for (int i = 0; i <= rows * channels; i++)
					y[i] = 99;
				here[k]->first_rows(&(core_first_rows){
					TAPS, channels, STEP, rows, weight, offset, x, y});
				for (int r = 0; r < rows; r++)
					for (int c = 0; c < channels; c++) {
						volatile float sum = offset[c], product;
						for (int t = 0; t < TAPS; t++) {
							product = weight[t * channels + c] *
								  x[r * STEP + t];
							sum = sum + product;
						}
						assert_true(y[r * channels + c] == sum);
					}
				assert_true(y[rows * channels] == 99);
			}
}

static void layer_norm_values(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	fv_stream stream = fv_rng(ctx, "vector", 0, 0);
	enum { ROWS = 3, MOST = 200 };
	float x[ROWS * MOST + 1], y[ROWS * MOST + 1], scale[MOST], offset[MOST];
	for (int width = 1; width <= MOST; width++)
		for (size_t k = 0; k < count; k++) {
			double shift = width % 3 ? 0 : 1000; /* a mean far from 0 */
			for (int i = 0; i < ROWS * width; i++)
				x[i] = (float)(fv_normal(&stream) + shift);
			for (int i = 0; i < width; i++) {
				scale[i] = (float)fv_normal(&stream);
				offset[i] = (float)fv_normal(&stream);
			}
			bool with = width % 2;
			y[ROWS * width] = 7;
			here[k]->layer_norm(x, ROWS, width, with ? scale : NULL,
				with ? offset : NULL, 1e-5f, y);
			assert_true(y[ROWS * width] == 7);
			for (int r = 0; r < ROWS; r++) {
				const float *row = x + r * width;
				double mean = 0, variance = 0;
				for (int i = 0; i < width; i++)
					mean += row[i] / (double)width;
				for (int i = 0; i < width; i++)
					variance += pow(row[i] - mean, 2) / width;
				for (int i = 0; i < width; i++) {
					double z = (row[i] - mean) / sqrt(variance + (double)1e-5f);
					double want = with ? z * scale[i] + offset[i] : z;
					/* the final roundings of three numbers */
					test_close(y[r * width + i], want, 4e-7);
				}
			}
		}
	core_ctx_free(ctx);
}

static void layer_norm_in_place(void **state)
{
	(void)state;
	for (size_t k = 0; k < count; k++) {
		float x[2 * 37], y[2 * 37];
		for (int i = 0; i < 2 * 37; i++)
			x[i] = (float)(i * i % 41);
		here[k]->layer_norm(x, 2, 37, NULL, NULL, 0, y);
		here[k]->layer_norm(x, 2, 37, NULL, NULL, 0, x);
		assert_memory_equal(x, y, sizeof x);
		x[40] = NAN;
		here[k]->layer_norm(x, 2, 37, NULL, NULL, 1, y);
		for (int i = 0; i < 2 * 37; i++)
			assert_int_equal(isnan(y[i]) != 0, i >= 37);
	}
}

static void softmax_values(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	fv_stream stream = fv_rng(ctx, "vector", 0, 1);
	enum { ROWS = 2, MOST = 3000 };
	float *x = malloc(ROWS * (MOST + 3) * sizeof *x),
	      *y = malloc(ROWS * (MOST + 3) * sizeof *y);
	assert_true(x && y);
	for (int width = 1; width <= MOST; width += width < 70 ? 1 : 487)
		for (size_t k = 0; k < count; k++) {
			int stride = width + 3;
			for (int i = 0; i < ROWS * stride; i++)
				y[i] = x[i] = (float)(fv_normal(&stream) * 10 - 40);
			here[k]->softmax(y, ROWS, width, stride);
			for (int r = 0; r < ROWS; r++) {
				const float *row = x + r * stride;
				double most = row[0], sum = 0;
				for (int i = 0; i < width; i++)
					most = fmax(most, row[i]);
				for (int i = 0; i < width; i++)
					sum += exp(row[i] - most);
				for (int i = 0; i < stride; i++) {
					double want = exp(row[i] - most) / sum,
					       got = y[r * stride + i];
					if (i >= width)
						assert_true(y[r * stride + i] == row[i]);
					else if (want > 1e-37)
						assert_true(fabs(got - want) <
							    want * (5e-7 + 6e-8 * (most - row[i])));
					else
						assert_true(got >= 0 && got < 2e-37);
				}
			}
		}
	free(x);
	free(y);
	core_ctx_free(ctx);
}

static void softmax_not_finite(void **state)
{
	(void)state;
	for (size_t k = 0; k < count; k++)
		for (int at = 0; at < 40; at++) {
			float x[40] = {0};
			x[at] = NAN;
			here[k]->softmax(x, 1, 40, 40);
			for (int i = 0; i < 40; i++)
				assert_true(isnan(x[i]));
			/* a masked position has weight 0; a fully masked row gives NaN */
			for (int i = 0; i < 40; i++)
				x[i] = i == at ? -INFINITY : 3e38f;
			here[k]->softmax(x, 1, 40, 40);
			for (int i = 0; i < 40; i++)
				test_close(x[i], i == at ? 0 : 1. / 39, 1e-7);
			for (int i = 0; i < 40; i++)
				x[i] = -INFINITY;
			here[k]->softmax(x, 1, 40, 40);
			assert_true(isnan(x[at]));
		}
}

/* Sums of 37 rows of every width, with and without weights; numbers between rows are not read. */
static void column_moments_values(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	fv_stream stream = fv_rng(ctx, "vector", 0, 3);
	enum { ROWS = 37, MOST = 600 };
	static float x[ROWS * (MOST + 1)], logit[ROWS * (MOST + 1)], centre[MOST], peak[MOST];
	static double got[3 * MOST];
	for (int width = 1; width <= MOST; width += width < 40 ? 1 : 223)
		for (size_t k = 0; k < 2 * count; k++) {
			int stride = width + 1;
			for (int i = 0; i < ROWS * stride; i++) {
				x[i] = (i + 1) % stride != 0 ? (float)fv_normal(&stream) + 5 : NAN;
				logit[i] = (i + 1) % stride != 0 ? (float)fv_normal(&stream) * 20
								 : NAN;
			}
			for (int c = 0; c < width; c++) {
				centre[c] = 5 + (float)fv_normal(&stream);
				peak[c] = logit[c];
				for (int r = 1; r < ROWS; r++)
					peak[c] = fmaxf(peak[c], logit[r * stride + c]);
			}
			bool weighted = k >= count;
			here[k % count]->column_moments(x, weighted ? logit : NULL, ROWS, width,
				stride, centre, weighted ? peak : NULL, got);
			for (int c = 0; c < width; c++) {
				double sum[3] = {0}, size[3] = {0};
				for (int r = 0; r < ROWS; r++) {
					double d = (double)x[r * stride + c] - (double)centre[c];
					double w = weighted ? exp((double)logit[r * stride + c] -
								      (double)peak[c])
							    : 1;
					for (int m = 0; m < 3; m++) {
						double term = w * (m == 0 ? 1 : m == 1 ? d : d * d);
						sum[m] += term;
						size[m] += fabs(term);
					}
				}
				for (int m = 0; m < 3; m++)
					assert_true(fabs(got[m * width + c] - sum[m]) <=
						    2e-6 * size[m] + 1e-30);
			}
		}
	core_ctx_free(ctx);
}

static void kernels_used(void **state)
{
	(void)state;
	float a[9] = {1, -2, 3}, b[9] = {1, -2, 3};
	core_kernels_used()->gelu(a, a, 9);
	fv_gelu(b, b, 9);
	assert_memory_equal(a, b, sizeof a);
	core_kernels_used()->layer_norm(a, 3, 3, NULL, NULL, 1, a);
	fv_layer_norm(b, 3, 3, NULL, NULL, 1, b);
	assert_memory_equal(a, b, sizeof a);
	core_kernels_used()->softmax(a, 2, 4, 5);
	fv_softmax(b, 2, 4, 5);
	assert_memory_equal(a, b, sizeof a);
	double c[9], d[9];
	core_kernels_used()->column_moments(a, b, 3, 3, 3, a, a, c);
	fv_column_moments(a, b, 3, 3, 3, a, a, d);
	assert_memory_equal(c, d, sizeof c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gelu_values),
		cmocka_unit_test(gelu_ends),
		cmocka_unit_test(gelu_not_finite),
		cmocka_unit_test(first_rows_bits),
		cmocka_unit_test(layer_norm_values),
		cmocka_unit_test(layer_norm_in_place),
		cmocka_unit_test(softmax_values),
		cmocka_unit_test(softmax_not_finite),
		cmocka_unit_test(column_moments_values),
		cmocka_unit_test(kernels_used),
	};
	count = core_kernels_here(here);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
