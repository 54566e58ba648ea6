/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/vector.h>

#include "backend/blas.h"
#include "nn/trunk.h"

#define ROWS 512 /* frames that go through the inner layer at once */

struct layer {
	core_attention *attention;
	fv_linear *inner, *outer;
	float *scale[2], *offset[2]; /* of the norms of attention and inner layer */
};

struct fv_trunk {
	fv_trunk_shape shape;
	core_front *front;
	float *feature_scale, *feature_offset;
	fv_linear *projection;
	core_position *position;
	float *scale, *offset; /* of the final norm */
	float *buckets;        /* [buckets,heads] or NULL */
	struct layer *layer;
};

/* --- opening --- */

struct source {
	fv_ctx *ctx;
	const fv_trunk_shape *shape;
	fv_precision precision;
	fv_trunk_read *read;
	void *user;
};

/* Opens the linear layer of a weight and of the bias that follows it. */
static fv_status open_linear(
	const struct source *s, fv_trunk_tensor weight, int32_t index, fv_linear **out)
{
	int64_t dims[4];
	(void)fv_trunk_dims(s->shape, weight, index, dims);
	float *w = malloc((size_t)(dims[0] * dims[1]) * sizeof *w);
	float *b = malloc((size_t)dims[0] * sizeof *b);
	fv_status status = w && b ? FV_OK : fv_fail(s->ctx, FV_FAILED, "out of memory");
	if (!status)
		status = s->read(s->user, s->ctx, weight, index, w);
	if (!status)
		status = s->read(s->user, s->ctx, weight + 1, index, b);
	if (!status) {
		*out = fv_linear_open(s->ctx, s->precision, dims[0], dims[1], w, b);
		status = *out ? FV_OK : FV_FAILED;
	}
	free(w);
	free(b);
	return status;
}

static fv_status open_norm(const struct source *s, fv_trunk_tensor weight, int32_t index,
	float **scale, float **offset)
{
	fv_status status =
		core_trunk_keep(s->ctx, s->shape, s->read, s->user, weight, index, scale);
	return status ? status
		      : core_trunk_keep(
				s->ctx, s->shape, s->read, s->user, weight + 1, index, offset);
}

static fv_status open_layer(const struct source *s, int32_t i, struct layer *layer)
{
	fv_status status = core_attention_open(
		s->ctx, s->shape, s->precision, i, s->read, s->user, &layer->attention);
	if (!status)
		status = open_norm(
			s, FV_TRUNK_ATTENTION_NORM_WEIGHT, i, &layer->scale[0], &layer->offset[0]);
	if (!status)
		status = open_linear(s, FV_TRUNK_INNER_WEIGHT, i, &layer->inner);
	if (!status)
		status = open_linear(s, FV_TRUNK_OUTER_WEIGHT, i, &layer->outer);
	if (!status)
		status = open_norm(
			s, FV_TRUNK_FINAL_NORM_WEIGHT, i, &layer->scale[1], &layer->offset[1]);
	return status;
}

static fv_status open_parts(const struct source *s, fv_trunk *t)
{
	fv_status status =
		core_front_open(s->ctx, s->shape, s->precision, s->read, s->user, &t->front);
	if (!status)
		status = open_norm(
			s, FV_TRUNK_FEATURE_NORM_WEIGHT, 0, &t->feature_scale, &t->feature_offset);
	if (!status)
		status = open_linear(s, FV_TRUNK_PROJECTION_WEIGHT, 0, &t->projection);
	if (!status)
		status = core_position_open(
			s->ctx, s->shape, s->precision, s->read, s->user, &t->position);
	if (!status)
		status = open_norm(s, FV_TRUNK_NORM_WEIGHT, 0, &t->scale, &t->offset);
	if (!status && s->shape->buckets)
		status = core_trunk_keep(
			s->ctx, s->shape, s->read, s->user, FV_TRUNK_BUCKETS, 0, &t->buckets);
	for (int32_t i = 0; i < s->shape->layers && !status; i++)
		status = open_layer(s, i, &t->layer[i]);
	return status;
}

