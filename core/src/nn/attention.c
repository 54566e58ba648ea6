/* SPDX-License-Identifier: Apache-2.0 */
/* Self-attention of a trunk, head by head and some queries at a time, so that the scores stay
 * small. The position bias of a distance is the same for all queries: a row of scores gets a piece
 * of one line of 2T - 1 numbers, times its gate. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cblas.h>

#include <fairvox/vector.h>

#include "nn/gates.h"
#include "nn/trunk.h"

#define QUERIES 128 /* of one block of scores */

struct core_attention {
	int64_t width, heads;
	fv_linear *joined; /* queries, keys, values: [3 width, width] */
	fv_linear *out;
	fv_linear
		*gate; /* [2, width / heads]: of the eight rows, the sums of four; NULL: no bias */
	float *constant; /* [heads] */
};

/* --- opening --- */

static fv_status open_joined(fv_ctx *ctx, core_attention *a, const fv_trunk_shape *s,
	fv_precision precision, int32_t layer, fv_trunk_read *read, void *user)
{
	static const fv_trunk_tensor weights[3] = {
		FV_TRUNK_QUERY_WEIGHT, FV_TRUNK_KEY_WEIGHT, FV_TRUNK_VALUE_WEIGHT};
	size_t width = (size_t)s->width;
	float *weight = malloc(3 * width * width * sizeof *weight);
	float *bias = malloc(3 * width * sizeof *bias);
	fv_status status = weight && bias ? FV_OK : fv_fail(ctx, FV_FAILED, "out of memory");
	for (size_t i = 0; i < 3 && !status; i++) {
		status = read(user, ctx, weights[i], layer, weight + i * width * width);
		if (!status)
			status = read(user, ctx, weights[i] + 1, layer, bias + i * width);
	}
	if (!status) {
		a->joined = fv_linear_open(ctx, precision, 3 * s->width, s->width, weight, bias);
		status = a->joined ? FV_OK : FV_FAILED;
	}
	if (!status)
		status = read(user, ctx, FV_TRUNK_OUT_WEIGHT, layer, weight);
	if (!status)
		status = read(user, ctx, FV_TRUNK_OUT_BIAS, layer, bias);
	if (!status) {
		a->out = fv_linear_open(ctx, precision, s->width, s->width, weight, bias);
		status = a->out ? FV_OK : FV_FAILED;
	}
	free(weight);
	free(bias);
	return status;
}

static fv_status open_gate(fv_ctx *ctx, core_attention *a, const fv_trunk_shape *s, int32_t layer,
	fv_trunk_read *read, void *user)
{
	int64_t size = s->width / s->heads;
	float *weight = malloc((size_t)(10 * size) * sizeof *weight), bias[8], sum[2];
	fv_status status = weight ? FV_OK : fv_fail(ctx, FV_FAILED, "out of memory");
	if (!status)
		status = read(user, ctx, FV_TRUNK_GATE_WEIGHT, layer, weight);
	if (!status)
		status = read(user, ctx, FV_TRUNK_GATE_BIAS, layer, bias);
	if (!status)
		status = core_trunk_keep(
			ctx, s, read, user, FV_TRUNK_GATE_CONSTANT, layer, &a->constant);
	for (int64_t g = 0; g < 2 && !status; g++) {
		const float *row = weight + 4 * g * size;
		for (int64_t i = 0; i < size; i++)
			weight[(8 + g) * size + i] = (float)((double)row[i] + row[size + i] +
							     row[2 * size + i] + row[3 * size + i]);
		sum[g] = (float)((double)bias[4 * g] + bias[4 * g + 1] + bias[4 * g + 2] +
				 bias[4 * g + 3]);
	}
	if (!status) {
		a->gate = fv_linear_open(ctx, FV_PRECISION_FP32, 2, size, weight + 8 * size, sum);
		status = a->gate ? FV_OK : FV_FAILED;
	}
	free(weight);
	return status;
}

