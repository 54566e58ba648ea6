/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the nearest centre of every row: float32 products (scores.c) as a filter, then double for
 * near-ties.
 *
 * With x' = x - m and c' = c - m for any vector m,
 *     |x - c_j|^2 = |x'|^2 + s_j,   s_j = |c'_j|^2 - 2 x'.c'_j,
 * and only s_j matters for the choice. Let u = 2^-24, r = |x'|, R = |c'_j| and g = (D+4)u / (1 -
 * (D+4)u). However a dot product of length D is summed, with or without fused multiply-add, its
 * error is at most D u / (1 - D u) r R (Higham, Accuracy and Stability of Numerical Algorithms, 2nd
 * ed., section 3.1). Rounding x' and c' to float32 adds 2u r R to first order; storing |c'|^2 and
 * the last subtraction add 2u (R^2 + r R). The error of kmeans_squared_distance itself is at most
 * (D+8) 2^-52 (r + R)^2, that of underflow (D+8) 2^-126 (1 + r + R). So
 *     e_j = 1.01 ((2g + 4u) r R + 3u R^2 + (D+8) (2^-52 (r + R)^2 + 2^-126 (1 + r + R)))
 * bounds |computed s_j - (kmeans_squared_distance_j - r^2)|. Centre a cannot be the nearest if s_a
 * - e_a > min_j (s_j + e_j); among the remaining centres the double distances decide. The labels
 * are therefore the argmin of kmeans_squared_distance, whichever kernel computed the product.
 */
#include "kmeans.h"

#include <math.h>
#include <string.h>

#define BLOCK KMEANS_BLOCK
#define LANES 8
#define UNIT 0x1p-24

