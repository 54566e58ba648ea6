/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a trunk (fairvox/trunk.h), each of which can be run alone. Scratch sizes are in
 * floats.
 */
#ifndef CORE_NN_TRUNK_H
#define CORE_NN_TRUNK_H

#include <fairvox/trunk.h>

/* Reads one tensor of the file into memory of its own, which lives until the plugin's state is closed. */
FV_NODISCARD fv_status core_trunk_keep(fv_ctx *ctx, const fv_trunk_shape *shape,
	fv_trunk_read *read, void *user, fv_trunk_tensor tensor, int32_t index, float **out);

/* Returns how many numbers a tensor has. */
int64_t core_trunk_size(const fv_trunk_shape *shape, fv_trunk_tensor tensor, int32_t index);

/* --- front.c: wave -> [T, channels of the last convolution] --- */

typedef struct core_front core_front;

FV_NODISCARD fv_status core_front_open(fv_ctx *ctx, const fv_trunk_shape *shape,
	fv_precision precision, fv_trunk_read *read, void *user, core_front **out);
int64_t core_front_frames(const fv_trunk_shape *shape, int64_t n);
size_t core_front_scratch(const core_front *front, int64_t n);
/* Applies the convolutions to x = (wave - shift) scale. */
void core_front_apply(const core_front *front, const float *wave, int64_t n, double shift,
	double scale, float *out, float *scratch);

/* --- position.c: x [T,width] -> gelu(convolution) [T,width] --- */

typedef struct core_position core_position;

FV_NODISCARD fv_status core_position_open(fv_ctx *ctx, const fv_trunk_shape *shape,
	fv_precision precision, fv_trunk_read *read, void *user, core_position **out);
size_t core_position_scratch(const core_position *position, int64_t frames);
void core_position_apply(
	const core_position *position, const float *x, int64_t frames, float *out, float *scratch);

/* --- attention.c --- */

typedef struct core_attention core_attention;

FV_NODISCARD fv_status core_attention_open(fv_ctx *ctx, const fv_trunk_shape *shape,
	fv_precision precision, int32_t layer, fv_trunk_read *read, void *user,
	core_attention **out);

/* Returns the bucket of a distance key - query. */
int32_t core_attention_bucket(const fv_trunk_shape *shape, int64_t distance);
/* embedding [buckets,heads] -> bias [heads, 2 frames - 1], of the distances from 1 - frames on. */
void core_attention_bias(
	const fv_trunk_shape *shape, const float *embedding, int64_t frames, float *bias);

size_t core_attention_scratch(const core_attention *attention, int64_t frames);
/* x [T,width] -> y [T,width] += attention's output; bias [heads, 2T - 1] or NULL. y may be x. */
void core_attention_apply(const core_attention *attention, const float *x, int64_t frames,
	const float *bias, float *y, float *scratch);

#endif
