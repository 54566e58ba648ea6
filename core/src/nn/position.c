/* SPDX-License-Identifier: Apache-2.0 */
/* Opens the convolution of a trunk that encodes positions. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "nn/trunk.h"

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

static fv_status open_groups(const core_trunk_source *s, core_position *p, const float *gain,
	const float *v, const float *bias)
{
	int64_t size = p->width / p->groups, rows = p->width * size;
	double *length = calloc((size_t)p->taps, sizeof *length);
	float *weight = malloc((size_t)(size * size * p->taps) * sizeof *weight);
	fv_status status = length && weight ? FV_OK : fv_fail(s->ctx, FV_FAILED, "out of memory");
	for (int64_t r = 0; r < rows && !status; r++)
		for (int64_t k = 0; k < p->taps; k++)
			length[k] += (double)v[r * p->taps + k] * v[r * p->taps + k];
	for (int64_t k = 0; k < p->taps && !status; k++) {
		length[k] = sqrt(length[k]);
		if (!(length[k] > 0))
			status = fv_fail(s->ctx, FV_DATA,
				"the position convolution's weights of tap %lld have length 0",
				(long long)k);
	}
	for (int64_t g = 0; g < p->groups && !status; g++) {
		norm_weight(p, g, gain, length, v, weight);
		p->linear[g] = s->device->ops->open_linear(s->ctx, s->device, s->precision, size,
			size * p->taps, weight, bias + g * size);
		status = p->linear[g] ? FV_OK : FV_FAILED;
	}
	free(length);
	free(weight);
	return status;
}

fv_status core_position_open(const core_trunk_source *s, core_position **out)
{
	const fv_trunk_shape *shape = s->shape;
	core_position *p = fv_alloc(s->ctx, sizeof *p);
	*out = p;
	if (!p)
		return FV_FAILED;
	*p = (core_position){shape->width, shape->position_groups, shape->position_taps,
		fv_alloc(s->ctx, (size_t)shape->position_groups * sizeof(fv_linear *))};
	size_t size = (size_t)core_trunk_size(shape, FV_TRUNK_POSITION_WEIGHT, 0);
	float *v = malloc(size * sizeof *v), *gain = malloc((size_t)p->taps * sizeof *gain);
	float *bias = malloc((size_t)p->width * sizeof *bias);
	fv_status status = p->linear && v && gain && bias
				   ? FV_OK
				   : fv_fail(s->ctx, FV_FAILED, "out of memory");
	if (!status)
		status = s->read(s->user, s->ctx, FV_TRUNK_POSITION_GAIN, 0, gain);
	if (!status)
		status = s->read(s->user, s->ctx, FV_TRUNK_POSITION_WEIGHT, 0, v);
	if (!status)
		status = s->read(s->user, s->ctx, FV_TRUNK_POSITION_BIAS, 0, bias);
	if (!status)
		status = open_groups(s, p, gain, v, bias);
	free(v);
	free(gain);
	free(bias);
	return status;
}
