/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/blocks.h"

#include <math.h>
#include <string.h>

#include <cblas.h>

#include <fairvox/stream.h>

void core_linear_init(
	fv_ctx *ctx, int64_t branch, uint64_t tensor, int32_t fan_in, int64_t n, float *out)
{
	double bound = 1 / sqrt(fan_in);
	fv_stream stream = fv_rng(ctx, "init", branch, tensor);
	for (int64_t i = 0; i < n; i++)
		out[i] = (float)(bound * (2 * fv_uniform(&stream) - 1));
}

void core_multiply(bool turn_a, bool turn_b, int32_t m, int32_t n, int32_t k, const float *a,
	const float *b, float beta, float *out)
{
	cblas_sgemm(CblasRowMajor, turn_a ? CblasTrans : CblasNoTrans,
		turn_b ? CblasTrans : CblasNoTrans, m, n, k, 1, a, turn_a ? m : k, b,
		turn_b ? k : n, beta, out, n);
}

void core_mix_share(const float *a, int32_t layers, float *share)
{
	double largest = a[0], total = 0;
	for (int32_t l = 1; l < layers; l++)
		largest = a[l] > largest ? a[l] : largest;
	for (int32_t l = 0; l < layers; l++)
		total += exp(a[l] - largest);
	for (int32_t l = 0; l < layers; l++)
		share[l] = (float)(exp(a[l] - largest) / total);
}

void core_mix_forward(const float *share, int32_t layers, int32_t dims, const float *const *x,
	int32_t n, float *mixed)
{
	for (int32_t i = 0; i < n; i++) {
		float *row = mixed + (size_t)i * (size_t)dims;
		if (layers == 1)
			memcpy(row, x[i], (size_t)dims * sizeof *row);
		else
			cblas_sgemv(CblasRowMajor, CblasTrans, layers, dims, 1, x[i], dims, share,
				1, 0, row, 1);
	}
}

void core_mix_gradient(const float *share, int32_t layers, const double *sum, float *gradient)
{
	double mean = 0;
	for (int32_t l = 0; l < layers; l++)
		mean += share[l] * sum[l];
	for (int32_t l = 0; l < layers; l++)
		gradient[l] = layers > 1 ? (float)(share[l] * (sum[l] - mean)) : 0;
}

/* ds_l = sum_i x_il . dh_i */
void core_mix_backward(const float *share, int32_t layers, int32_t dims, const float *const *x,
	int32_t n, const float *d_mixed, double *sum, float *row_dot, float *gradient)
{
	if (layers == 1) {
		gradient[0] = 0;
		return;
	}
	memset(sum, 0, (size_t)layers * sizeof *sum);
	for (int32_t i = 0; i < n; i++) {
		cblas_sgemv(CblasRowMajor, CblasNoTrans, layers, dims, 1, x[i], dims,
			d_mixed + (size_t)i * (size_t)dims, 1, 0, row_dot, 1);
		for (int32_t l = 0; l < layers; l++)
			sum[l] += row_dot[l];
	}
	core_mix_gradient(share, layers, sum, gradient);
}

void core_linear_forward(int32_t n, int32_t out, int32_t width, const float *in,
	const float *weight, const float *bias, float *rows)
{
	for (int32_t i = 0; i < n; i++)
		memcpy(rows + (size_t)i * (size_t)out, bias, (size_t)out * sizeof *rows);
	core_multiply(false, true, n, out, width, in, weight, 1, rows);
}

void core_column_sums(
	int32_t n, int32_t width, const float *rows, double *sum, float beta, float *out)
{
	for (int32_t j = 0; j < width; j++)
		sum[j] = beta == 0 ? 0 : (double)beta * (double)out[j];
	for (int32_t i = 0; i < n; i++)
		for (int32_t j = 0; j < width; j++)
			sum[j] += rows[(size_t)i * (size_t)width + (size_t)j];
	for (int32_t j = 0; j < width; j++)
		out[j] = (float)sum[j];
}

bool core_all_finite(const float *x, int64_t n)
{
	bool finite = true;
	for (int64_t i = 0; i < n; i++)
		finite &= isfinite(x[i]) != 0;
	return finite;
}
