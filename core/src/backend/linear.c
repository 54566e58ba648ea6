/* SPDX-License-Identifier: Apache-2.0 */
#include <fairvox/linear.h>

#include <assert.h>
#include <string.h>

#include <cblas.h>

#include <fairvox/vector.h>

struct fv_linear {
	int64_t outputs, inputs;
	float *weight, *bias;
};

fv_linear *fv_linear_open(fv_ctx *ctx, fv_precision precision, int64_t outputs, int64_t inputs,
	const float *weight, const float *bias)
{
	assert(precision == FV_PRECISION_FP32);
	fv_linear *linear = fv_alloc(ctx, sizeof *linear);
	if (!linear)
		return NULL;
	size_t n = (size_t)outputs * (size_t)inputs * sizeof(float);
	*linear = (fv_linear){outputs, inputs, fv_alloc(ctx, n),
		bias ? fv_alloc(ctx, (size_t)outputs * sizeof(float)) : NULL};
	if (!linear->weight || (bias && !linear->bias))
		return NULL;
	memcpy(linear->weight, weight, n);
	if (bias)
		memcpy(linear->bias, bias, (size_t)outputs * sizeof(float));
	openblas_set_num_threads(1);
	return linear;
}

size_t fv_linear_scratch(const fv_linear *linear, int64_t rows)
{
	(void)linear;
	(void)rows;
	return 0;
}

static void start(const fv_linear *linear, int64_t rows, int32_t add, float *y, int64_t stride_y)
{
	for (int64_t r = 0; r < rows; r++)
		for (int64_t j = 0; j < linear->outputs; j++) {
			float *out = y + r * stride_y + j;
			*out = (add ? *out : 0) + (linear->bias ? linear->bias[j] : 0);
		}
}

void fv_linear_apply(const fv_linear *linear, int64_t rows, const float *x, int64_t stride_x,
	int32_t add, fv_activation activation, float *y, int64_t stride_y, float *scratch)
{
	(void)scratch;
	start(linear, rows, add, y, stride_y);
	int64_t width = linear->inputs < stride_x ? linear->inputs : stride_x;
	for (int64_t from = 0; from < linear->inputs; from += width) {
		int64_t k = linear->inputs - from < width ? linear->inputs - from : width;
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)rows,
			(int)linear->outputs, (int)k, 1, x + from, (int)stride_x,
			linear->weight + from, (int)linear->inputs, 1, y, (int)stride_y);
	}
	for (int64_t r = 0; r < rows; r++) {
		float *out = y + r * stride_y;
		if (activation == FV_ACTIVATION_GELU)
			fv_gelu(out, out, linear->outputs);
		for (int64_t j = 0; activation == FV_ACTIVATION_RELU && j < linear->outputs; j++)
			out[j] = out[j] > 0 ? out[j] : 0;
	}
}
