/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/head.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include <fairvox/stream.h>

struct core_head {
	core_head_shape shape;
	int32_t batch;
	float *mixed;    /* h [batch,D] */
	float *hidden;   /* u [batch,H] */
	float *d_mixed;  /* [batch,D] */
	float *d_hidden; /* [batch,H] */
	float *logits;   /* [CORE_HEAD_BLOCK,C], for predict */
	float *share;    /* s [L] */
	float *row_dot;  /* [L] */
	double *sum;     /* [max(L,H,C)] */
};

int64_t core_head_count(const core_head_shape *s)
{
	return s->layers + (int64_t)s->projection * (s->dims + 1) +
	       (int64_t)s->classes * (s->projection + 1);
}

void core_head_tensors(const core_head_shape *s, core_head_tensor out[CORE_HEAD_TENSORS])
{
	const core_head_tensor tensor[CORE_HEAD_TENSORS] = {
		{.name = "layer_mix", .rank = 1, .shape = {s->layers, 1}},
		{.name = "projection.weight", .rank = 2, .shape = {s->projection, s->dims}},
		{.name = "projection.bias", .rank = 1, .shape = {s->projection, 1}},
		{.name = "output.weight", .rank = 2, .shape = {s->classes, s->projection}},
		{.name = "output.bias", .rank = 1, .shape = {s->classes, 1}},
	};
	int64_t offset = 0;
	for (int i = 0; i < CORE_HEAD_TENSORS; i++) {
		out[i] = tensor[i];
		out[i].offset = offset;
		out[i].count = tensor[i].shape[0] * tensor[i].shape[1];
		offset += out[i].count;
	}
}

void core_head_init(fv_ctx *ctx, const core_head_shape *s, int64_t branch, float *params)
{
	core_head_tensor tensor[CORE_HEAD_TENSORS];
	core_head_tensors(s, tensor);
	memset(params, 0, (size_t)s->layers * sizeof *params);
	for (int i = 1; i < CORE_HEAD_TENSORS; i++) {
		double bound = 1 / sqrt(i < 3 ? s->dims : s->projection);
		fv_stream stream = fv_rng(ctx, "init", branch, (uint64_t)i);
		for (int64_t j = 0; j < tensor[i].count; j++)
			params[tensor[i].offset + j] =
				(float)(bound * (2 * fv_uniform(&stream) - 1));
	}
}

/* One block of memory, each array at a multiple of 64 bytes. */
static size_t carve(char *base, size_t *used, size_t n, size_t size, void *array)
{
	void *start = base ? base + *used : NULL;
	memcpy(array, &start, sizeof start);
	*used += (n * size + 63) / 64 * 64;
	return *used;
}

static size_t layout(core_head *head, char *base)
{
	const core_head_shape *s = &head->shape;
	size_t used = (sizeof *head + 63) / 64 * 64;
	size_t batch = (size_t)head->batch, dims = (size_t)s->dims;
	size_t projection = (size_t)s->projection, classes = (size_t)s->classes;
	size_t layers = (size_t)s->layers;
	size_t widest = projection > classes ? projection : classes;
	carve(base, &used, batch * dims, sizeof(float), &head->mixed);
	carve(base, &used, batch * projection, sizeof(float), &head->hidden);
	carve(base, &used, batch * dims, sizeof(float), &head->d_mixed);
	carve(base, &used, batch * projection, sizeof(float), &head->d_hidden);
	carve(base, &used, CORE_HEAD_BLOCK * classes, sizeof(float), &head->logits);
	carve(base, &used, layers, sizeof(float), &head->share);
	carve(base, &used, layers, sizeof(float), &head->row_dot);
	return carve(base, &used, widest > layers ? widest : layers, sizeof(double), &head->sum);
}

fv_status core_head_new(fv_ctx *ctx, const core_head_shape *shape, int32_t batch, core_head **out)
{
	assert(shape->layers > 0 && shape->dims > 0 && shape->projection > 0 && shape->classes > 0);
	core_head plan = {
		.shape = *shape, .batch = batch > CORE_HEAD_BLOCK ? batch : CORE_HEAD_BLOCK};
	size_t bytes = layout(&plan, NULL);
	char *base = aligned_alloc(64, bytes);
	if (!base)
		return fv_fail(ctx, FV_FAILED, "out of memory (%zu bytes)", bytes);
	memset(base, 0, bytes);
	layout(&plan, base);
	*out = memcpy(base, &plan, sizeof plan);
	openblas_set_num_threads(1);
	return FV_OK;
}

void core_head_free(core_head *head)
{
	free(head);
}

static void softmax_mix(const float *a, int32_t layers, float *share)
{
	double largest = a[0], total = 0;
	for (int32_t l = 1; l < layers; l++)
		largest = a[l] > largest ? a[l] : largest;
	for (int32_t l = 0; l < layers; l++)
		total += exp(a[l] - largest);
	for (int32_t l = 0; l < layers; l++)
		share[l] = (float)(exp(a[l] - largest) / total);
}

