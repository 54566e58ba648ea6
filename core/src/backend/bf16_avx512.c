/* SPDX-License-Identifier: Apache-2.0 */
/* Products of bfloat16 numbers with VDPBF16PS, two in each lane; compiled for AVX512_BF16. The
 * instruction treats subnormal numbers (below 2^-126) as 0 on input and output. */
#if defined(__x86_64__)
#define SIMD_LANES 16
#define TILE_ROWS 8
#define TILE_VECTORS 3
#include "backend/simd.h"

SIMD_INLINE simd_v tile_dot(simd_v a, simd_v b, simd_v c)
{
	return (simd_v)_mm512_dpbf16_ps((__m512)c, (__m512bh)a, (__m512bh)b);
}

#include "backend/tile.h"

#include "backend/kernels_private.h"

const core_tiles core_tiles_avx512_bf16 = {.rows = TILE_ROWS,
	.width = TILE_VECTORS * SIMD_LANES,
	.lanes = SIMD_LANES,
	.row_step = 1,
	.unit = 2,
	.depth_step = 2,
	.tile = multiply_tile};
#else
typedef int core_tiles_avx512_none;
#endif
