/* SPDX-License-Identifier: Apache-2.0 */
/* Self-attention of a trunk: its weights, its position bias, and its operations. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/trunk.h"

/* --- opening --- */

static fv_status read_pair(const core_trunk_source *s, fv_trunk_tensor weight_kind, int32_t layer,
	float *weight, float *bias)
{
	fv_status status = s->read(s->user, s->ctx, weight_kind, layer, weight);
	return status ? status : s->read(s->user, s->ctx, weight_kind + 1, layer, bias);
}

static fv_status open_linear(const core_trunk_source *s, int64_t outputs, const float *weight,
	const float *bias, fv_linear **out)
{
	*out = s->device->ops->open_linear(
		s->ctx, s->device, s->precision, outputs, s->shape->width, weight, bias);
	return *out ? FV_OK : FV_FAILED;
}

static fv_status open_products(const core_trunk_source *s, core_attention *a, int32_t layer)
{
	static const fv_trunk_tensor weights[3] = {
		FV_TRUNK_QUERY_WEIGHT, FV_TRUNK_KEY_WEIGHT, FV_TRUNK_VALUE_WEIGHT};
	size_t width = (size_t)s->shape->width;
	float *weight = malloc(3 * width * width * sizeof *weight);
	float *bias = malloc(3 * width * sizeof *bias);
	fv_status status = weight && bias ? FV_OK : fv_fail(s->ctx, FV_FAILED, "out of memory");
	for (size_t i = 0; i < 3 && !status; i++)
		status = read_pair(
			s, weights[i], layer, weight + i * width * width, bias + i * width);
	if (!status)
		status = open_linear(s, 3 * s->shape->width, weight, bias, &a->joined);
	if (!status)
		status = read_pair(s, FV_TRUNK_OUT_WEIGHT, layer, weight, bias);
	if (!status)
		status = open_linear(s, s->shape->width, weight, bias, &a->out);
	free(weight);
	free(bias);
	return status;
}

/* Of the eight rows of a gate only the sums of four are used. */
static void sum_gate_rows(
	const float *weight, const float *bias, int64_t size, float *sums, float *bias_sums)
{
	for (int64_t g = 0; g < 2; g++) {
		const float *row = weight + 4 * g * size;
		for (int64_t i = 0; i < size; i++)
			sums[g * size + i] = (float)((double)row[i] + row[size + i] +
						     row[2 * size + i] + row[3 * size + i]);
		bias_sums[g] = (float)((double)bias[4 * g] + bias[4 * g + 1] + bias[4 * g + 2] +
				       bias[4 * g + 3]);
	}
}

static fv_status open_gate(const core_trunk_source *s, core_heads *heads, int32_t layer)
{
	int64_t size = heads->width / heads->heads;
	float *weight = malloc((size_t)(10 * size) * sizeof *weight), bias[8], sums[2];
	fv_status status = weight ? FV_OK : fv_fail(s->ctx, FV_FAILED, "out of memory");
	if (!status)
		status = read_pair(s, FV_TRUNK_GATE_WEIGHT, layer, weight, bias);
	if (!status)
		status = core_trunk_keep(s, FV_TRUNK_GATE_CONSTANT, layer, &heads->constant);
	if (!status) {
		sum_gate_rows(weight, bias, size, weight + 8 * size, sums);
		heads->gate = s->device->ops->open_linear(
			s->ctx, s->device, FV_PRECISION_FP32, 2, size, weight + 8 * size, sums);
		status = heads->gate ? FV_OK : FV_FAILED;
	}
	free(weight);
	return status;
}

fv_status core_attention_open(const core_trunk_source *s, int32_t layer, core_attention **out)
{
	core_attention *a = fv_alloc(s->ctx, sizeof *a);
	*out = a;
	if (!a)
		return FV_FAILED;
	a->heads = (core_heads){.width = s->shape->width, .heads = s->shape->heads};
	fv_status status = open_products(s, a, layer);
	return status || !s->shape->buckets ? status : open_gate(s, &a->heads, layer);
}

/* --- position bias --- */

/* Half of the buckets are for keys behind the query. Of a half, the first half is for one distance
 * each, the rest for ranges that grow as the logarithm, up to max_distance. In float32, as PyTorch,
 * because the borders of the ranges depend on it. */
int32_t core_attention_bucket(const fv_trunk_shape *s, int64_t distance)
{
	int32_t half = s->buckets / 2, exact = half / 2, bucket = distance > 0 ? half : 0;
	if (distance < 0)
		distance = -distance;
	if (distance < exact)
		return bucket + (int32_t)distance;
	float place = logf((float)distance / (float)exact);
	place /= (float)log((double)s->max_distance / exact);
	place = (float)exact + place * (float)(half - exact);
	return bucket + (place < (float)(half - 1) ? (int32_t)place : half - 1);
}

void core_attention_bias(
	const fv_trunk_shape *s, const float *embedding, int64_t frames, float *bias)
{
	int64_t line = 2 * frames - 1;
	for (int64_t j = 0; j < line; j++) {
		const float *from =
			embedding + core_attention_bucket(s, j - (frames - 1)) * s->heads;
		for (int64_t h = 0; h < s->heads; h++)
			bias[h * line + j] = from[h];
	}
}

/* --- computing --- */

void core_attention_apply(fv_pack *pack, const core_attention *a, fv_matrix x, const float *bias,
	fv_matrix joined, fv_matrix each, fv_matrix y)
{
	const core_device_ops *ops = pack->ops;
	core_queue *queue = pack->queue;
	ops->multiply(queue, a->joined, x, false, FV_ACTIVATION_NONE, joined);
	ops->attend(queue, &a->heads, joined, x, bias, each);
	ops->multiply(queue, a->out, each, true, FV_ACTIVATION_NONE, y);
}
