/* SPDX-License-Identifier: Apache-2.0 */
/* The tiles of packed.h for AVX-512: 14 rows and 2 vectors of outputs, 28 sums in registers. A number of x is
 * mostly a memory operand of the multiply-add, which saves an instruction; every seventh is loaded into a
 * register, which was fastest. The multiply-adds are assembly, since compilers move sums to the stack
 * otherwise. Compiled for AVX-512. */
#if defined(__x86_64__)
#define SIMD_LANES 16
#define ROWS 14
#define VECTORS 2
#include <immintrin.h>

#include "backend/kernels_private.h"
#include "backend/simd.h"

/* sum[r][v] += x[r] panel[v], for each of `steps` steps of depth. H and V are constants. */
SIMD_INLINE void add_steps(
	int H, int V, int steps, const float *x, const float *panel, simd_v sum[ROWS][VECTORS])
{
#pragma GCC unroll 4
	for (int s = 0; s < steps; s++, x += H, panel += V * SIMD_LANES) {
		__m512 w[VECTORS];
#pragma GCC unroll 2
		for (int v = 0; v < V; v++)
			w[v] = _mm512_loadu_ps(panel + v * SIMD_LANES);
#pragma GCC unroll 14
		for (int r = 0; r < H; r++) {
			__m512 own = _mm512_setzero_ps();
			if (r % 7 == 6)
				own = _mm512_set1_ps(x[r]);
#pragma GCC unroll 2
			for (int v = 0; v < V; v++) {
				if (r % 7 == 6)
					__asm__("vfmadd231ps %2, %1, %0"
						: "+v"(sum[r][v])
						: "v"(w[v]), "v"(own));
				else
					__asm__("vfmadd231ps %2%{1to16%}, %1, %0"
						: "+v"(sum[r][v])
						: "v"(w[v]), "m"(x[r]));
			}
		}
	}
}

/* Exchanges rows and columns of r [16][16] by pairs, fours, and halves of vectors. */
SIMD_INLINE void transpose_16(__m512i r[16])
{
	__m512i s[16];
#pragma GCC unroll 8
	for (int i = 0; i < 8; i++) {
		s[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
		s[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
	}
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		r[4 * i] = _mm512_unpacklo_epi64(s[4 * i], s[4 * i + 2]);
		r[4 * i + 1] = _mm512_unpackhi_epi64(s[4 * i], s[4 * i + 2]);
		r[4 * i + 2] = _mm512_unpacklo_epi64(s[4 * i + 1], s[4 * i + 3]);
		r[4 * i + 3] = _mm512_unpackhi_epi64(s[4 * i + 1], s[4 * i + 3]);
	}
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		s[i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88);
		s[4 + i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
		s[8 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88);
		s[12 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
	}
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++) {
		r[i] = _mm512_shuffle_i32x4(s[i], s[8 + i], 0x88);
		r[4 + i] = _mm512_shuffle_i32x4(s[4 + i], s[12 + i], 0x88);
		r[8 + i] = _mm512_shuffle_i32x4(s[i], s[8 + i], 0xdd);
		r[12 + i] = _mm512_shuffle_i32x4(s[4 + i], s[12 + i], 0xdd);
	}
}

SIMD_INLINE void pack_columns(
	int32_t rows, int64_t columns, const float *x, int64_t stride, int64_t line, float *to)
{
	__m512i r[16];
	__mmask16 some = (__mmask16)((1u << columns) - 1);
	for (int i = 0; i < 16; i++)
		r[i] = i < rows ? _mm512_maskz_loadu_epi32(some, x + i * stride)
				: _mm512_setzero_si512();
	transpose_16(r);
	for (int64_t i = 0; i < columns; i++)
		_mm512_storeu_si512(to + i * line, r[i]);
}

#include "backend/packed_tiles.h"

const core_packed core_packed_avx512 = {.rows = ROWS,
	.width = VECTORS * SIMD_LANES,
	.lanes = SIMD_LANES,
	.part_rows = 140, /* a quarter of 2 MiB */
	.chunk_depth = 1024,
	.pack = pack_rows,
	.tile = multiply_tile};
#else
typedef int core_packed_avx512_none;
#endif
