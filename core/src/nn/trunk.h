/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a trunk (fairvox/trunk.h), each of which can be run alone. */
#ifndef CORE_NN_TRUNK_H
#define CORE_NN_TRUNK_H

#include <fairvox/trunk.h>

#include "nn/pack.h"

/* What the parts are opened from */
typedef struct core_trunk_source {
	fv_ctx *ctx;
	core_device *device;
	const fv_trunk_shape *shape;
	fv_precision precision;
	fv_trunk_read *read;
	void *user;
} core_trunk_source;

/* Reads one tensor into the device's memory, where it lives until the plugin's state is closed. */
FV_NODISCARD fv_status core_trunk_keep(
	const core_trunk_source *source, fv_trunk_tensor tensor, int32_t index, const float **out);

/* Returns how many numbers a tensor has. */
int64_t core_trunk_size(const fv_trunk_shape *shape, fv_trunk_tensor tensor, int32_t index);

/* --- front.c: wave -> [T, channels of the last convolution] --- */

FV_NODISCARD fv_status core_front_open(const core_trunk_source *source, core_convolutions **out);
int64_t core_front_frames(const fv_trunk_shape *shape, int64_t n);

/* --- position.c: x [T,width] -> gelu(convolution) [T,width] --- */

FV_NODISCARD fv_status core_position_open(const core_trunk_source *source, core_position **out);

/* --- attention.c --- */

typedef struct core_attention {
	core_heads heads;
	fv_linear *joined; /* queries, keys, values: [3 width, width] */
	fv_linear *out;
} core_attention;

FV_NODISCARD fv_status core_attention_open(
	const core_trunk_source *source, int32_t layer, core_attention **out);

/* Returns the bucket of a distance key - query. */
int32_t core_attention_bucket(const fv_trunk_shape *shape, int64_t distance);
/* embedding [buckets,heads] -> bias [heads, 2 frames - 1], of the distances from 1 - frames on. */
void core_attention_bias(
	const fv_trunk_shape *shape, const float *embedding, int64_t frames, float *bias);

/* y [R,width] += attention's output for x [R,width]; y may be x. bias as core_attention_bias makes it for the
 * longest utterance, on the device; NULL without a gate. joined [R,3 width] and each [R,width] are
 * scratch. */
void core_attention_apply(fv_pack *pack, const core_attention *attention, fv_matrix x,
	const float *bias, fv_matrix joined, fv_matrix each, fv_matrix y);

#endif
