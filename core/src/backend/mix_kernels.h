/* SPDX-License-Identifier: Apache-2.0 */
/* The softmax-weighted sum of an utterance's layers and its gradient, for one instruction set (SIMD_LANES, see
 * simd.h). Several heads read the same features with weights of their own: the features, which are scattered over
 * far more memory than the caches hold, are then read once for MIX_HEADS of them. The numbers of a head do not
 * depend on the others. */
#ifndef CORE_BACKEND_MIX_KERNELS_H
#define CORE_BACKEND_MIX_KERNELS_H

#include "backend/kernels.h"
#include "backend/simd.h"

/* Heads and layers that are processed at once */
enum { MIX_HEADS = 2, MIX_LAYERS = 4 };

/* Adds `layers` layers, a constant at the call, from l on; the first ones begin the sums. A few layers at a time are
 * read from end to end, which processors foresee better than steps from layer to layer. */
SIMD_INLINE void add_layers(
	int heads, int layers, int32_t l, const core_mix *job, int first, float *const *mixed)
{
	int64_t dims = job->dims, at = 0;
	const float *x = job->x + l * dims, *next = job->next + l * dims;
	simd_v factor[MIX_HEADS][MIX_LAYERS];
	for (int k = 0; k < heads; k++)
		for (int r = 0; r < layers; r++)
			factor[k][r] = v_set(job->factor[first + k][l + r]);
	for (; at + SIMD_LANES <= dims; at += SIMD_LANES) {
		simd_v sum[MIX_HEADS];
		for (int k = 0; k < heads; k++)
			sum[k] = l ? v_load(mixed[first + k] + at) : (simd_v){0};
		for (int r = 0; r < layers; r++) {
			simd_v a = v_load(x + r * dims + at);
			__builtin_prefetch(next + r * dims + at, 0, 2);
			for (int k = 0; k < heads; k++)
				sum[k] = v_fma(factor[k][r], a, sum[k]);
		}
		for (int k = 0; k < heads; k++)
			v_store(mixed[first + k] + at, sum[k]);
	}
	for (; at < dims; at++)
		for (int k = 0; k < heads; k++) {
			float sum = l ? mixed[first + k][at] : 0;
			for (int r = 0; r < layers; r++)
				sum += job->factor[first + k][l + r] * x[r * dims + at];
			mixed[first + k][at] = sum;
		}
}

SIMD_INLINE void mix_heads(int heads, const core_mix *job, int first, float *const *mixed)
{
	int32_t l = 0;
	for (; l + MIX_LAYERS <= job->layers; l += MIX_LAYERS)
		add_layers(heads, MIX_LAYERS, l, job, first, mixed);
	for (; l < job->layers; l++)
		add_layers(heads, 1, l, job, first, mixed);
}

static void mix_layers(const core_mix *job, float *const *mixed)
{
	int32_t k = 0;
	for (; k + MIX_HEADS <= job->heads; k += MIX_HEADS)
		mix_heads(MIX_HEADS, job, k, mixed);
	for (; k < job->heads; k++)
		mix_heads(1, job, k, mixed);
}

SIMD_INLINE void dot_mix_layers(
	int heads, int layers, const core_mix *job, int first, int32_t l, float *const *dots)
{
	simd_v sum[MIX_HEADS][MIX_LAYERS] = {{{0}}};
	float rest[MIX_HEADS][MIX_LAYERS] = {{0}};
	int64_t dims = job->dims, at = 0;
	const float *x = job->x + l * dims, *next = job->next + l * dims;
	for (; at + SIMD_LANES <= dims; at += SIMD_LANES)
		for (int r = 0; r < layers; r++) {
			simd_v a = v_load(x + r * dims + at);
			__builtin_prefetch(next + r * dims + at, 0, 2);
			for (int k = 0; k < heads; k++)
				sum[k][r] =
					v_fma(a, v_load(job->factor[first + k] + at), sum[k][r]);
		}
	for (; at < dims; at++)
		for (int r = 0; r < layers; r++)
			for (int k = 0; k < heads; k++)
				rest[k][r] += x[r * dims + at] * job->factor[first + k][at];
	for (int k = 0; k < heads; k++)
		for (int r = 0; r < layers; r++)
			dots[first + k][l + r] = v_sum(sum[k][r]) + rest[k][r];
}

SIMD_INLINE void dot_mix_heads(int heads, const core_mix *job, int first, float *const *dots)
{
	int32_t l = 0;
	for (; l + MIX_LAYERS <= job->layers; l += MIX_LAYERS)
		dot_mix_layers(heads, MIX_LAYERS, job, first, l, dots);
	for (; l < job->layers; l++)
		dot_mix_layers(heads, 1, job, first, l, dots);
}

static void compute_mix_dots(const core_mix *job, float *const *dots)
{
	int32_t k = 0;
	for (; k + MIX_HEADS <= job->heads; k += MIX_HEADS)
		dot_mix_heads(MIX_HEADS, job, k, dots);
	for (; k < job->heads; k++)
		dot_mix_heads(1, job, k, dots);
}

#endif