KMEANS_FAST double kmeans_squared_distance(const float *x, const double *centre, int32_t dims)
{
	double lane[LANES] = {0};
	int32_t d = 0;
	for (; d + LANES <= dims; d += LANES) {
		for (int32_t l = 0; l < LANES; l++) {
			double difference = (double)x[d + l] - centre[d + l];
			lane[l] += difference * difference;
		}
	}
	for (int32_t l = 0; d + l < dims; l++) {
		double difference = (double)x[d + l] - centre[d + l];
		lane[l] += difference * difference;
	}
	return ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
	       ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

#define TOO_LARGE(x) (!(fabsf(x) <= 1e15f)) /* or not a number */

/* Counts numbers of a row that are not finite or too large. */
KMEANS_FAST static int32_t count_too_large(const float *row, int32_t dims)
{
	int32_t n = 0;
	for (int32_t d = 0; d < dims; d++)
		n += TOO_LARGE(row[d]);
	return n;
}

fv_status kmeans_check_numbers(fv_ctx *ctx, const float *x, int64_t n, int32_t dims)
{
	for (int64_t i = 0; i < n; i++) {
		const float *row = x + i * dims;
		int32_t d = 0;
		if (!count_too_large(row, dims))
			continue;
		while (!TOO_LARGE(row[d]))
			d++;
		return fv_fail(ctx, FV_DATA,
			"row %lld, column %d: %g is not a finite number below 1e15", (long long)i,
			d, (double)row[d]);
	}
	return FV_OK;
}

/* Adds a row to the sums of the columns. */
KMEANS_FAST static void add_row(const float *restrict row, int32_t dims, double *restrict sum)
{
	for (int32_t d = 0; d < dims; d++)
		sum[d] += (double)row[d];
}

fv_status kmeans_prepare_rows(
	fv_ctx *ctx, const float *x, int64_t n, int32_t dims, kmeans_rows *rows)
{
	size_t width = (size_t)dims;
	*rows = (kmeans_rows){.n = n,
		.dims = dims,
		.x = x,
		.norm = fv_scratch(ctx, (size_t)n * sizeof(double)),
		.shift = fv_scratch(ctx, width * sizeof(float))};
	double *mean = fv_scratch(ctx, width * sizeof *mean);
	double *shift = fv_scratch(ctx, width * sizeof *shift);
	if (!rows->norm || !rows->shift || !mean || !shift)
		return FV_FAILED;
	memset(mean, 0, width * sizeof *mean);
	for (int64_t i = 0; i < n; i++)
		add_row(x + i * dims, dims, mean);
	double about_mean = 0; /* sum (x - mean)^2 = sum (x - shift)^2 - n |mean - shift|^2 */
	for (int32_t d = 0; d < dims; d++) {
		mean[d] /= (double)(n ? n : 1);
		rows->shift[d] = (float)mean[d];
		shift[d] = (double)rows->shift[d];
		double off = mean[d] - shift[d];
		about_mean -= (double)n * off * off;
	}
	for (int64_t i = 0; i < n; i++) {
		double square = kmeans_squared_distance(x + i * dims, shift, dims);
		rows->norm[i] = sqrt(square);
		about_mean += square;
	}
	rows->variance = n ? about_mean / (double)n / (double)dims : 0;
	return FV_OK;
}

fv_status kmeans_prepare_search(fv_ctx *ctx, int32_t k, int32_t dims, kmeans_search *search)
{
	size_t centres = (size_t)k;
	*search = (kmeans_search){.dims = dims,
		.centre = fv_scratch(ctx, centres * (size_t)dims * sizeof(float)),
		.row = fv_scratch(ctx, BLOCK * (size_t)dims * sizeof(float)),
		.square = fv_scratch(ctx, centres * sizeof(float)),
		.norm = fv_scratch(ctx, centres * sizeof(double)),
		.score = fv_scratch(ctx, centres * BLOCK * sizeof(float)),
		.best = fv_scratch(ctx, BLOCK * sizeof(float)),
		.second = fv_scratch(ctx, BLOCK * sizeof(float)),
		.winner = fv_scratch(ctx, BLOCK * sizeof(int32_t))};
	if (!search->centre || !search->row || !search->square || !search->norm || !search->score ||
		!search->best || !search->second || !search->winner)
		return FV_FAILED;
	return FV_OK;
}

/* Shifts the centres. Returns the length of the longest one. */
static double shift_centres(
	const kmeans_rows *rows, const double *centre, int32_t k, kmeans_search *s)
{
	double longest = 0;
	for (int32_t j = 0; j < k; j++) {
		double sum = 0;
		for (int32_t d = 0; d < s->dims; d++) {
			double value = centre[(size_t)j * (size_t)s->dims + (size_t)d] -
				       (double)rows->shift[d];
			s->centre[(size_t)j * (size_t)s->dims + (size_t)d] = (float)value;
			sum += value * value;
		}
		s->square[j] = (float)sum;
		s->norm[j] = sqrt(sum);
		longest = s->norm[j] > longest ? s->norm[j] : longest;
	}
	return longest;
}

/* Returns e_j (see above) for a row of length r and a centre of length `other`. */
double kmeans_find_error(int32_t dims, double r, double other)
{
	double spread = ((double)dims + 4) * UNIT;
	if (spread >= 0.5)
		return INFINITY; /* over eight million dimensions: use double for everything */
	double g = spread / (1 - spread), sum = r + other;
	return 1.01 * ((2 * g + 4 * UNIT) * r * other + 3 * UNIT * other * other +
			      ((double)dims + 8) * (0x1p-52 * sum * sum + 0x1p-126 * (1 + sum)));
}

/* Finds the two smallest scores of each of the n rows of a block, and the centre of the smallest.
 */
KMEANS_FAST static void find_two_smallest(const kmeans_search *s, int32_t k, int32_t n,
	float *restrict best, float *restrict second, int32_t *restrict winner)
{
	for (int32_t i = 0; i < n; i++) {
		best[i] = s->score[i] + s->square[0];
		second[i] = INFINITY;
		winner[i] = 0;
	}
	for (int32_t j = 1; j < k; j++) {
		const float *restrict score = s->score + (size_t)j * BLOCK;
		float square = s->square[j];
		for (int32_t i = 0; i < n; i++) {
			float value = score[i] + square, old = best[i];
			bool less = value < old;
			float loser = less ? old : value;
			winner[i] = less ? j : winner[i];
			best[i] = less ? value : old;
			second[i] = loser < second[i] ? loser : second[i];
		}
	}
}

/* Compares in double all centres that may be the nearest of row i, which is column `at` of the
 * block. A centre whose score is not finite stays in the comparison. */
static int32_t find_exact_nearest(const kmeans_rows *rows, int64_t i, const kmeans_search *s,
	int32_t at, const double *centre, int32_t k)
{
	double r = rows->norm[i], limit = INFINITY, least = INFINITY;
	for (int32_t j = 0; j < k; j++) {
		double high = (double)(s->score[(size_t)j * BLOCK + (size_t)at] + s->square[j]) +
			      kmeans_find_error(s->dims, r, s->norm[j]);
		limit = high < limit ? high : limit;
	}
	int32_t winner = 0;
	for (int32_t j = 0; j < k; j++) {
		double low = (double)(s->score[(size_t)j * BLOCK + (size_t)at] + s->square[j]) -
			     kmeans_find_error(s->dims, r, s->norm[j]);
		if (low > limit)
			continue;
		double distance = kmeans_squared_distance(
			rows->x + i * rows->dims, centre + (size_t)j * (size_t)s->dims, s->dims);
		if (distance < least) {
			least = distance;
			winner = j;
		}
	}
	return winner;
}

/* Compares the rows of a block, whose scores are computed, with all centres. open: their positions among all
 * rows; NULL: from `first` on. longest: of the centres. */
static void choose_nearest(const kmeans_rows *rows, const double *centre, int32_t k,
	kmeans_search *s, double longest, int64_t first, const int64_t *open, int32_t n,
	kmeans_bounds *bounds, int32_t *label)
{
	find_two_smallest(s, k, n, s->best, s->second, s->winner);
	for (int32_t at = 0; at < n; at++) {
		int64_t i = open ? open[at] : first + at;
		double r = rows->norm[i], error = kmeans_find_error(s->dims, r, longest);
		double best = (double)s->best[at], second = (double)s->second[at];
		if (second - best > 2 * error) {
			label[i] = s->winner[at];
			if (bounds)
				kmeans_set_bounds(
					bounds, i, r * r + best + error, r * r + second - error);
		} else {
			label[i] = find_exact_nearest(rows, i, s, at, centre, k);
			if (bounds)
				kmeans_open_bounds(bounds, i);
		}
	}
}

void kmeans_find_nearest(const kmeans_rows *rows, const double *centre, int32_t k, kmeans_search *s,
	kmeans_bounds *bounds, int32_t *label)
{
	double longest = shift_centres(rows, centre, k, s);
	if (bounds)
		kmeans_begin_bounds(bounds);
	for (int64_t first = 0; first < rows->n; first += BLOCK) {
		int32_t n = (int32_t)(rows->n - first < BLOCK ? rows->n - first : BLOCK);
		const int64_t *open = bounds ? bounds->open : NULL;
		if (bounds)
			n = kmeans_find_open_rows(bounds, rows, s, first, n, label);
		kmeans_compute_scores(rows, k, first, open, n, s);
		choose_nearest(rows, centre, k, s, longest, first, open, n, bounds, label);
	}
	if (bounds)
		memset(bounds->shift, 0, (size_t)k * sizeof *bounds->shift);
}

double kmeans_compute_inertia(const kmeans_rows *rows, const double *centre, const int32_t *label)
{
	double sum = 0;
	for (int64_t i = 0; i < rows->n; i++)
		sum += kmeans_squared_distance(rows->x + i * rows->dims,
			centre + (int64_t)label[i] * rows->dims, rows->dims);
	return sum;
}
