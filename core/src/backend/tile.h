/* SPDX-License-Identifier: Apache-2.0 */
/* The product of a few rows and one panel of weights, with all sums in registers. The including
 * file defines SIMD_LANES, the largest tile TILE_ROWS (1..8) x TILE_VECTORS (2 or 3), and
 * tile_dot(a, b, c): c plus the product of each lane's 4 bytes, one float32 or two bfloat16. A
 * panel holds, for each 4 bytes of a row, those of `vectors` * SIMD_LANES outputs side by side.
 * Sums run in the order of depth, whatever the size of the tile. */
#ifndef CORE_BACKEND_TILE_H
#define CORE_BACKEND_TILE_H

#include "backend/kernels.h"
#include "backend/simd.h"

typedef int32_t tile_word __attribute__((may_alias)); /* 4 bytes of any type */

SIMD_INLINE void multiply_tile_of(int rows, int vectors, int64_t depth, const void *x,
	int64_t stride, const void *panel, bool more, float *sum)
{
	enum { AHEAD = 384 };
	simd_v acc[TILE_ROWS][TILE_VECTORS];
	const tile_word *row[TILE_ROWS], *b = panel;
	for (int r = 0; r < rows; r++) {
		row[r] = (const tile_word *)((const char *)x + r * stride);
		for (int j = 0; j < vectors; j++)
			acc[r][j] = v_set(0);
	}
	for (int64_t k = 0; k < depth; k++, b += vectors * SIMD_LANES) {
		simd_v w[TILE_VECTORS];
		for (int j = 0; j < vectors; j++)
			w[j] = *(const simd_any *)(b + j * SIMD_LANES);
		for (int j = 0; j < vectors * SIMD_LANES; j += 16)
			__builtin_prefetch(b + AHEAD + j);
		for (int r = 0; r < rows; r++) {
			simd_i a = row[r][k] + (simd_i){0};
			for (int j = 0; j < vectors; j++)
				acc[r][j] = tile_dot((simd_v)a, w[j], acc[r][j]);
		}
	}
	for (int r = 0; r < rows; r++)
		for (int j = 0; j < vectors; j++) {
			float *at = sum + (r * TILE_VECTORS + j) * SIMD_LANES;
			v_store(at, more ? v_load(at) + acc[r][j] : acc[r][j]);
		}
}

typedef void tile_fn(
	int64_t depth, const void *x, int64_t stride, const void *panel, bool more, float *sum);

#define TILE(R, N)                                                                                 \
	static void tile_##R##x##N(int64_t depth, const void *x, int64_t stride,                   \
		const void *panel, bool more, float *sum)                                          \
	{                                                                                          \
		multiply_tile_of(R, N, depth, x, stride, panel, more, sum);                        \
	}
#if TILE_VECTORS == 3
#define TILES(R) TILE(R, 1) TILE(R, 2) TILE(R, 3)
#define TILE_NAMES(R)                                                                              \
	{                                                                                          \
		tile_##R##x1, tile_##R##x2, tile_##R##x3                                           \
	}
#else
#define TILES(R) TILE(R, 1) TILE(R, 2)
#define TILE_NAMES(R)                                                                              \
	{                                                                                          \
		tile_##R##x1, tile_##R##x2                                                         \
	}
#endif

TILES(1)
TILES(2)
TILES(3)
TILES(4)
TILES(5)
TILES(6)
#if TILE_ROWS == 8
TILES(7)
TILES(8)
#endif

static tile_fn *const tile_sizes[TILE_ROWS][TILE_VECTORS] = {
	TILE_NAMES(1),
	TILE_NAMES(2),
	TILE_NAMES(3),
	TILE_NAMES(4),
	TILE_NAMES(5),
	TILE_NAMES(6),
#if TILE_ROWS == 8
	TILE_NAMES(7),
	TILE_NAMES(8),
#endif
};

static void multiply_tile(int32_t rows, int32_t vectors, int64_t depth, const void *x,
	int64_t stride, const void *panel, bool more, float *sum)
{
	tile_sizes[rows - 1][vectors - 1](depth, x, stride, panel, more, sum);
}

#endif
