/* SPDX-License-Identifier: Apache-2.0 */
/* What the tiles of packed.h have in common, for one instruction set. Before it is included, the file defines
 * SIMD_LANES, ROWS (6 or 14) and VECTORS (2), the largest tile, and two functions:
 *
 *     add_steps(H, V, steps, x, panel, sum)    sum[r][v] += x[r] panel[v] for each of `steps` steps of depth,
 *                                              with constants H <= ROWS and V <= VECTORS
 *     pack_columns(rows, columns, x, stride, line, to)    core_packed's pack, for at most SIMD_LANES columns
 */
#ifndef CORE_BACKEND_PACKED_TILES_H
#define CORE_BACKEND_PACKED_TILES_H

#include "backend/kernels.h"
#include "backend/simd.h"

/* Adds a block of depth, summed in registers, to the sums in memory. Fetches `fetch_step` bytes into L2 every
 * CORE_PACKED_STEPS steps. */
SIMD_INLINE void add_block(int H, int V, int64_t depth, const float *x, const float *panel,
	const char *fetch, int64_t fetch_step, bool more, float *out)
{
	simd_v sum[ROWS][VECTORS];
#pragma GCC unroll 14
	for (int r = 0; r < H; r++)
#pragma GCC unroll 2
		for (int v = 0; v < V; v++)
			sum[r][v] = v_set(0);
	for (; depth >= CORE_PACKED_STEPS; depth -= CORE_PACKED_STEPS) {
		__builtin_prefetch(fetch, 0, 2);
		fetch += fetch_step;
		add_steps(H, V, CORE_PACKED_STEPS, x, panel, sum);
		x += CORE_PACKED_STEPS * H;
		panel += CORE_PACKED_STEPS * V * SIMD_LANES;
	}
	for (; depth > 0; depth--, x += H, panel += V * SIMD_LANES)
		add_steps(H, V, 1, x, panel, sum);
#pragma GCC unroll 14
	for (int r = 0; r < H; r++)
#pragma GCC unroll 2
		for (int v = 0; v < V; v++) {
			float *at = out + (r * VECTORS + v) * SIMD_LANES;
			v_store(at, more ? v_load(at) + sum[r][v] : sum[r][v]);
		}
}

SIMD_INLINE void multiply_tile_of(int H, int V, const core_packed_tile *o)
{
	const char *fetch = o->fetch;
	for (int64_t k = 0; k < o->depth; k += o->block) {
		int64_t depth = o->block < o->depth - k ? o->block : o->depth - k;
		add_block(H, V, depth, o->x + k * H, o->panel + k * V * SIMD_LANES, fetch,
			o->fetch_step, o->more || k > 0, o->sum);
		fetch += depth / CORE_PACKED_STEPS * o->fetch_step;
	}
}

#define TILE(H)                                                                                    \
	static void tile_##H##x1(const core_packed_tile *o)                                        \
	{                                                                                          \
		multiply_tile_of(H, 1, o);                                                         \
	}                                                                                          \
	static void tile_##H##x2(const core_packed_tile *o)                                        \
	{                                                                                          \
		multiply_tile_of(H, 2, o);                                                         \
	}
#define NAMES(H)                                                                                   \
	{                                                                                          \
		tile_##H##x1, tile_##H##x2                                                         \
	}
TILE(1)
TILE(2)
TILE(3)
TILE(4)
TILE(5)
TILE(6)
#if ROWS == 14
TILE(7)
TILE(8)
TILE(9)
TILE(10)
TILE(11)
TILE(12)
TILE(13)
TILE(14)
#endif

static void multiply_tile(const core_packed_tile *o)
{
	static void (*const sizes[ROWS][VECTORS])(const core_packed_tile *) = {
		NAMES(1),
		NAMES(2),
		NAMES(3),
		NAMES(4),
		NAMES(5),
		NAMES(6),
#if ROWS == 14
		NAMES(7),
		NAMES(8),
		NAMES(9),
		NAMES(10),
		NAMES(11),
		NAMES(12),
		NAMES(13),
		NAMES(14)
#endif
	};
	sizes[o->rows - 1][o->vectors - 1](o);
}

static void pack_rows(
	int32_t rows, int64_t depth, const float *x, int64_t stride, int64_t line, float *to)
{
	for (int64_t k = 0; k + SIMD_LANES <= depth; k += SIMD_LANES)
		pack_columns(rows, SIMD_LANES, x + k, stride, line, to + k * line);
	int64_t rest = depth % SIMD_LANES, k = depth - rest;
	if (rest)
		pack_columns(rows, rest, x + k, stride, line, to + k * line);
}

#endif
