/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/head.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include "backend/blas.h"
#include "backend/kernels.h"
#include "nn/blocks.h"

struct core_head {
	core_head_shape shape;
	int32_t batch;
	bool collapsed;
	const core_kernels *kernels;
	float *mixed;    /* h [batch,D] */
	float *dots;     /* x M^T [batch,L,C]; when collapsed */
	float *hidden;   /* u [batch,H]; this and the next two: not when collapsed */
	float *d_mixed;  /* [batch,D] */
	float *d_hidden; /* [batch,H] */
	float *product;  /* M [C,D] */
	float *constant; /* W2 b1 + b2 [C] */
	float *outer;    /* G [C,D] */
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
	for (int i = 1; i < CORE_HEAD_TENSORS; i++)
		core_linear_init(ctx, branch, (uint64_t)i, i < 3 ? s->dims : s->projection,
			tensor[i].count, params + tensor[i].offset);
}

/* Places an array at the next multiple of 64 bytes of one block of memory. */
static size_t carve_array(char *base, size_t *used, size_t n, size_t size, void *array)
{
	void *start = base ? base + *used : NULL;
	memcpy(array, &start, sizeof start);
	*used += (n * size + 63) / 64 * 64;
	return *used;
}

static size_t lay_out_arrays(core_head *head, char *base)
{
	const core_head_shape *s = &head->shape;
	size_t used = (sizeof *head + 63) / 64 * 64;
	size_t batch = (size_t)head->batch, dims = (size_t)s->dims;
	size_t projection = (size_t)s->projection, classes = (size_t)s->classes;
	size_t layers = (size_t)s->layers;
	size_t widest = projection > classes ? projection : classes;
	carve_array(base, &used, batch * dims, sizeof(float), &head->mixed);
	carve_array(base, &used, batch * layers * classes, sizeof(float), &head->dots);
	carve_array(base, &used, batch * projection, sizeof(float), &head->hidden);
	carve_array(base, &used, batch * dims, sizeof(float), &head->d_mixed);
	carve_array(base, &used, batch * projection, sizeof(float), &head->d_hidden);
	carve_array(base, &used, classes * dims, sizeof(float), &head->product);
	carve_array(base, &used, classes, sizeof(float), &head->constant);
	carve_array(base, &used, classes * dims, sizeof(float), &head->outer);
	carve_array(base, &used, layers, sizeof(float), &head->share);
	carve_array(base, &used, layers, sizeof(float), &head->row_dot);
	return carve_array(
		base, &used, widest > layers ? widest : layers, sizeof(double), &head->sum);
}

fv_status core_head_new(fv_ctx *ctx, const core_head_shape *shape, int32_t batch, core_head **out)
{
	assert(shape->layers > 0 && shape->dims > 0 && shape->projection > 0 && shape->classes > 0);
	fv_status status = core_blas_open(ctx);
	if (status)
		return status;
	core_head plan = {
		.shape = *shape, .batch = batch, .collapsed = shape->classes <= CORE_HEAD_COLLAPSE};
	size_t bytes = lay_out_arrays(&plan, NULL);
	char *base = aligned_alloc(64, bytes);
	if (!base)
		return fv_fail(ctx, FV_FAILED, "out of memory (%zu bytes)", bytes);
	memset(base, 0, bytes);
	lay_out_arrays(&plan, base);
	plan.kernels = core_kernels_used();
	*out = memcpy(base, &plan, sizeof plan);
	return FV_OK;
}

void core_head_free(core_head *head)
{
	free(head);
}

void core_head_uncollapse(core_head *head)
{
	head->collapsed = false;
}

/* s, and M and W2 b1 + b2 when collapsed. */
void core_head_prepare(core_head *head, const float *params)
{
	const core_head_shape *s = &head->shape;
	core_head_tensor tensor[CORE_HEAD_TENSORS];
	core_head_tensors(s, tensor);
	core_mix_share(params, s->layers, head->share);
	if (!head->collapsed)
		return;
	const float *bias = params + tensor[2].offset, *output = params + tensor[3].offset;
	head->kernels->collapse_product(s->classes, s->projection, s->dims, output,
		params + tensor[1].offset, head->product);
	for (int32_t c = 0; c < s->classes; c++) {
		double sum = params[tensor[4].offset + c];
		for (int32_t h = 0; h < s->projection; h++)
			sum += (double)output[(size_t)c * (size_t)s->projection + (size_t)h] *
			       bias[h];
		head->constant[c] = (float)sum;
	}
}

