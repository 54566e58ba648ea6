/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/blocks.h"

#include <math.h>
#include <string.h>

#include <cblas.h>

#include <fairvox/stream.h>

#include "backend/kernels.h"

void core_linear_init(
	fv_ctx *ctx, int64_t branch, uint64_t tensor, int32_t fan_in, int64_t n, float *out)
{
	double bound = 1 / sqrt(fan_in);
	fv_stream stream = fv_rng(ctx, "init", branch, tensor);
	for (int64_t i = 0; i < n; i++)
		out[i] = (float)(bound * (2 * fv_uniform(&stream) - 1));
}

void core_multiply(bool turn_a, int32_t m, int32_t n, int32_t k, const float *a, const float *b,
	float beta, float *out)
{
	cblas_sgemm(CblasRowMajor, turn_a ? CblasTrans : CblasNoTrans, CblasNoTrans, m, n, k, 1, a,
		turn_a ? m : k, b, n, beta, out, n);
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

/* The job of row i, whose factors are `factor` [count]. */
static core_mix describe_row(const core_mixes *m, int32_t i, const float *const *factor)
{
	return (core_mix){.heads = m->count,
		.layers = m->layers,
		.dims = m->dims,
		.x = m->x[i],
		.next = m->x[i + 1 < m->n ? i + 1 : i],
		.factor = factor};
}

void core_mix_forward(const core_mixes *m, float *const *mixed)
{
	const core_kernels *kernels = core_kernels_used();
	size_t dims = (size_t)m->dims;
	for (int32_t i = 0; i < m->n; i++) {
		float *row[CORE_MIX_MAX];
		for (int32_t k = 0; k < m->count; k++)
			row[k] = mixed[k] + (size_t)i * dims;
		if (m->layers > 1) {
			const core_mix job = describe_row(m, i, m->share);
			kernels->mix_layers(&job, row);
			continue;
		}
		for (int32_t k = 0; k < m->count; k++)
			memcpy(row[k], m->x[i], dims * sizeof(float));
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
void core_mix_backward(const core_mixes *m, const float *const *d_mixed, double *const *sum,
	float *const *row_dot, float *const *gradient)
{
	const core_kernels *kernels = core_kernels_used();
	for (int32_t k = 0; k < m->count; k++)
		memset(sum[k], 0, (size_t)m->layers * sizeof **sum);
	for (int32_t i = 0; i < m->n && m->layers > 1; i++) {
		const float *row[CORE_MIX_MAX];
		for (int32_t k = 0; k < m->count; k++)
			row[k] = d_mixed[k] + (size_t)i * (size_t)m->dims;
		const core_mix job = describe_row(m, i, row);
		kernels->mix_gradient(&job, row_dot);
		for (int32_t k = 0; k < m->count; k++)
			for (int32_t l = 0; l < m->layers; l++)
				sum[k][l] += row_dot[k][l];
	}
	for (int32_t k = 0; k < m->count; k++)
		core_mix_gradient(m->share[k], m->layers, sum[k], gradient[k]);
}

void core_linear_forward(int32_t n, int32_t out, int32_t width, const float *in,
	const float *weight, const float *bias, float *rows)
{
	core_kernels_used()->dot_rows(n, out, width, in, weight, bias, rows);
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
