/* SPDX-License-Identifier: Apache-2.0 */
/* Bounds between iterations: G. Hamerly, "Making k-means even faster", SDM 2010. A row whose own centre is nearer than
 * every other one can be keeps its label, so that only the other rows, few after some iterations, are compared. Own
 * centres come nearer or go away by at most their shift, all others by at most the largest shift.
 *
 * kmeans_squared_distance has a relative error of at most (D+8) 2^-52. Bounds are therefore widened by a margin that
 * exceeds it, and all rounding here, many times: where they exclude the other centres, kmeans_squared_distance does
 * so too, and labels are those of a comparison with all centres. */
#include "kmeans.h"

#include <math.h>
#include <string.h>

/* Comparing a row with this many centres costs no more than measuring its distance to its own. */
enum { MEASURE_ABOVE = 8 };

static double find_margin(const kmeans_bounds *b)
{
	return 1e-9 + 4 * ((double)b->dims + 8) * 0x1p-52;
}

fv_status kmeans_prepare_bounds(
	fv_ctx *ctx, int64_t n, int32_t k, int32_t dims, kmeans_bounds *bounds)
{
	*bounds = (kmeans_bounds){.k = k,
		.dims = dims,
		.upper = fv_scratch(ctx, (size_t)n * sizeof(double)),
		.lower = fv_scratch(ctx, (size_t)n * sizeof(double)),
		.shift = fv_scratch(ctx, (size_t)k * sizeof(double)),
		.open = fv_scratch(ctx, KMEANS_BLOCK * sizeof(int64_t))};
	if (!bounds->upper || !bounds->lower || !bounds->shift || !bounds->open)
		return FV_FAILED;
	for (int64_t i = 0; i < n; i++)
		kmeans_open_bounds(bounds, i);
	memset(bounds->shift, 0, (size_t)k * sizeof *bounds->shift);
	return FV_OK;
}

void kmeans_open_bounds(kmeans_bounds *b, int64_t i)
{
	b->upper[i] = INFINITY;
	b->lower[i] = 0;
}

void kmeans_set_bounds(kmeans_bounds *b, int64_t i, double upper2, double lower2)
{
	double margin = find_margin(b);
	b->upper[i] = sqrt(upper2 > 0 ? upper2 : 0) * (1 + margin);
	b->lower[i] = sqrt(lower2 > 0 ? lower2 : 0) * (1 - margin);
}

/* Returns an upper bound of the distance of row i to its own centre, from float32. */
static double measure_own(const kmeans_bounds *b, const kmeans_rows *rows, const kmeans_search *s,
	int64_t i, int32_t label, double margin)
{
	double r = rows->norm[i];
	double square = r * r +
			(double)(kmeans_compute_score(rows, i, label, s) + s->square[label]) +
			kmeans_find_error(b->dims, r, s->norm[label]);
	return sqrt(square <= 0 ? 0 : square) * (1 + margin);
}

void kmeans_begin_bounds(kmeans_bounds *b)
{
	double margin = find_margin(b);
	b->largest = 0;
	for (int32_t j = 0; j < b->k; j++) {
		b->shift[j] *= 1 + margin;
		b->largest = b->shift[j] > b->largest ? b->shift[j] : b->largest;
	}
}

/* Lists the rows of a block that their bounds leave open. */
static int32_t list_open_rows(kmeans_bounds *b, int64_t first, int32_t n, const int32_t *label)
{
	int32_t count = 0;
	for (int64_t i = first; i < first + n; i++) {
		if (isfinite(b->upper[i])) {
			b->upper[i] += b->shift[label[i]];
			b->lower[i] -= b->largest;
		}
		b->open[count] = i;
		count += !(b->upper[i] < b->lower[i]);
	}
	return count;
}

int32_t kmeans_find_open_rows(kmeans_bounds *b, const kmeans_rows *rows, const kmeans_search *s,
	int64_t first, int32_t n, const int32_t *label)
{
	double margin = find_margin(b);
	int32_t listed = list_open_rows(b, first, n, label), count = 0;
	for (int32_t at = 0; at < listed; at++) {
		int64_t i = b->open[at];
		if (at + 1 < listed)
			kmeans_prefetch_row(rows, b->open[at + 1]);
		if (b->k > MEASURE_ABOVE && isfinite(b->upper[i]) && b->lower[i] > 0)
			b->upper[i] = measure_own(b, rows, s, i, label[i], margin);
		b->open[count] = i;
		count += !(b->upper[i] < b->lower[i]);
	}
	return count;
}
