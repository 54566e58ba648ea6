/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels for every machine: vectors of four numbers; products and sums are rounded separately. */
#define SIMD_LANES 4
#define TILE_ROWS 6
#define TILE_VECTORS 2
#define tile_dot v_fma
#include "backend/tile.h"

#include "backend/all_kernels.h"
#include "backend/kernels_private.h"

static bool is_supported(const core_cpu *cpu)
{
	(void)cpu;
	return true;
}

static const core_tiles fp32 = {.rows = TILE_ROWS,
	.width = TILE_VECTORS * SIMD_LANES,
	.lanes = SIMD_LANES,
	.row_step = 1,
	.unit = 1,
	.depth_step = 1,
	.tile = multiply_tile};

const core_kernels core_kernels_portable = {
	.name = "portable", .supported = is_supported, .fp32 = &fp32, ALL_KERNELS};