fv_status core_attention_open(fv_ctx *ctx, const fv_trunk_shape *s, fv_precision precision,
	int32_t layer, fv_trunk_read *read, void *user, core_attention **out)
{
	core_attention *a = fv_alloc(ctx, sizeof *a);
	if (!a)
		return FV_FAILED;
	a->width = s->width;
	a->heads = s->heads;
	fv_status status = open_joined(ctx, a, s, precision, layer, read, user);
	if (!status && s->buckets)
		status = open_gate(ctx, a, s, layer, read, user);
	*out = a;
	return status;
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

static size_t round_up(int64_t n)
{
	return (size_t)(n + 15) / 16 * 16;
}

static size_t find_linear_scratch(const core_attention *a, int64_t frames)
{
	size_t room = fv_linear_scratch(a->joined, frames);
	size_t out = fv_linear_scratch(a->out, frames);
	size_t gate = a->gate ? fv_linear_scratch(a->gate, frames * a->heads) : 0;
	room = out > room ? out : room;
	return gate > room ? gate : room;
}

size_t core_attention_scratch(const core_attention *a, int64_t frames)
{
	return round_up(3 * frames * a->width) + round_up(frames * a->width) +
	       round_up(QUERIES * frames) + round_up(2 * frames * a->heads) +
	       find_linear_scratch(a, frames);
}

/* gate [T,heads,2] -> its first half [T,heads] */
static void apply_gate(
	const core_attention *a, const float *x, int64_t frames, float *gate, float *scratch)
{
	int64_t rows = frames * a->heads, size = a->width / a->heads;
	fv_linear_apply(a->gate, rows, x, size, 0, FV_ACTIVATION_NONE, gate, 2, scratch);
	core_sigmoid(gate, gate, 2 * rows);
	for (int64_t r = 0; r < rows; r++)
		gate[r] = gate[2 * r] * (gate[2 * r + 1] * a->constant[r % a->heads] - 1) + 2;
}

CORE_LANES_FAST static void add_scaled(float *y, float factor, const float *x, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		y[i] += factor * x[i];
}

/* Computes one head: joined [T,3 width] -> out [T,width], both at the head's first column. */
static void apply_head(const core_attention *a, const float *joined, int64_t frames,
	const float *gate, const float *bias, float *score, float *out)
{
	int size = (int)(a->width / a->heads), line = (int)(3 * a->width), t = (int)frames;
	const float *keys = joined + a->width, *values = keys + a->width;
	float scale = (float)(1 / sqrt((double)size));
	for (int first = 0; first < t; first += QUERIES) {
		int n = t - first < QUERIES ? t - first : QUERIES;
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, t, size, scale,
			joined + (int64_t)first * line, line, keys, line, 0, score, t);
		for (int r = 0; r < n && bias; r++)
			add_scaled(score + (int64_t)r * t, gate[(first + r) * a->heads],
				bias + (t - 1 - first - r), t);
		fv_softmax(score, n, t, t);
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, size, t, 1, score, t,
			values, line, 0, out + (int64_t)first * a->width, (int)a->width);
	}
}

void core_attention_apply(const core_attention *a, const float *x, int64_t frames,
	const float *bias, float *y, float *scratch)
{
	int64_t width = a->width, size = width / a->heads;
	float *joined = scratch, *each = joined + round_up(3 * frames * width);
	float *score = each + round_up(frames * width), *gate = score + round_up(QUERIES * frames);
	float *linear = gate + round_up(2 * frames * a->heads);
	fv_linear_apply(
		a->joined, frames, x, width, 0, FV_ACTIVATION_NONE, joined, 3 * width, linear);
	if (bias)
		apply_gate(a, x, frames, gate, linear);
	for (int64_t h = 0; h < a->heads; h++)
		apply_head(a, joined + h * size, frames, gate + h,
			bias ? bias + h * (2 * frames - 1) : NULL, score, each + h * size);
	fv_linear_apply(a->out, frames, each, width, 1, FV_ACTIVATION_NONE, y, width, linear);
}
