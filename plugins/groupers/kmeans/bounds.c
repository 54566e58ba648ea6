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

static double find_margin(const kmeans_bounds *b)
{
	return 1e-9 + 4 * ((double)b->dims + 8) * 0x1p-52;
}

fv_status kmeans_prepare_bounds(
	fv_ctx *ctx, int64_t n, int32_t k, int32_t dims, kmeans_bounds *bounds)
{
	*bounds = (kmeans_bounds){.n = n,
		.k = k,
		.dims = dims,
		.upper = fv_scratch(ctx, (size_t)n * sizeof(double)),
		.lower = fv_scratch(ctx, (size_t)n * sizeof(double)),
		.shift = fv_scratch(ctx, (size_t)k * sizeof(double)),
		.open = fv_scratch(ctx, (size_t)n * sizeof(int64_t)),
		.row = fv_scratch(ctx, KMEANS_BLOCK * (size_t)dims * sizeof(float))};
	if (!bounds->upper || !bounds->lower || !bounds->shift || !bounds->open || !bounds->row)
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

/* Computes the distance of row i to its own centre. */
static double measure_own(const kmeans_bounds *b, const kmeans_rows *rows, const double *centre,
	int64_t i, int32_t label)
{
	return sqrt(kmeans_squared_distance(
		       rows->x + i * b->dims, centre + (int64_t)label * b->dims, b->dims)) *
	       (1 + find_margin(b));
}

int64_t kmeans_find_open_rows(
	kmeans_bounds *b, const kmeans_rows *rows, const double *centre, const int32_t *label)
{
	double margin = find_margin(b), largest = 0;
	int64_t n = 0;
	for (int32_t j = 0; j < b->k; j++) {
		b->shift[j] *= 1 + margin;
		largest = b->shift[j] > largest ? b->shift[j] : largest;
	}
	for (int64_t i = 0; i < b->n; i++) {
		if (isfinite(b->upper[i])) {
			b->upper[i] += b->shift[label[i]];
			b->lower[i] -= largest;
			if (b->upper[i] >= b->lower[i] && b->lower[i] > 0)
				b->upper[i] = measure_own(b, rows, centre, i, label[i]);
		}
		if (!(b->upper[i] < b->lower[i]))
			b->open[n++] = i;
	}
	memset(b->shift, 0, (size_t)b->k * sizeof *b->shift);
	return n;
}
