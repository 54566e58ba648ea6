/* SPDX-License-Identifier: Apache-2.0 */
/* What kernels are written with. nvcc compiles them for GPUs; for machines without one, any C++ compiler
 * compiles them over the cuda_runtime.h of tests/cuda, which defines the macros below its own way.
 *
 * Rules: shared memory only by GPU_SHARED, launches only by GPU_LAUNCH, whole warps, at most 224 threads a
 * block; no atomics, no textures, no fast math, no split of a sum over blocks. A block's part of the work, and the
 * order of every sum, depend on the utterance's own length alone. */
#ifndef CORE_BACKEND_CUDA_GPU_CUH
#define CORE_BACKEND_CUDA_GPU_CUH

#include <cmath>
#include <cstdint>
#include <cuda_runtime.h>

#ifdef __CUDACC__
extern __shared__ __align__(16) char gpu_shared[];
#define GPU_LAUNCH(kernel, grid, block, shared, stream, ...)                                       \
	kernel<<<grid, block, shared, stream>>>(__VA_ARGS__)
#define GPU_SHARED(type, name) type *name = reinterpret_cast<type *>(gpu_shared)
#endif

namespace gpu
{

static constexpr int LANES = 32, WARPS = 4, THREADS = LANES * WARPS;

static __device__ __forceinline__ int find_lane()
{
	return static_cast<int>(threadIdx.x) % LANES;
}

/* Of kernels with a warp a row: the warp's row */
static __device__ __forceinline__ int64_t find_row()
{
	return static_cast<int64_t>(blockIdx.x) * WARPS + threadIdx.x / LANES;
}

/* Blocks of kernels with a warp a row */
static inline dim3 cover_rows(int64_t rows)
{
	return dim3(static_cast<unsigned>((rows + WARPS - 1) / WARPS));
}

template <typename T> static __device__ __forceinline__ T sum_warp(T v)
{
	for (int mask = LANES / 2; mask; mask /= 2)
		v += __shfl_xor_sync(~0u, v, mask);
	return v;
}

/* The sum of v over the block, in every thread; parts [WARPS] is shared memory. */
static __device__ __forceinline__ double sum_block(double v, double *parts)
{
	v = sum_warp(v);
	__syncthreads(); /* the parts of the sum before are read */
	if (find_lane() == 0)
		parts[threadIdx.x / LANES] = v;
	__syncthreads();
	double sum = 0;
	for (int w = 0; w < WARPS; w++)
		sum += parts[w];
	return sum;
}

static __device__ __forceinline__ float find_warp_max(float v)
{
	for (int mask = LANES / 2; mask; mask /= 2)
		v = fmaxf(v, __shfl_xor_sync(~0u, v, mask));
	return v;
}

/* x Phi(x) */
static __device__ __forceinline__ float compute_gelu(float x)
{
	return 0.5f * x * erfcf(x * -0.70710678118654752f);
}

static __device__ __forceinline__ float compute_sigmoid(float x)
{
	return 1 / (1 + expf(-x));
}

} // namespace gpu

#endif