/* rows [n,out] = in [n,width] weight^T + bias */
static void linear(int32_t n, int32_t out, int32_t width, const float *in, const float *weight,
	const float *bias, float *rows)
{
	for (int32_t i = 0; i < n; i++)
		memcpy(rows + (size_t)i * (size_t)out, bias, (size_t)out * sizeof *rows);
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, out, width, 1, in, width, weight,
		width, 1, rows, out);
}

void core_head_forward(
	core_head *head, const float *params, const float *const *x, int32_t n, float *logits)
{
	const core_head_shape *s = &head->shape;
	core_head_tensor tensor[CORE_HEAD_TENSORS];
	core_head_tensors(s, tensor);
	assert(n > 0 && n <= head->batch);
	softmax_mix(params, s->layers, head->share);
	for (int32_t i = 0; i < n; i++) {
		float *mixed = head->mixed + (size_t)i * (size_t)s->dims;
		if (s->layers == 1)
			memcpy(mixed, x[i], (size_t)s->dims * sizeof *mixed);
		else
			cblas_sgemv(CblasRowMajor, CblasTrans, s->layers, s->dims, 1, x[i], s->dims,
				head->share, 1, 0, mixed, 1);
	}
	linear(n, s->projection, s->dims, head->mixed, params + tensor[1].offset,
		params + tensor[2].offset, head->hidden);
	linear(n, s->classes, s->projection, head->hidden, params + tensor[3].offset,
		params + tensor[4].offset, logits);
}

static void column_sums(int32_t n, int32_t width, const float *rows, double *sum, float *out)
{
	memset(sum, 0, (size_t)width * sizeof *sum);
	for (int32_t i = 0; i < n; i++)
		for (int32_t j = 0; j < width; j++)
			sum[j] += rows[(size_t)i * (size_t)width + (size_t)j];
	for (int32_t j = 0; j < width; j++)
		out[j] = (float)sum[j];
}

/* da = s * (ds - s.ds), ds_l = sum_i x_il . dh_i. With one layer s is 1 whatever a is. */
static void mix_gradient(core_head *head, const float *const *x, int32_t n, float *gradient)
{
	const core_head_shape *s = &head->shape;
	memset(head->sum, 0, (size_t)s->layers * sizeof *head->sum);
	for (int32_t i = 0; i < n; i++) {
		cblas_sgemv(CblasRowMajor, CblasNoTrans, s->layers, s->dims, 1, x[i], s->dims,
			head->d_mixed + (size_t)i * (size_t)s->dims, 1, 0, head->row_dot, 1);
		for (int32_t l = 0; l < s->layers; l++)
			head->sum[l] += head->row_dot[l];
	}
	double mean = 0;
	for (int32_t l = 0; l < s->layers; l++)
		mean += head->share[l] * head->sum[l];
	for (int32_t l = 0; l < s->layers; l++)
		gradient[l] = (float)(head->share[l] * (head->sum[l] - mean));
}

void core_head_backward(core_head *head, const float *params, const float *const *x, int32_t n,
	const float *dlogits, float *gradient)
{
	const core_head_shape *s = &head->shape;
	core_head_tensor tensor[CORE_HEAD_TENSORS];
	core_head_tensors(s, tensor);
	int32_t dims = s->dims, projection = s->projection, classes = s->classes;
	assert(n > 0 && n <= head->batch);
	column_sums(n, classes, dlogits, head->sum, gradient + tensor[4].offset);
	cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, classes, projection, n, 1, dlogits,
		classes, head->hidden, projection, 0, gradient + tensor[3].offset, projection);
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, projection, classes, 1, dlogits,
		classes, params + tensor[3].offset, projection, 0, head->d_hidden, projection);
	column_sums(n, projection, head->d_hidden, head->sum, gradient + tensor[2].offset);
	cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, projection, dims, n, 1, head->d_hidden,
		projection, head->mixed, dims, 0, gradient + tensor[1].offset, dims);
	if (s->layers == 1) {
		gradient[0] = 0;
		return;
	}
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, dims, projection, 1,
		head->d_hidden, projection, params + tensor[1].offset, dims, 0, head->d_mixed,
		dims);
	mix_gradient(head, x, n, gradient);
}

void core_head_predict(core_head *head, const float *params, const float *x, const int32_t *index,
	int32_t n, float *logits)
{
	size_t width = (size_t)head->shape.layers * (size_t)head->shape.dims;
	size_t classes = (size_t)head->shape.classes;
	for (int32_t first = 0; first < n; first += CORE_HEAD_BLOCK) {
		const float *row[CORE_HEAD_BLOCK];
		int32_t count = n - first < CORE_HEAD_BLOCK ? n - first : CORE_HEAD_BLOCK;
		for (int32_t i = 0; i < CORE_HEAD_BLOCK; i++) {
			int32_t at = first + (i < count ? i : count - 1);
			row[i] = x + (size_t)(index ? index[at] : at) * width;
		}
		core_head_forward(head, params, row, CORE_HEAD_BLOCK, head->logits);
		memcpy(logits + (size_t)first * classes, head->logits,
			(size_t)count * classes * sizeof *logits);
	}
}
