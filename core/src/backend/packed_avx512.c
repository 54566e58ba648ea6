/* SPDX-License-Identifier: Apache-2.0 */
/* The tiles of packed.h for AVX-512: 14 rows and 2 vectors of outputs, 28 sums in registers. A number of x is
 * mostly a memory operand of the multiply-add, which saves an instruction; every seventh is loaded into a
 * register, which was fastest. The multiply-adds are assembly, since compilers move sums to the stack
 * otherwise. Compiled for AVX-512. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "backend/kernels_private.h"

enum { ROWS = 14, VECTORS = 2, LANES = 16, WIDTH = VECTORS * LANES };

#define PACKED_INLINE static inline __attribute__((always_inline))

/* sum[r][v] += x[r] panel[v], for each of `steps` steps of depth. H and V are constants. */
PACKED_INLINE void add_steps(
	int H, int V, int steps, const float *x, const float *panel, __m512 sum[ROWS][VECTORS])
{
#pragma GCC unroll 4
	for (int s = 0; s < steps; s++, x += H, panel += V * LANES) {
		__m512 w[VECTORS];
#pragma GCC unroll 2
		for (int v = 0; v < V; v++)
			w[v] = _mm512_loadu_ps(panel + v * LANES);
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

/* Adds a block of depth, summed in registers, to the sums in memory. Fetches `fetch_step` bytes into L2 every
 * CORE_PACKED_STEPS steps. */
PACKED_INLINE void add_block(int H, int V, int64_t depth, const float *x, const float *panel,
	const char *fetch, int64_t fetch_step, bool more, float *out)
{
	__m512 sum[ROWS][VECTORS];
#pragma GCC unroll 14
	for (int r = 0; r < H; r++)
#pragma GCC unroll 2
		for (int v = 0; v < V; v++)
			sum[r][v] = _mm512_setzero_ps();
	for (; depth >= CORE_PACKED_STEPS; depth -= CORE_PACKED_STEPS) {
		_mm_prefetch(fetch, _MM_HINT_T1);
		fetch += fetch_step;
		add_steps(H, V, CORE_PACKED_STEPS, x, panel, sum);
		x += CORE_PACKED_STEPS * H;
		panel += CORE_PACKED_STEPS * V * LANES;
	}
	for (; depth > 0; depth--, x += H, panel += V * LANES)
		add_steps(H, V, 1, x, panel, sum);
#pragma GCC unroll 14
	for (int r = 0; r < H; r++)
#pragma GCC unroll 2
		for (int v = 0; v < V; v++) {
			float *at = out + r * WIDTH + v * LANES;
			__m512 old = _mm512_loadu_ps(at);
			_mm512_storeu_ps(at, more ? _mm512_add_ps(old, sum[r][v]) : sum[r][v]);
		}
}

PACKED_INLINE void multiply_tile_of(int H, int V, const core_packed_tile *o)
{
	const char *fetch = o->fetch;
	for (int64_t k = 0; k < o->depth; k += o->block) {
		int64_t depth = o->block < o->depth - k ? o->block : o->depth - k;
		add_block(H, V, depth, o->x + k * H, o->panel + k * V * LANES, fetch, o->fetch_step,
			o->more || k > 0, o->sum);
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
TILE(7)
TILE(8)
TILE(9)
TILE(10)
TILE(11)
TILE(12)
TILE(13)
TILE(14)

static void multiply_tile(const core_packed_tile *o)
{
	static void (*const sizes[ROWS][VECTORS])(const core_packed_tile *) = {NAMES(1), NAMES(2),
		NAMES(3), NAMES(4), NAMES(5), NAMES(6), NAMES(7), NAMES(8), NAMES(9), NAMES(10),
		NAMES(11), NAMES(12), NAMES(13), NAMES(14)};
	sizes[o->rows - 1][o->vectors - 1](o);
}

/* Exchanges rows and columns of r [16][16] by pairs, fours, and halves of vectors. */
PACKED_INLINE void transpose_16(__m512i r[16])
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

PACKED_INLINE void pack_columns(
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

static void pack_rows(
	int32_t rows, int64_t depth, const float *x, int64_t stride, int64_t line, float *to)
{
	for (int64_t k = 0; k + LANES <= depth; k += LANES)
		pack_columns(rows, LANES, x + k, stride, line, to + k * line);
	int64_t rest = depth % LANES, k = depth - rest;
	if (rest)
		pack_columns(rows, rest, x + k, stride, line, to + k * line);
}

const core_packed core_packed_avx512 = {.rows = ROWS,
	.width = WIDTH,
	.lanes = LANES,
	.part_rows = 140, /* a quarter of 2 MiB */
	.chunk_depth = 1024,
	.pack = pack_rows,
	.tile = multiply_tile};
#else
typedef int core_packed_avx512_none;
#endif
