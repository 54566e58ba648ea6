/* SPDX-License-Identifier: Apache-2.0 */
/* A trunk: opening its parts, and the order of its operations. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "backend/blas.h"
#include "nn/trunk.h"

struct layer {
	core_attention *attention;
	fv_linear *inner, *outer;
	core_norm attention_norm, final_norm;
};

struct fv_trunk {
	fv_trunk_shape shape;
	core_convolutions *front;
	core_norm feature_norm;
	fv_linear *projection;
	core_position *position;
	core_norm norm; /* before the first layer, or with norm_first after the last one */
	float *buckets; /* [buckets,heads] in the host's memory, or NULL */
	struct layer *layer;
};

/* --- opening --- */

/* Opens the linear layer of a weight and of the bias that follows it. */
static fv_status open_linear(
	const core_trunk_source *s, fv_trunk_tensor weight, int32_t index, fv_linear **out)
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
		*out = s->device->ops->open_linear(
			s->ctx, s->device, s->precision, dims[0], dims[1], w, b);
		status = *out ? FV_OK : FV_FAILED;
	}
	free(w);
	free(b);
	return status;
}

static fv_status open_norm(
	const core_trunk_source *s, fv_trunk_tensor weight, int32_t index, core_norm *norm)
{
	norm->eps = (float)s->shape->eps;
	fv_status status = core_trunk_keep(s, weight, index, &norm->scale);
	return status ? status : core_trunk_keep(s, weight + 1, index, &norm->offset);
}

static fv_status open_buckets(const core_trunk_source *s, float **out)
{
	int64_t n = core_trunk_size(s->shape, FV_TRUNK_BUCKETS, 0);
	*out = fv_alloc(s->ctx, (size_t)n * sizeof **out);
	return *out ? s->read(s->user, s->ctx, FV_TRUNK_BUCKETS, 0, *out) : FV_FAILED;
}

static fv_status open_layer(const core_trunk_source *s, int32_t i, struct layer *layer)
{
	fv_status status = core_attention_open(s, i, &layer->attention);
	if (!status)
		status = open_norm(s, FV_TRUNK_ATTENTION_NORM_WEIGHT, i, &layer->attention_norm);
	if (!status)
		status = open_linear(s, FV_TRUNK_INNER_WEIGHT, i, &layer->inner);
	if (!status)
		status = open_linear(s, FV_TRUNK_OUTER_WEIGHT, i, &layer->outer);
	if (!status)
		status = open_norm(s, FV_TRUNK_FINAL_NORM_WEIGHT, i, &layer->final_norm);
	return status;
}

