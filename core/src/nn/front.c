/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the convolutions of a trunk. */
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "nn/trunk.h"

#define EPS 1e-5F

/* [out,in,taps] -> [out,taps,in] */
static void order_taps(const float *from, int64_t out, int64_t in, int64_t taps, float *to)
{
	for (int64_t o = 0; o < out; o++)
		for (int64_t i = 0; i < in; i++)
			for (int64_t k = 0; k < taps; k++)
				to[(o * taps + k) * in + i] = from[(o * in + i) * taps + k];
}

/* Reads the weight of convolution i, ordered by tap -> linear[i], or `first` [taps,channels] under a
 * group norm. bias [channels] or NULL */
static fv_status open_weight(
	const core_trunk_source *s, core_convolutions *c, int32_t i, const float *bias)
{
	const core_device_ops *ops = s->device->ops;
	int64_t n = core_trunk_size(s->shape, FV_TRUNK_CONV_WEIGHT, i);
	int64_t channels = c->channels[i], taps = c->taps[i], in = i ? c->channels[i - 1] : 1;
	float *raw = malloc((size_t)n * sizeof *raw), *ordered = malloc((size_t)n * sizeof *raw);
	fv_status status = raw && ordered ? FV_OK : fv_fail(s->ctx, FV_FAILED, "out of memory");
	if (!status)
		status = s->read(s->user, s->ctx, FV_TRUNK_CONV_WEIGHT, i, raw);
	if (!status && i == 0 && !s->shape->norm_each) {
		order_taps(raw, 1, channels, taps, ordered);
		status = ops->load(s->ctx, s->device, ordered, n, &c->first);
	} else if (!status) {
		order_taps(raw, channels, in, taps, ordered);
		c->linear[i] = ops->open_linear(s->ctx, s->device,
			i ? s->precision : FV_PRECISION_FP32, channels, in * taps, ordered, bias);
		status = c->linear[i] ? FV_OK : FV_FAILED;
	}
	free(raw);
	free(ordered);
	return status;
}

static fv_status open_norm(const core_trunk_source *s, int32_t i, core_norm *norm)
{
	if (i >= fv_trunk_count(s->shape, FV_TRUNK_CONV_NORM_WEIGHT))
		return FV_OK;
	norm->eps = EPS;
	fv_status status = core_trunk_keep(s, FV_TRUNK_CONV_NORM_WEIGHT, i, &norm->scale);
	return status ? status : core_trunk_keep(s, FV_TRUNK_CONV_NORM_BIAS, i, &norm->offset);
}

/* A bias in front of a group norm is read and has no effect. */
static fv_status open_convolution(const core_trunk_source *s, core_convolutions *c, int32_t i)
{
	float *bias = NULL;
	fv_status status = FV_OK;
	if (s->shape->conv_bias) {
		bias = malloc((size_t)c->channels[i] * sizeof *bias);
		status = bias ? s->read(s->user, s->ctx, FV_TRUNK_CONV_BIAS, i, bias)
			      : fv_fail(s->ctx, FV_FAILED, "out of memory");
	}
	if (!status)
		status = open_norm(s, i, &c->norm[i]);
	if (!status)
		status = open_weight(s, c, i, bias);
	free(bias);
	return status;
}

fv_status core_front_open(const core_trunk_source *s, core_convolutions **out)
{
	assert(s->shape->norm_each || s->shape->taps[0] <= CORE_FIRST_TAPS);
	core_convolutions *c = fv_alloc(s->ctx, sizeof *c);
	*out = c;
	if (!c)
		return FV_FAILED;
	c->n = s->shape->convs;
	memcpy(c->channels, s->shape->channels, sizeof c->channels);
	memcpy(c->taps, s->shape->taps, sizeof c->taps);
	memcpy(c->step, s->shape->step, sizeof c->step);
	fv_status status = FV_OK;
	for (int32_t i = 0; i < c->n && !status; i++)
		status = open_convolution(s, c, i);
	return status;
}

int64_t core_front_frames(const fv_trunk_shape *s, int64_t n)
{
	for (int32_t i = 0; i < s->convs; i++)
		n = n < s->taps[i] ? 0 : (n - s->taps[i]) / s->step[i] + 1;
	return n;
}
