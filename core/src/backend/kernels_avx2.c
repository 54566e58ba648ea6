/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels for AVX2 with FMA; compiled for these. */
#if defined(__x86_64__)
#define SIMD_LANES 8
#define TILE_ROWS 6
#define TILE_VECTORS 2
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

static bool has_avx2(const core_cpu *cpu)
{
	return cpu->avx2;
}

const core_kernels core_kernels_avx2 = {.name = "avx2",
	.supported = has_avx2,
	.fp32 = &fp32,
	.packed = &core_packed_avx2,
	ALL_KERNELS};
#else
typedef int core_kernels_avx2_none;
#endif
