/* SPDX-License-Identifier: Apache-2.0 */
/* How many tensors of each kind a trunk has, and their shapes. */
#include <stdlib.h>
#include <string.h>

#include "nn/trunk.h"

int32_t fv_trunk_count(const fv_trunk_shape *s, fv_trunk_tensor tensor)
{
	switch (tensor) {
	case FV_TRUNK_CONV_WEIGHT:
		return s->convs;
	case FV_TRUNK_CONV_BIAS:
		return s->conv_bias ? s->convs : 0;
	case FV_TRUNK_CONV_NORM_WEIGHT:
	case FV_TRUNK_CONV_NORM_BIAS:
		return s->norm_each ? s->convs : 1;
	case FV_TRUNK_BUCKETS:
		return s->buckets ? 1 : 0;
	case FV_TRUNK_GATE_WEIGHT:
	case FV_TRUNK_GATE_BIAS:
	case FV_TRUNK_GATE_CONSTANT:
		return s->buckets ? s->layers : 0;
	default:
		return tensor < FV_TRUNK_BUCKETS ? 1 : s->layers;
	}
}

static int32_t set_dims_3(int64_t *dims, int64_t a, int64_t b, int64_t c)
{
	dims[0] = a;
	dims[1] = b;
	dims[2] = c;
	return c ? 3 : b ? 2 : 1;
}

int32_t fv_trunk_dims(const fv_trunk_shape *s, fv_trunk_tensor tensor, int32_t index, int64_t *dims)
{
	int64_t width = s->width, last = s->channels[s->convs - 1];
	memset(dims, 0, 4 * sizeof *dims);
	switch (tensor) {
	case FV_TRUNK_CONV_WEIGHT:
		return set_dims_3(dims, s->channels[index], index ? s->channels[index - 1] : 1,
			s->taps[index]);
	case FV_TRUNK_CONV_BIAS:
	case FV_TRUNK_CONV_NORM_WEIGHT:
	case FV_TRUNK_CONV_NORM_BIAS:
		return set_dims_3(dims, s->channels[index], 0, 0);
	case FV_TRUNK_FEATURE_NORM_WEIGHT:
	case FV_TRUNK_FEATURE_NORM_BIAS:
		return set_dims_3(dims, last, 0, 0);
	case FV_TRUNK_PROJECTION_WEIGHT:
		return set_dims_3(dims, width, last, 0);
	case FV_TRUNK_POSITION_GAIN:
		return set_dims_3(dims, 1, 1, s->position_taps);
	case FV_TRUNK_POSITION_WEIGHT:
		return set_dims_3(dims, width, width / s->position_groups, s->position_taps);
	case FV_TRUNK_BUCKETS:
		return set_dims_3(dims, s->buckets, s->heads, 0);
	case FV_TRUNK_QUERY_WEIGHT:
	case FV_TRUNK_KEY_WEIGHT:
	case FV_TRUNK_VALUE_WEIGHT:
	case FV_TRUNK_OUT_WEIGHT:
		return set_dims_3(dims, width, width, 0);
	case FV_TRUNK_INNER_WEIGHT:
		return set_dims_3(dims, s->inner, width, 0);
	case FV_TRUNK_INNER_BIAS:
		return set_dims_3(dims, s->inner, 0, 0);
	case FV_TRUNK_OUTER_WEIGHT:
		return set_dims_3(dims, width, s->inner, 0);
	case FV_TRUNK_GATE_WEIGHT:
		return set_dims_3(dims, 8, width / s->heads, 0);
	case FV_TRUNK_GATE_BIAS:
		return set_dims_3(dims, 8, 0, 0);
	case FV_TRUNK_GATE_CONSTANT:
		dims[3] = 1;
		return set_dims_3(dims, 1, s->heads, 1) + 1;
	default:
		return set_dims_3(dims, width, 0, 0);
	}
}

int64_t core_trunk_size(const fv_trunk_shape *shape, fv_trunk_tensor tensor, int32_t index)
{
	int64_t dims[4], size = 1;
	int32_t rank = fv_trunk_dims(shape, tensor, index, dims);
	for (int32_t d = 0; d < rank; d++)
		size *= dims[d];
	return size;
}

fv_status core_trunk_keep(
	const core_trunk_source *s, fv_trunk_tensor tensor, int32_t index, const float **out)
{
	int64_t n = core_trunk_size(s->shape, tensor, index);
	float *values = malloc((size_t)n * sizeof *values);
	fv_status status = values ? s->read(s->user, s->ctx, tensor, index, values)
				  : fv_fail(s->ctx, FV_FAILED, "out of memory");
	if (!status)
		status = s->device->ops->load(s->ctx, s->device, values, n, out);
	free(values);
	return status;
}
