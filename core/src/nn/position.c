/* SPDX-License-Identifier: Apache-2.0 */
/* The convolution of a trunk that tells positions. Each group of channels is put together first,
 * with the zeros before and behind it; its rows then overlap, and it is one product. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/trunk.h"

struct core_position {
	int64_t width, groups, taps;
	fv_linear **linear; /* [groups] */
};

/* Of V [width, width / groups, taps] and gain [taps]: weight of one group -> [out, taps, in]. */
static void norm_weight(const core_position *p, int64_t group, const float *gain,
	const double *length, const float *v, float *out)
{
	int64_t size = p->width / p->groups;
	v += group * size * size * p->taps;
	for (int64_t o = 0; o < size; o++)
		for (int64_t i = 0; i < size; i++)
			for (int64_t k = 0; k < p->taps; k++)
				out[(o * p->taps + k) * size + i] =
					(float)(gain[k] * (double)v[(o * size + i) * p->taps + k] /
						length[k]);
}

static fv_status open_groups(fv_ctx *ctx, core_position *p, fv_precision precision,
	const float *gain, const float *v, const float *bias)
{
	int64_t size = p->width / p->groups, rows = p->width * size;
	double *length = calloc((size_t)p->taps, sizeof *length);
	float *weight = malloc((size_t)(size * size * p->taps) * sizeof *weight);
	fv_status status = length && weight ? FV_OK : fv_fail(ctx, FV_FAILED, "out of memory");
	for (int64_t r = 0; r < rows && !status; r++)
		for (int64_t k = 0; k < p->taps; k++)
			length[k] += (double)v[r * p->taps + k] * v[r * p->taps + k];
	for (int64_t k = 0; k < p->taps && !status; k++) {
		length[k] = sqrt(length[k]);
		if (!(length[k] > 0))
			status = fv_fail(ctx, FV_DATA,
				"the position convolution's weights of tap %lld have length 0",
				(long long)k);
	}
	for (int64_t g = 0; g < p->groups && !status; g++) {
		norm_weight(p, g, gain, length, v, weight);
		p->linear[g] = fv_linear_open(
			ctx, precision, size, size * p->taps, weight, bias + g * size);
		status = p->linear[g] ? FV_OK : FV_FAILED;
	}
	free(length);
	free(weight);
	return status;
}

fv_status core_position_open(fv_ctx *ctx, const fv_trunk_shape *s, fv_precision precision,
	fv_trunk_read *read, void *user, core_position **out)
{
	core_position *p = fv_alloc(ctx, sizeof *p);
	if (!p)
		return FV_FAILED;
	*p = (core_position){s->width, s->position_groups, s->position_taps,
		fv_alloc(ctx, (size_t)s->position_groups * sizeof(fv_linear *))};
	size_t size = (size_t)core_trunk_size(s, FV_TRUNK_POSITION_WEIGHT, 0);
	float *v = malloc(size * sizeof *v), *gain = malloc((size_t)p->taps * sizeof *gain);
	float *bias = malloc((size_t)p->width * sizeof *bias);
	fv_status status =
		p->linear && v && gain && bias ? FV_OK : fv_fail(ctx, FV_FAILED, "out of memory");
	if (!status)
		status = read(user, ctx, FV_TRUNK_POSITION_GAIN, 0, gain);
	if (!status)
		status = read(user, ctx, FV_TRUNK_POSITION_WEIGHT, 0, v);
	if (!status)
		status = read(user, ctx, FV_TRUNK_POSITION_BIAS, 0, bias);
	if (!status)
		status = open_groups(ctx, p, precision, gain, v, bias);
	free(v);
	free(gain);
	free(bias);
	*out = p;
	return status;
}

static size_t find_padded_size(const core_position *p, int64_t frames)
{
	return (size_t)((frames + p->taps - 1) * (p->width / p->groups) + 15) / 16 * 16;
}

size_t core_position_scratch(const core_position *p, int64_t frames)
{
	return find_padded_size(p, frames) + fv_linear_scratch(p->linear[0], frames);
}

void core_position_apply(
	const core_position *p, const float *x, int64_t frames, float *out, float *scratch)
{
	int64_t size = p->width / p->groups, before = p->taps / 2;
	float *own = scratch, *linear = scratch + find_padded_size(p, frames);
	memset(own, 0, find_padded_size(p, frames) * sizeof *own);
	for (int64_t g = 0; g < p->groups; g++) {
		for (int64_t t = 0; t < frames; t++)
			memcpy(own + (before + t) * size, x + t * p->width + g * size,
				(size_t)size * sizeof *own);
		fv_linear_apply(p->linear[g], frames, own, size, 0, FV_ACTIVATION_GELU,
			out + g * size, p->width, linear);
	}
}