static fv_status open_parts(const core_trunk_source *s, fv_trunk *t)
{
	fv_status status = core_front_open(s, &t->front);
	if (!status)
		status = open_norm(s, FV_TRUNK_FEATURE_NORM_WEIGHT, 0, &t->feature_norm);
	if (!status)
		status = open_linear(s, FV_TRUNK_PROJECTION_WEIGHT, 0, &t->projection);
	if (!status)
		status = core_position_open(s, &t->position);
	if (!status)
		status = open_norm(s, FV_TRUNK_NORM_WEIGHT, 0, &t->norm);
	if (!status && s->shape->buckets)
		status = open_buckets(s, &t->buckets);
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
	return open_parts(
		&(core_trunk_source){ctx, core_device_of(ctx), shape, precision, read, user}, t);
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

/* The rows of a pack between two layers, and scratch memory */
struct memory {
	fv_matrix x, y, joined;
	const float *bias; /* of the positions */
};

/* Rows for the frames of each utterance */
static fv_matrix allocate_frames(const fv_trunk *t, fv_pack *pack)
{
	int32_t n = fv_pack_count(pack);
	int64_t *count = core_pack_host(pack, (size_t)n * sizeof *count);
	for (int32_t u = 0; u < n && count; u++)
		count[u] = fv_trunk_frames(t, fv_pack_input_rows(pack, u));
	return core_pack_rows(pack, count, t->shape.width);
}

static const float *make_bias(const fv_trunk *t, fv_pack *pack, int64_t longest)
{
	int64_t n = t->shape.heads * (2 * longest - 1);
	float *bias = t->buckets ? core_pack_host(pack, (size_t)n * sizeof *bias) : NULL;
	if (!bias)
		return NULL;
	core_attention_bias(&t->shape, t->buckets, longest, bias);
	return core_pack_put(pack, bias, n);
}

/* Computes x, the first layer's input, from the waves. */
static void apply_front(const fv_trunk *t, fv_pack *pack, bool scaled, const struct memory *m)
{
	const fv_trunk_shape *s = &t->shape;
	const core_device_ops *ops = pack->ops;
	core_queue *queue = pack->queue;
	fv_matrix features = fv_pack_rows(pack, m->x, s->channels[s->convs - 1]);
	ops->convolve_waves(queue, t->front, pack->input, scaled, features);
	ops->layer_norm(queue, &t->feature_norm, features, features);
	ops->multiply(queue, t->projection, features, false, FV_ACTIVATION_NONE, m->x);
	ops->position(queue, t->position, m->x, m->y);
	ops->add(queue, m->y, m->x);
	if (!s->norm_first)
		ops->layer_norm(queue, &t->norm, m->x, m->x);
}

static void apply_layer(
	const fv_trunk *t, const struct layer *layer, fv_pack *pack, const struct memory *m)
{
	const core_device_ops *ops = pack->ops;
	core_queue *queue = pack->queue;
	if (t->shape.norm_first) {
		ops->layer_norm(queue, &layer->attention_norm, m->x, m->y);
		core_attention_apply(pack, layer->attention, m->y, m->bias, m->joined, m->y, m->x);
		ops->layer_norm(queue, &layer->final_norm, m->x, m->y);
		ops->feed_forward(queue, layer->inner, t->shape.inner, layer->outer, m->y, m->x);
		return;
	}
	core_attention_apply(pack, layer->attention, m->x, m->bias, m->joined, m->y, m->x);
	ops->layer_norm(queue, &layer->attention_norm, m->x, m->x);
	ops->feed_forward(queue, layer->inner, t->shape.inner, layer->outer, m->x, m->x);
	ops->layer_norm(queue, &layer->final_norm, m->x, m->x);
}

/* Where the states go, if they are asked for */
struct states {
	fv_matrix means; /* [U,width] */
	int32_t pooled;
	float *const *out; /* NULL: nowhere */
};

/* Fetches state i [T,width] of each utterance, or its mean over the frames. */
static void fetch_state(fv_pack *pack, fv_matrix state, int64_t i, const struct states *to)
{
	if (!to->out)
		return;
	if (to->pooled)
		fv_pack_mean(pack, FV_SUMS_DOUBLE, state, to->means);
	fv_pack_fetch(pack, to->pooled ? to->means : state, i, to->out);
}

/* Enqueues all operations. Returns the last state. */
static fv_matrix apply_all(const fv_trunk *t, fv_pack *pack, bool scaled, const struct states *to)
{
	const fv_trunk_shape *s = &t->shape;
	struct memory m = {.x = allocate_frames(t, pack)};
	m.y = fv_pack_rows(pack, m.x, s->width);
	m.joined = fv_pack_rows(pack, m.x, 3 * (int64_t)s->width);
	m.bias = make_bias(t, pack, m.x.layout->longest);
	apply_front(t, pack, scaled, &m);
	fetch_state(pack, m.x, 0, to);
	fv_matrix state = m.x;
	for (int32_t i = 0; i < s->layers; i++) {
		apply_layer(t, &t->layer[i], pack, &m);
		if (s->norm_first && i + 1 == s->layers) {
			pack->ops->layer_norm(pack->queue, &t->norm, m.x, m.y);
			state = m.y;
		}
		fetch_state(pack, state, i + 1, to);
	}
	return state;
}

fv_status fv_trunk_batch(
	const fv_trunk *t, fv_pack *pack, int32_t scaled, int32_t pooled, float *const *out)
{
	const struct states to = {fv_pack_utterances(pack, t->shape.width), pooled, out};
	(void)apply_all(t, pack, scaled != 0, &to);
	return fv_pack_wait(pack);
}

fv_matrix fv_trunk_last(const fv_trunk *t, fv_pack *pack, int32_t scaled)
{
	return apply_all(t, pack, scaled != 0, &(struct states){0});
}

fv_status fv_trunk_apply(const fv_trunk *t, fv_ctx *worker, const float *wave, int64_t n,
	int32_t scaled, int32_t pooled, float *out)
{
	fv_pack *pack;
	fv_status status = core_pack_open(worker, core_device_cpu(), 1, &n, 1, wave, &pack);
	return status ? status : fv_trunk_batch(t, pack, scaled, pooled, &out);
}