/* z = sum_l s_l (x_l M^T) + W2 b1 + b2 */
static void run_collapsed_forward(core_head *head, const float *const *x, int32_t n, float *logits)
{
	const core_head_shape *s = &head->shape;
	size_t classes = (size_t)s->classes, layers = (size_t)s->layers;
	for (size_t i = 0; i < (size_t)n; i++) {
		float *dots = head->dots + i * layers * classes;
		head->kernels->collapse_row(s->classes, s->layers, s->dims, x[i],
			x[i + 1 < (size_t)n ? i + 1 : i], head->product, head->share, dots,
			head->mixed + i * (size_t)s->dims);
		for (size_t c = 0; c < classes; c++) {
			double sum = head->constant[c];
			for (size_t l = 0; l < layers; l++)
				sum += (double)head->share[l] * (double)dots[l * classes + c];
			logits[i * classes + c] = (float)sum;
		}
	}
}

void core_head_forward(
	core_head *head, const float *params, const float *const *x, int32_t n, float *logits)
{
	const core_head_shape *s = &head->shape;
	core_head_tensor tensor[CORE_HEAD_TENSORS];
	core_head_tensors(s, tensor);
	assert(n > 0 && n <= head->batch);
	if (head->collapsed) {
		run_collapsed_forward(head, x, n, logits);
		return;
	}
	core_mix_forward(head->share, s->layers, s->dims, x, n, head->mixed);
	core_linear_forward(n, s->projection, s->dims, head->mixed, params + tensor[1].offset,
		params + tensor[2].offset, head->hidden);
	core_linear_forward(n, s->classes, s->projection, head->hidden, params + tensor[3].offset,
		params + tensor[4].offset, logits);
}

/* ds_l = sum_i dz_i . (x_il M^T) */
static void compute_collapsed_mix_gradient(
	core_head *head, int32_t n, const float *dlogits, float *gradient)
{
	size_t classes = (size_t)head->shape.classes, layers = (size_t)head->shape.layers;
	memset(head->sum, 0, layers * sizeof *head->sum);
	for (size_t i = 0; i < (size_t)n; i++)
		for (size_t l = 0; l < layers; l++) {
			const float *dots = head->dots + (i * layers + l) * classes;
			for (size_t c = 0; c < classes; c++)
				head->sum[l] += (double)dlogits[i * classes + c] * (double)dots[c];
		}
	core_mix_gradient(head->share, head->shape.layers, head->sum, gradient);
}

/* Computes the gradients of W1, b1 and W2 from G and M, and of the mix. */
static void compute_collapsed_gradient(core_head *head, const float *params, int32_t n,
	const float *dlogits, const core_head_tensor *tensor, float *gradient)
{
	const core_head_shape *s = &head->shape;
	int32_t dims = s->dims, projection = s->projection, classes = s->classes;
	const float *output = params + tensor[3].offset, *bias = params + tensor[2].offset;
	const float *d_bias = gradient + tensor[4].offset;
	core_multiply(true, false, classes, dims, n, dlogits, head->mixed, 0, head->outer);
	core_multiply(true, false, projection, 1, classes, output, d_bias, 0,
		gradient + tensor[2].offset);
	for (int32_t c = 0; c < classes; c++)
		for (int32_t h = 0; h < projection; h++)
			gradient[tensor[3].offset + c * projection + h] = d_bias[c] * bias[h];
	head->kernels->collapse_gradient(classes, projection, dims, output,
		params + tensor[1].offset, head->outer, gradient + tensor[1].offset,
		gradient + tensor[3].offset);
	compute_collapsed_mix_gradient(head, n, dlogits, gradient);
}

static void compute_layer_gradient(core_head *head, const float *params, int32_t n,
	const float *dlogits, const core_head_tensor *tensor, float *gradient)
{
	const core_head_shape *s = &head->shape;
	int32_t dims = s->dims, projection = s->projection, classes = s->classes;
	core_multiply(true, false, classes, projection, n, dlogits, head->hidden, 0,
		gradient + tensor[3].offset);
	core_multiply(false, false, n, projection, classes, dlogits, params + tensor[3].offset, 0,
		head->d_hidden);
	core_column_sums(n, projection, head->d_hidden, head->sum, 0, gradient + tensor[2].offset);
	core_multiply(true, false, projection, dims, n, head->d_hidden, head->mixed, 0,
		gradient + tensor[1].offset);
	if (s->layers > 1)
		core_multiply(false, false, n, dims, projection, head->d_hidden,
			params + tensor[1].offset, 0, head->d_mixed);
}

void core_head_backward(core_head *head, const float *params, const float *const *x, int32_t n,
	const float *dlogits, float *gradient)
{
	core_head_tensor tensor[CORE_HEAD_TENSORS];
	core_head_tensors(&head->shape, tensor);
	assert(n > 0 && n <= head->batch);
	core_column_sums(
		n, head->shape.classes, dlogits, head->sum, 0, gradient + tensor[4].offset);
	if (head->collapsed) {
		compute_collapsed_gradient(head, params, n, dlogits, tensor, gradient);
		return;
	}
	compute_layer_gradient(head, params, n, dlogits, tensor, gradient);
	core_mix_backward(head->share, head->shape.layers, head->shape.dims, x, n, head->d_mixed,
		head->sum, head->row_dot, gradient);
}
