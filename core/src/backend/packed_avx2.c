/* SPDX-License-Identifier: Apache-2.0 */
/* The tiles of packed.h for AVX2 with FMA: 6 rows and 2 vectors of outputs, 12 sums in registers. Compiled for
 * these. */
#if defined(__x86_64__)
#define SIMD_LANES 8
#define ROWS 6
#define VECTORS 2
#include <immintrin.h>

#include "backend/kernels_private.h"
#include "backend/simd.h"

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

#include "backend/packed_tiles.h"

const core_packed core_packed_avx2 = {.rows = ROWS,
	.width = VECTORS * SIMD_LANES,
	.lanes = SIMD_LANES,
	.part_rows = 66, /* 200 KiB, less than half of L2 on most */
	.chunk_depth = 768,
	.pack = pack_rows,
	.tile = multiply_tile};
#else
typedef int core_packed_avx2_none;
#endif
