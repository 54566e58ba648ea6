/* SPDX-License-Identifier: Apache-2.0 */
/* How kernels write a number to a target. */
#ifndef CORE_BACKEND_CUDA_STORE_CUH
#define CORE_BACKEND_CUDA_STORE_CUH

#include "bf16.cuh"
#include "gpu.cuh"
#include "kernels.hpp"

namespace gpu
{

static __device__ __forceinline__ void store_number(const target &y, int64_t at, float v)
{
	if (!y.high) {
		y.at[at] = v;
		return;
	}
	const uint16_t high = round_bf16(v);
	y.high[at] = high;
	if (y.low)
		y.low[at] = round_rest(v, high);
}

static __device__ __forceinline__ float apply_activation(float v, activation function)
{
	if (function == ACTIVATE_RELU)
		return fmaxf(v, 0);
	return function == ACTIVATE_GELU ? compute_gelu(v) : v;
}

static __device__ __forceinline__ float apply_affine(const affine &a, int c, float x)
{
	return a.scale ? a.scale[c] * x + a.shift[c] : x;
}

} // namespace gpu

#endif
