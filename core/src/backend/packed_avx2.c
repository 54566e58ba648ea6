/* SPDX-License-Identifier: Apache-2.0 */
/* The tiles of packed.h for AVX2 with FMA: 6 rows and 2 vectors of outputs, 12 sums in registers. Compiled for
 * these. */
#if defined(__x86_64__)
#define SIMD_LANES 8
#include <immintrin.h>

#include "backend/kernels_private.h"
#include "backend/simd.h"

enum { ROWS = 6, VECTORS = 2, WIDTH = VECTORS * SIMD_LANES };

/* Steps of depth by which the panel is fetched into the nearest cache before it is needed */
enum { AHEAD = 24 };

/* sum[r][v] += x[r] panel[v], for each of `steps` steps of depth. H and V are constants. */
SIMD_INLINE void add_steps(
	int H, int V, int steps, const float *x, const float *panel, simd_v sum[ROWS][VECTORS])
{
#pragma GCC unroll 4
	for (int s = 0; s < steps; s++, x += H, panel += V * SIMD_LANES) {
		simd_v w[VECTORS];
		for (int v = 0; v < V; v++)
			w[v] = v_load(panel + v * SIMD_LANES);
		__builtin_prefetch(panel + AHEAD * V * SIMD_LANES);
		for (int r = 0; r < H; r++)
			for (int v = 0; v < V; v++)
				sum[r][v] = v_fma(v_set(x[r]), w[v], sum[r][v]);
	}
}

/* Adds a block of depth, summed in registers, to the sums in memory. Fetches `fetch_step` bytes into L2 every
 * CORE_PACKED_STEPS steps. */
SIMD_INLINE void add_block(int H, int V, int64_t depth, const float *x, const float *panel,
	const char *fetch, int64_t fetch_step, bool more, float *out)
{
	simd_v sum[ROWS][VECTORS];
	for (int r = 0; r < H; r++)
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
	for (int r = 0; r < H; r++)
		for (int v = 0; v < V; v++) {
			float *at = out + r * WIDTH + v * SIMD_LANES;
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

static void multiply_tile(const core_packed_tile *o)
{
	static void (*const sizes[ROWS][VECTORS])(const core_packed_tile *) = {
		NAMES(1), NAMES(2), NAMES(3), NAMES(4), NAMES(5), NAMES(6)};
	sizes[o->rows - 1][o->vectors - 1](o);
}

/* Exchanges rows and columns of r [8][8] by pairs, fours, and halves of vectors. */
SIMD_INLINE void transpose_8(__m256 r[8])
{
	__m256 s[8];
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		s[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
		s[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
	}
#pragma GCC unroll 2
	for (int i = 0; i < 2; i++) {
		r[4 * i] = _mm256_shuffle_ps(s[4 * i], s[4 * i + 2], 0x44);
		r[4 * i + 1] = _mm256_shuffle_ps(s[4 * i], s[4 * i + 2], 0xee);
		r[4 * i + 2] = _mm256_shuffle_ps(s[4 * i + 1], s[4 * i + 3], 0x44);
		r[4 * i + 3] = _mm256_shuffle_ps(s[4 * i + 1], s[4 * i + 3], 0xee);
	}
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		s[i] = _mm256_permute2f128_ps(r[i], r[4 + i], 0x20);
		s[4 + i] = _mm256_permute2f128_ps(r[i], r[4 + i], 0x31);
	}
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++)
		r[i] = s[i];
}

/* The columns beyond the last of a row are not read. */
SIMD_INLINE void pack_columns(
	int32_t rows, int64_t columns, const float *x, int64_t stride, int64_t line, float *to)
{
	static const int32_t some[2 * SIMD_LANES] = {-1, -1, -1, -1, -1, -1, -1, -1};
	__m256i mask = _mm256_loadu_si256((const __m256i_u *)(some + SIMD_LANES - columns));
	__m256 r[8];
	for (int i = 0; i < 8; i++)
		r[i] = i < rows ? _mm256_maskload_ps(x + i * stride, mask) : _mm256_setzero_ps();
	transpose_8(r);
	for (int64_t i = 0; i < columns; i++)
		_mm256_storeu_ps(to + i * line, r[i]);
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

const core_packed core_packed_avx2 = {.rows = ROWS,
	.width = WIDTH,
	.lanes = SIMD_LANES,
	.part_rows = 66, /* 200 KiB, less than half of L2 on most */
	.chunk_depth = 768,
	.pack = pack_rows,
	.tile = multiply_tile};
#else
typedef int core_packed_avx2_none;
#endif
