/* SPDX-License-Identifier: Apache-2.0 */
/* Products of the rows of two matrices, for one instruction set (SIMD_LANES, see simd.h). Each number is a sum of
 * its own, split into as many parts as a vector has lanes, so that it is the same wherever its row lies: OpenBLAS's
 * kernels for AVX2 sum a row in another order at another place among the rows. */
#ifndef CORE_BACKEND_DOT_KERNELS_H
#define CORE_BACKEND_DOT_KERNELS_H

#include "backend/kernels.h"
#include "backend/simd.h"

/* Rows of a and b that are multiplied at once, with their sums in registers, and rows of a that stay in the first
 * cache meanwhile. */
#if SIMD_LANES == 16
enum { DOT_A = 6, DOT_B = 4, DOT_BLOCK = 12 };
#elif SIMD_LANES == 8
enum { DOT_A = 4, DOT_B = 3, DOT_BLOCK = 8 };
#else
enum { DOT_A = 3, DOT_B = 3, DOT_BLOCK = 6 };
#endif

/* Adds the products of the next `some` numbers of each row, 0: of a whole vector. */
SIMD_INLINE void add_dots(int rows, int columns, int64_t k, int64_t some, const float *a,
	const float *b, simd_v sum[DOT_A][DOT_B])
{
	simd_v right[DOT_B];
	for (int j = 0; j < columns; j++)
		right[j] = some ? v_load_some(b + j * k, some) : v_load(b + j * k);
	for (int i = 0; i < rows; i++) {
		simd_v left = some ? v_load_some(a + i * k, some) : v_load(a + i * k);
		for (int j = 0; j < columns; j++)
			sum[i][j] = v_fma(left, right[j], sum[i][j]);
	}
}

SIMD_INLINE void dot_tile(int rows, int columns, int64_t k, const float *a, const float *b,
	const float *bias, float *out, int64_t stride)
{
	simd_v sum[DOT_A][DOT_B];
	int64_t at = 0;
	for (int i = 0; i < rows; i++)
		for (int j = 0; j < columns; j++)
			sum[i][j] = (simd_v){0};
	for (; at + SIMD_LANES <= k; at += SIMD_LANES)
		add_dots(rows, columns, k, 0, a + at, b + at, sum);
	if (at < k)
		add_dots(rows, columns, k, k - at, a + at, b + at, sum);
	for (int i = 0; i < rows; i++)
		for (int j = 0; j < columns; j++)
			out[i * stride + j] = v_sum(sum[i][j]) + (bias ? bias[j] : 0);
}

/* Multiplies rows `first` to `end` of a by up to DOT_B rows of b. */
SIMD_INLINE void dot_block(int64_t first, int64_t end, int columns, int64_t n, int64_t k,
	const float *a, const float *b, const float *bias, float *out)
{
	int64_t i = first;
	for (; i + DOT_A <= end && columns == DOT_B; i += DOT_A)
		dot_tile(DOT_A, DOT_B, k, a + i * k, b, bias, out + i * n, n);
	for (; i < end; i++) {
		int j = columns == DOT_B ? DOT_B : 0;
		if (j)
			dot_tile(1, DOT_B, k, a + i * k, b, bias, out + i * n, n);
		for (; j < columns; j++)
			dot_tile(1, 1, k, a + i * k, b + j * k, bias ? bias + j : NULL,
				out + i * n + j, n);
	}
}

static void dot_rows(int64_t m, int64_t n, int64_t k, const float *a, const float *b,
	const float *bias, float *out)
{
	for (int64_t first = 0; first < m; first += DOT_BLOCK) {
		int64_t end = m - first < DOT_BLOCK ? m : first + DOT_BLOCK;
		for (int64_t j = 0; j < n; j += DOT_B) {
			int columns = n - j < DOT_B ? (int)(n - j) : DOT_B;
			dot_block(first, end, columns, n, k, a, b + j * k, bias ? bias + j : NULL,
				out + j);
		}
	}
}

#endif