fv_status fv_trunk_open(fv_ctx *ctx, const fv_trunk_shape *shape, fv_precision precision,
	fv_trunk_read *read, void *user, fv_trunk **out)
{
	assert(shape->convs > 0 && shape->convs <= FV_TRUNK_CONVS && shape->layers > 0);
	assert(shape->width % shape->heads == 0 && shape->width % shape->position_groups == 0);
	fv_trunk *t = core_blas_open(ctx) ? NULL : fv_alloc(ctx, sizeof *t);
	if (!t)
		return FV_FAILED;
	t->shape = *shape;
	t->layer = fv_alloc(ctx, (size_t)shape->layers * sizeof *t->layer);
	if (!t->layer)
		return FV_FAILED;
	*out = t;
	return open_parts(&(struct source){ctx, shape, precision, read, user}, t);
}

/* --- computing --- */

int64_t fv_trunk_frames(const fv_trunk *t, int64_t n)
{
	return core_front_frames(&t->shape, n);
}

int64_t fv_trunk_min_samples(const fv_trunk *t)
{
	int64_t n = 1;
	for (int32_t i = t->shape.convs - 1; i >= 0; i--)
		n = (n - 1) * t->shape.step[i] + t->shape.taps[i];
	return n;
}

static void normalise_rows(const fv_trunk *t, const float *x, int64_t frames, const float *scale,
	const float *offset, float *y)
{
	fv_layer_norm(x, frames, t->shape.width, scale, offset, (float)t->shape.eps, y);
}

static void add_rows(float *y, const float *x, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		y[i] += x[i];
}

/* Working memory: x [T,width], y [T,width], bias, and the scratch of the parts. */
struct memory {
	float *x, *y, *bias, *own;
};

static size_t round_up(int64_t n)
{
	return (size_t)(n + 15) / 16 * 16;
}

static size_t pick_larger(size_t a, size_t b)
{
	return a > b ? a : b;
}

/* Counts the floats of the largest part: the convolutions with their output, attention, or inner layer. */
static size_t find_own_scratch(const fv_trunk *t, int64_t n, int64_t frames)
{
	const struct layer *layer = &t->layer[0];
	int64_t rows = frames < ROWS ? frames : ROWS;
	size_t front = round_up(frames * t->shape.channels[t->shape.convs - 1]);
	size_t inner = round_up(rows * t->shape.inner);
	size_t room = front + pick_larger(core_front_scratch(t->front, n),
				      fv_linear_scratch(t->projection, frames));
	room = pick_larger(room, core_position_scratch(t->position, frames));
	room = pick_larger(room, core_attention_scratch(layer->attention, frames));
	return pick_larger(room, inner + pick_larger(fv_linear_scratch(layer->inner, rows),
						 fv_linear_scratch(layer->outer, rows)));
}

static fv_status lay_out_memory(
	const fv_trunk *t, fv_ctx *worker, int64_t n, int64_t frames, struct memory *m)
{
	size_t whole = round_up(frames * t->shape.width);
	size_t bias = t->buckets ? round_up(t->shape.heads * (2 * frames - 1)) : 0;
	float *all = fv_scratch(
		worker, (2 * whole + bias + find_own_scratch(t, n, frames)) * sizeof *all);
	if (!all)
		return FV_FAILED;
	*m = (struct memory){all, all + whole, all + 2 * whole, all + 2 * whole + bias};
	if (t->buckets)
		core_attention_bias(&t->shape, t->buckets, frames, m->bias);
	else
		m->bias = NULL;
	return FV_OK;
}

