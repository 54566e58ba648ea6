/* SPDX-License-Identifier: Apache-2.0 */
/* Rounding to bfloat16, the upper half of a float's bits, as the processor's kernels do it. */
#ifndef CORE_BACKEND_CUDA_BF16_CUH
#define CORE_BACKEND_CUDA_BF16_CUH

#include <cstring>

#include <cstdint>
#include <cuda_runtime.h>

namespace gpu
{

static __host__ __device__ __forceinline__ uint32_t read_bits(float x)
{
	uint32_t bits;
	memcpy(&bits, &x, sizeof bits);
	return bits;
}

/* To nearest, ties to even. Where that would leave the range, bits are cut off, so that finite numbers stay
 * finite; a NaN stays one. */
static __host__ __device__ __forceinline__ uint16_t round_bf16(float x)
{
	const uint32_t bits = read_bits(x), size = bits & 0x7fffffffu;
	if (size >= 0x7f7f8000u)
		return static_cast<uint16_t>((bits >> 16) | (size > 0x7f800000u ? 0x40u : 0));
	return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

static __host__ __device__ __forceinline__ float widen_bf16(uint16_t half)
{
	const uint32_t bits = static_cast<uint32_t>(half) << 16;
	float x;
	memcpy(&x, &bits, sizeof x);
	return x;
}

/* What rounding has left over, rounded too; 0 of a number that is not finite */
static __host__ __device__ __forceinline__ uint16_t round_rest(float x, uint16_t high)
{
	if ((read_bits(x) & 0x7fffffffu) >= 0x7f800000u)
		return 0;
	return round_bf16(x - widen_bf16(high));
}

} // namespace gpu

#endif
