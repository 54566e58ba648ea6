/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/product.h"

#include <stdlib.h>
#include <string.h>

#include "nn/blocks.h"
#include "nn/head_private.h"

struct core_product {
	int32_t outputs; /* C */
	float *weight;   /* W [C,H] */
	float *scaled;   /* W times the factor */
	float *matrix;   /* M [C,D] */
	float *constant; /* W b1 [C] */
	float *rows;     /* W u [batch,C] */
	float *gradient; /* d [batch,C] */
	float *flow;     /* f [batch,C] */
	/* Of the gradients that were added: their factor, unless they differ; whether any of them flows. */
	bool added, differ, flows;
	double factor;
	float *outer;    /* G or F [C,D] */
	float *d_bias;   /* sum d [C] */
	float *d_weight; /* [C,H] */
	double *sum;     /* [C] */
};

static const core_dense *find_projection(const core_head *encoder)
{
	return &encoder->dense[0];
}

static size_t lay_out_product(core_product *p, const core_head *encoder, char *base)
{
	size_t used = (sizeof *p + 63) / 64 * 64, outputs = CORE_HEAD_COLLAPSE;
	size_t width = outputs * (size_t)encoder->shape.projection;
	size_t dims = outputs * (size_t)encoder->shape.dims;
	size_t rows = outputs * (size_t)encoder->batch;
	core_head_carve(base, &used, width, sizeof(float), &p->weight);
	core_head_carve(base, &used, width, sizeof(float), &p->scaled);
	core_head_carve(base, &used, dims, sizeof(float), &p->matrix);
	core_head_carve(base, &used, outputs, sizeof(float), &p->constant);
	core_head_carve(base, &used, rows, sizeof(float), &p->rows);
	core_head_carve(base, &used, rows, sizeof(float), &p->gradient);
	core_head_carve(base, &used, rows, sizeof(float), &p->flow);
	core_head_carve(base, &used, dims, sizeof(float), &p->outer);
	core_head_carve(base, &used, outputs, sizeof(float), &p->d_bias);
	core_head_carve(base, &used, width, sizeof(float), &p->d_weight);
	return core_head_carve(base, &used, outputs, sizeof(double), &p->sum);
}

fv_status core_product_new(fv_ctx *ctx, const core_head *encoder, core_product **out)
{
	core_product plan;
	size_t bytes = lay_out_product(&plan, encoder, NULL);
	core_product *p = aligned_alloc(64, bytes);
	if (!p)
		return fv_fail(ctx, FV_FAILED, "out of memory (%zu bytes)", bytes);
	memset(p, 0, bytes);
	lay_out_product(p, encoder, (char *)p);
	*out = p;
	return FV_OK;
}

void core_product_free(core_product *product)
{
	free(product);
}

void core_product_prepare(core_product *p, const core_head *encoder, const float *params,
	int32_t outputs, const float *weight, int64_t stride)
{
	const core_dense *projection = find_projection(encoder);
	int32_t width = projection->out;
	const float *bias = params + projection->bias->offset;
	p->outputs = outputs;
	for (int32_t c = 0; c < outputs; c++)
		memcpy(p->weight + (size_t)c * (size_t)width, weight + c * stride,
			(size_t)width * sizeof *weight);
	encoder->kernels->collapse_product(outputs, width, projection->in, p->weight,
		params + projection->weight->offset, p->matrix);
	for (int32_t c = 0; c < outputs; c++) {
		double sum = 0;
		for (int32_t h = 0; h < width; h++)
			sum += (double)p->weight[c * width + h] * bias[h];
		p->constant[c] = (float)sum;
	}
}

const float *core_product_forward(core_product *p, const core_head *encoder, int32_t n)
{
	size_t count = (size_t)n * (size_t)p->outputs;
	core_linear_forward(n, p->outputs, encoder->shape.dims, encoder->mixed, p->matrix,
		p->constant, p->rows);
	memset(p->gradient, 0, count * sizeof *p->gradient);
	memset(p->flow, 0, count * sizeof *p->flow);
	p->added = p->differ = p->flows = false;
	return p->rows;
}

void core_product_add_gradient(
	core_product *p, int32_t n, const float *d, const int32_t *permutation, double factor)
{
	int32_t outputs = p->outputs;
	float f = (float)factor;
	p->differ |= p->added && (factor < p->factor || factor > p->factor);
	p->flows |= factor < 0 || factor > 0;
	p->factor = factor;
	p->added = true;
	for (int32_t i = 0; i < n; i++) {
		int32_t to = (permutation ? permutation[i] : i) * outputs;
		for (int32_t c = 0; c < outputs; c++) {
			p->gradient[to + c] += d[i * outputs + c];
			p->flow[to + c] += f * d[i * outputs + c];
		}
	}
}