/* Computes x, the first layer's input, from the wave. */
static void apply_front(const fv_trunk *t, const float *wave, int64_t n, int64_t frames,
	double shift, double scale, const struct memory *m)
{
	const fv_trunk_shape *s = &t->shape;
	int64_t last = s->channels[s->convs - 1], width = s->width;
	float *features = m->own, *scratch = m->own + round_up(frames * last);
	core_front_apply(t->front, wave, n, shift, scale, features, scratch);
	fv_layer_norm(features, frames, last, t->feature_scale, t->feature_offset, (float)s->eps,
		features);
	fv_linear_apply(
		t->projection, frames, features, last, 0, FV_ACTIVATION_NONE, m->x, width, scratch);
	core_position_apply(t->position, m->x, frames, m->y, m->own);
	add_rows(m->x, m->y, frames * width);
	if (!s->norm_first)
		normalise_rows(t, m->x, frames, t->scale, t->offset, m->x);
}

/* y += outer(gelu(inner(x))); y may be x. */
static void apply_inner(const fv_trunk *t, const struct layer *layer, const float *x,
	int64_t frames, float *y, float *scratch)
{
	int64_t width = t->shape.width, inner = t->shape.inner;
	for (int64_t first = 0; first < frames; first += ROWS) {
		int64_t rows = frames - first < ROWS ? frames - first : ROWS;
		float *linear = scratch + round_up(rows * inner);
		fv_linear_apply(layer->inner, rows, x + first * width, width, 0, FV_ACTIVATION_GELU,
			scratch, inner, linear);
		fv_linear_apply(layer->outer, rows, scratch, inner, 1, FV_ACTIVATION_NONE,
			y + first * width, width, linear);
	}
}

static void apply_layer(
	const fv_trunk *t, const struct layer *layer, int64_t frames, const struct memory *m)
{
	if (t->shape.norm_first) {
		normalise_rows(t, m->x, frames, layer->scale[0], layer->offset[0], m->y);
		core_attention_apply(layer->attention, m->y, frames, m->bias, m->x, m->own);
		normalise_rows(t, m->x, frames, layer->scale[1], layer->offset[1], m->y);
		apply_inner(t, layer, m->y, frames, m->x, m->own);
		return;
	}
	core_attention_apply(layer->attention, m->x, frames, m->bias, m->x, m->own);
	normalise_rows(t, m->x, frames, layer->scale[0], layer->offset[0], m->x);
	apply_inner(t, layer, m->x, frames, m->x, m->own);
	normalise_rows(t, m->x, frames, layer->scale[1], layer->offset[1], m->x);
}

/* One state [T,width] -> its means, or as it is. sum [width] */
static float *write_state(
	const fv_trunk *t, const float *x, int64_t frames, int32_t pooled, double *sum, float *out)
{
	int64_t width = t->shape.width;
	if (!pooled) {
		memcpy(out, x, (size_t)(frames * width) * sizeof *out);
		return out + frames * width;
	}
	memset(sum, 0, (size_t)width * sizeof *sum);
	for (int64_t r = 0; r < frames; r++, x += width)
		for (int64_t d = 0; d < width; d++)
			sum[d] += x[d];
	for (int64_t d = 0; d < width; d++)
		out[d] = (float)(sum[d] / (double)frames);
	return out + width;
}

fv_status fv_trunk_apply(const fv_trunk *t, fv_ctx *worker, const float *wave, int64_t n,
	double shift, double scale, int32_t pooled, float *out)
{
	const fv_trunk_shape *s = &t->shape;
	int64_t frames = fv_trunk_frames(t, n);
	assert(frames > 0);
	struct memory m;
	double *sum = fv_scratch(worker, (size_t)s->width * sizeof *sum);
	if (!sum || lay_out_memory(t, worker, n, frames, &m) != FV_OK)
		return FV_FAILED;
	apply_front(t, wave, n, frames, shift, scale, &m);
	out = write_state(t, m.x, frames, pooled, sum, out);
	for (int32_t i = 0; i < s->layers; i++) {
		apply_layer(t, &t->layer[i], frames, &m);
		const float *state = m.x;
		if (s->norm_first && i + 1 == s->layers) {
			normalise_rows(t, m.x, frames, t->scale, t->offset, m.y);
			state = m.y;
		}
		out = write_state(t, state, frames, pooled, sum, out);
	}
	return FV_OK;
}
