/* SPDX-License-Identifier: Apache-2.0 */
/* The operations of the CPU (device.h) that have files of their own. */
#ifndef CORE_BACKEND_CPU_OPS_H
#define CORE_BACKEND_CPU_OPS_H

#include <stddef.h>

#include "backend/device.h"

/* n floats, in whole cache lines */
static inline size_t core_round_floats(int64_t n)
{
	return (size_t)(n + 15) / 16 * 16;
}

/* Memory for one operation: give it back with core_scratch_release. NULL: the queue has failed. */
float *core_cpu_scratch(core_queue *queue, size_t floats);

/* linear.c, lstm.c */
fv_linear *core_cpu_open_linear(fv_ctx *ctx, core_device *device, fv_precision precision,
	int64_t outputs, int64_t inputs, const float *weight, const float *bias);
fv_lstm *core_cpu_open_lstm(fv_ctx *ctx, core_device *device, int32_t inputs, int32_t hidden,
	const float *weight_ih, const float *weight_hh, const float *bias_ih, const float *bias_hh);

/* cpu_rows.c */
void core_cpu_layer_norm(core_queue *queue, const core_norm *norm, fv_matrix x, fv_matrix y);
void core_cpu_multiply(core_queue *queue, const fv_linear *linear, fv_matrix x, bool add,
	fv_activation activation, fv_matrix y);
void core_cpu_feed_forward(core_queue *queue, const fv_linear *inner, int64_t width,
	const fv_linear *outer, fv_matrix x, fv_matrix y);
void core_cpu_add(core_queue *queue, fv_matrix x, fv_matrix y);
void core_cpu_dense(core_queue *queue, const fv_dense *dense, fv_function f, double factor,
	fv_matrix x, fv_matrix y);
void core_cpu_affine(core_queue *queue, fv_affine affine, fv_function f, fv_matrix x, fv_matrix y);
void core_cpu_spread(core_queue *queue, fv_matrix x, fv_matrix y);
void core_cpu_gate(core_queue *queue, fv_affine affine, fv_matrix gate, fv_matrix x, fv_matrix y);

/* cpu_frames.c */
void core_cpu_convolve(core_queue *queue, const fv_convolution *convolution, fv_affine a,
	fv_matrix x, fv_affine b, fv_matrix added, fv_matrix y);
void core_cpu_lstm(core_queue *queue, fv_lstm *const *layer, int32_t layers, int64_t window,
	int64_t step, fv_matrix x, fv_matrix y);

/* cpu_sums.c */
void core_cpu_mean(core_queue *queue, fv_sums sums, fv_matrix x, fv_matrix y);
void core_cpu_moments(core_queue *queue, fv_affine affine, double least, fv_matrix x,
	fv_matrix logits, fv_matrix centre, fv_matrix y);
void core_cpu_direction(core_queue *queue, fv_matrix x, fv_matrix y);

/* cpu_convolutions.c */
void core_cpu_convolve_waves(core_queue *queue, const core_convolutions *convolutions,
	fv_matrix wave, bool scaled, fv_matrix y);

/* cpu_attention.c */
void core_cpu_position(core_queue *queue, const core_position *position, fv_matrix x, fv_matrix y);
void core_cpu_attend(core_queue *queue, const core_heads *heads, fv_matrix joined, fv_matrix x,
	const float *bias, fv_matrix y);

#endif