bool core_product_flows(const core_product *p)
{
	return p->flows;
}

/* [C,D] = d^T h */
static void compute_outer(core_product *p, const core_head *encoder, int32_t n, const float *d)
{
	core_multiply(true, p->outputs, encoder->shape.dims, n, d, encoder->mixed, 0, p->outer);
}

/* The part of dW that comes from the bias, d_bias [C] = sum d */
static void begin_weight_gradient(
	core_product *p, const core_head *encoder, const float *params, int32_t n)
{
	const core_dense *projection = find_projection(encoder);
	const float *bias = params + projection->bias->offset;
	int32_t width = projection->out;
	core_column_sums(n, p->outputs, p->gradient, p->sum, 0, p->d_bias);
	for (int32_t c = 0; c < p->outputs; c++)
		for (int32_t h = 0; h < width; h++)
			p->d_weight[c * width + h] = p->d_bias[c] * bias[h];
}

/* Adds dW to columns of the layer's gradient. */
static void add_weight_gradient(
	const core_product *p, int32_t width, float *d_weight, int64_t stride)
{
	for (int32_t c = 0; c < p->outputs; c++)
		for (int32_t h = 0; h < width; h++)
			d_weight[c * stride + h] += p->d_weight[c * width + h];
}

/* dW alone */
static void compute_weight_gradient(core_product *p, const core_head *encoder, const float *params,
	int32_t n, float *d_weight, int64_t stride)
{
	const core_dense *projection = find_projection(encoder);
	begin_weight_gradient(p, encoder, params, n);
	compute_outer(p, encoder, n, p->gradient);
	encoder->kernels->collapse_output_gradient(p->outputs, projection->out, projection->in,
		params + projection->weight->offset, p->outer, p->d_weight);
	add_weight_gradient(p, projection->out, d_weight, stride);
}

/* dW and dW1 in one pass over W1; with one factor F = factor G, so that W can be scaled instead. */
static void compute_both_gradients(core_product *p, const core_head *encoder, const float *params,
	int32_t n, bool more, float *gradient, float *d_weight, int64_t stride)
{
	const core_dense *projection = find_projection(encoder);
	int32_t width = projection->out;
	float factor = (float)p->factor;
	begin_weight_gradient(p, encoder, params, n);
	compute_outer(p, encoder, n, p->gradient);
	for (int32_t i = 0; i < p->outputs * width; i++)
		p->scaled[i] = factor * p->weight[i];
	encoder->kernels->collapse_gradient(p->outputs, width, projection->in, p->scaled,
		params + projection->weight->offset, p->outer, more,
		gradient + projection->weight->offset, p->d_weight);
	add_weight_gradient(p, width, d_weight, stride);
}

void core_product_backward(core_product *p, core_head *encoder, const float *params, int32_t n,
	bool more, float *gradient, float *d_weight, int64_t stride)
{
	const core_dense *projection = find_projection(encoder);
	int32_t width = projection->out, dims = projection->in;
	float beta = more ? 1 : 0;
	if (p->flows && !p->differ)
		compute_both_gradients(p, encoder, params, n, more, gradient, d_weight, stride);
	else
		compute_weight_gradient(p, encoder, params, n, d_weight, stride);
	if (!p->flows)
		return;
	if (p->differ) { /* what is added to dW here is not used */
		compute_outer(p, encoder, n, p->flow);
		encoder->kernels->collapse_gradient(p->outputs, width, dims, p->weight,
			params + projection->weight->offset, p->outer, more,
			gradient + projection->weight->offset, p->scaled);
	}
	core_column_sums(n, p->outputs, p->flow, p->sum, 0, p->d_bias);
	core_multiply(true, width, 1, p->outputs, p->weight, p->d_bias, beta,
		gradient + projection->bias->offset);
	if (encoder->shape.layers > 1)
		core_multiply(
			false, n, dims, p->outputs, p->flow, p->matrix, beta, encoder->d_mixed);
}

void core_product_backward_rows(core_product *p, const core_head *encoder, const float *params,
	int32_t n, float *d_rows, float *d_weight, int64_t stride)
{
	compute_weight_gradient(p, encoder, params, n, d_weight, stride);
	core_multiply(
		false, n, find_projection(encoder)->out, p->outputs, p->flow, p->weight, 1, d_rows);
}
