/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels for AVX-512 (F, BW, DQ, VL, CD), alone and with the bfloat16 products of bf16_avx512.c
 * and bf16_amx.c; compiled for AVX-512. */
#if defined(__x86_64__)
#define SIMD_LANES 16
#define TILE_ROWS 8
#define TILE_VECTORS 3
#define tile_dot v_fma
#include "backend/tile.h"

#include "backend/all_kernels.h"
#include "backend/kernels_private.h"

static const core_tiles fp32 = {.rows = TILE_ROWS,
	.width = TILE_VECTORS * SIMD_LANES,
	.lanes = SIMD_LANES,
	.row_step = 1,
	.unit = 1,
	.depth_step = 1,
	.tile = multiply_tile};

static bool has_avx512(const core_cpu *cpu)
{
	return cpu->avx512;
}

static bool has_avx512_bf16(const core_cpu *cpu)
{
	return cpu->avx512_bf16;
}

static bool has_amx(const core_cpu *cpu)
{
	return cpu->amx;
}

/* Products of packed rows are for Intel's processors, which use these two sets; AMD's use avx512_bf16 and reach
 * 0.90 of their peak without. */
const core_kernels core_kernels_avx512 = {.name = "avx512",
	.supported = has_avx512,
	.fp32 = &fp32,
	.packed = &core_packed_avx512,
	ALL_KERNELS};
const core_kernels core_kernels_avx512_bf16 = {.name = "avx512_bf16",
	.supported = has_avx512_bf16,
	.fp32 = &fp32,
	.bf16 = &core_tiles_avx512_bf16,
	ALL_KERNELS};
const core_kernels core_kernels_amx = {.name = "amx",
	.supported = has_amx,
	.fp32 = &fp32,
	.packed = &core_packed_avx512,
	.bf16 = &core_tiles_amx,
	ALL_KERNELS};
#else
typedef int core_kernels_avx512_none;
#endif
