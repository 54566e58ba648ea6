/* SPDX-License-Identifier: Apache-2.0 */
/* The products -2 x'.c' of rows with centres, from which nearest.c finds the nearest centre. For few centres they
 * are computed here, a few rows at once, since BLAS would spend most of its time on copies of the rows; for many by
 * BLAS. */
#include "kmeans.h"

#include <string.h>

#include <cblas.h>

/* Rows and centres whose products are computed at once, and the most centres for which BLAS is not used */
enum { LANES = 8, ROWS = 2, CENTRES = 4, FEW_CENTRES = 24 };

static const float *get_row(const kmeans_rows *rows, int64_t first, const int64_t *open, int64_t at)
{
	return rows->x + (open ? open[at] : first + at) * rows->dims;
}

KMEANS_FAST static void shift_row(
	const float *restrict row, const float *restrict shift, int32_t dims, float *restrict to)
{
	for (int32_t d = 0; d < dims; d++)
		to[d] = row[d] - shift[d];
}

/* score [centre, block] of `n` rows [n,D] and `k` centres [k,D], both constants at the call */
static inline __attribute__((always_inline)) void multiply_tile(
	int n, int k, int32_t dims, const float *row, const float *centre, float *score)
{
	kmeans_lanes sum[ROWS][CENTRES];
	int32_t d = 0;
#pragma GCC unroll 4
	for (int j = 0; j < k; j++)
#pragma GCC unroll 4
		for (int i = 0; i < n; i++)
			sum[i][j] = (kmeans_lanes){0};
	for (; d + LANES <= dims; d += LANES) {
		kmeans_lanes x[ROWS];
#pragma GCC unroll 4
		for (int i = 0; i < n; i++)
			memcpy(&x[i], row + i * (int64_t)dims + d, sizeof x[i]);
#pragma GCC unroll 4
		for (int j = 0; j < k; j++) {
			kmeans_lanes c;
			memcpy(&c, centre + j * (int64_t)dims + d, sizeof c);
#pragma GCC unroll 4
			for (int i = 0; i < n; i++)
				sum[i][j] += x[i] * c;
		}
	}
#pragma GCC unroll 4
	for (int j = 0; j < k; j++)
#pragma GCC unroll 4
		for (int i = 0; i < n; i++) {
			float all = KMEANS_ADD_LANES(sum[i][j]);
			for (int32_t e = d; e < dims; e++)
				all += row[i * (int64_t)dims + e] * centre[j * (int64_t)dims + e];
			score[j * KMEANS_BLOCK + i] = -2 * all;
		}
}

static inline __attribute__((always_inline)) void multiply_rows(
	int n, int32_t k, int32_t dims, const float *row, const float *centre, float *score)
{
	int32_t j = 0;
	for (; j + CENTRES <= k; j += CENTRES)
		multiply_tile(n, CENTRES, dims, row, centre + j * (int64_t)dims,
			score + (int64_t)j * KMEANS_BLOCK);
	for (; j < k; j++)
		multiply_tile(n, 1, dims, row, centre + j * (int64_t)dims,
			score + (int64_t)j * KMEANS_BLOCK);
}

KMEANS_FAST static void multiply_pair(
	int32_t k, int32_t dims, const float *row, const float *centre, float *score)
{
	multiply_rows(ROWS, k, dims, row, centre, score);
}

KMEANS_FAST static void multiply_one(
	int32_t k, int32_t dims, const float *row, const float *centre, float *score)
{
	multiply_rows(1, k, dims, row, centre, score);
}

KMEANS_FAST static float multiply_shifted(const float *restrict row, const float *restrict shift,
	const float *restrict centre, int32_t dims)
{
	kmeans_lanes sum[2] = {{0}};
	int32_t d = 0;
	for (; d + 2 * LANES <= dims; d += 2 * LANES)
		for (int i = 0; i < 2; i++) {
			kmeans_lanes x, m, c;
			memcpy(&x, row + d + i * LANES, sizeof x);
			memcpy(&m, shift + d + i * LANES, sizeof m);
			memcpy(&c, centre + d + i * LANES, sizeof c);
			sum[i] += (x - m) * c;
		}
	sum[0] += sum[1];
	float all = KMEANS_ADD_LANES(sum[0]);
	for (; d < dims; d++)
		all += (row[d] - shift[d]) * centre[d];
	return all;
}

void kmeans_prefetch_row(const kmeans_rows *rows, int64_t i)
{
	const float *row = rows->x + i * rows->dims;
	for (int32_t d = 0; d < rows->dims; d += 16)
		__builtin_prefetch(row + d);
}

float kmeans_compute_score(const kmeans_rows *rows, int64_t i, int32_t j, const kmeans_search *s)
{
	return -2 * multiply_shifted(rows->x + i * rows->dims, rows->shift,
			    s->centre + (int64_t)j * rows->dims, rows->dims);
}

void kmeans_compute_scores(const kmeans_rows *rows, int32_t k, int64_t first, const int64_t *open,
	int32_t n, kmeans_search *s)
{
	int32_t dims = s->dims, together = k > FEW_CENTRES ? n : ROWS;
	for (int32_t at = 0; at < n; at += together) {
		int32_t count = n - at < together ? n - at : together;
		for (int32_t i = 0; i < count; i++)
			shift_row(get_row(rows, first, open, at + i), rows->shift, dims,
				s->row + i * (int64_t)dims);
		if (k > FEW_CENTRES)
			cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, k, count, dims, -2.0f,
				s->centre, dims, s->row, dims, 0.0f, s->score, KMEANS_BLOCK);
		else if (count == ROWS)
			multiply_pair(k, dims, s->row, s->centre, s->score + at);
		else
			multiply_one(k, dims, s->row, s->centre, s->score + at);
	}
}
