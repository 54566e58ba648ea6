/* SPDX-License-Identifier: Apache-2.0 */
/* Lloyd's algorithm: S. Lloyd, "Least squares quantization in PCM", IEEE Trans. Inf. Theory 28,
 * 1982.
 *
 * Stops when no label changes, when the squared shifts of all centres sum to at most tol times the
 * mean variance of the columns, or after max_iter iterations. Labels are those of the final
 * centres. A cluster that becomes empty moves to the row that is farthest from its own centre; that
 * row no longer counts in the mean of its old cluster.
 */
#include "kmeans.h"

#include <math.h>
#include <string.h>

struct lloyd {
	const kmeans_rows *rows;
	int32_t k;
	/* [k,D] their sum is that of a cluster's rows, exact unless these span more than 75 binary digits */
	double *sum, *low;
	int64_t *count;   /* [k] rows of a sum */
	int32_t *owner;   /* [n] cluster whose sum has the row, -1: none */
	int32_t *before;  /* [n] labels of the last iteration */
	double *distance; /* [n] to the row's own centre; only computed for empty clusters */
	kmeans_bounds bounds;
};

/* Adds a row, or takes it away (sign -1), without rounding: low gets what the addition to high loses (D. Knuth, The Art
 * of Computer Programming, vol. 2, 4.2.2, theorem B). */
KMEANS_FAST static void add_row(const float *restrict row, int32_t dims, double sign,
	double *restrict high, double *restrict low)
{
	for (int32_t d = 0; d < dims; d++) {
		double x = sign * (double)row[d], sum = high[d] + x, added = sum - high[d];
		low[d] += (high[d] - (sum - added)) + (x - added);
		high[d] = sum;
	}
}

static void move_row(struct lloyd *l, int64_t i, int32_t to)
{
	int64_t dims = l->rows->dims, from = l->owner[i];
	const float *row = l->rows->x + i * dims;
	if (from >= 0) {
		add_row(row, (int32_t)dims, -1, l->sum + from * dims, l->low + from * dims);
		if (--l->count[from] == 0) { /* exactly 0, whatever was rounded */
			memset(l->sum + from * dims, 0, (size_t)dims * sizeof *l->sum);
			memset(l->low + from * dims, 0, (size_t)dims * sizeof *l->low);
		}
	}
	add_row(row, (int32_t)dims, 1, l->sum + to * dims, l->low + to * dims);
	l->count[to]++;
	l->owner[i] = to;
}

/* Returns the row farthest from its centre among clusters with more than one row, the lowest row on
 * ties; -1 if all rows lie on their centres. */
static int64_t find_farthest(const struct lloyd *l, const int32_t *label)
{
	int64_t far = -1;
	for (int64_t i = 0; i < l->rows->n; i++)
		if (l->count[label[i]] > 1 && l->distance[i] > (far < 0 ? 0 : l->distance[far]))
			far = i;
	return far;
}

/* Moves empty clusters. Returns true if a row has changed its cluster. */
static bool fill_empty(struct lloyd *l, const double *centre, const int32_t *label)
{
	int32_t dims = l->rows->dims;
	bool measured = false, moved = false;
	for (int32_t j = 0; j < l->k; j++) {
		if (l->count[j])
			continue;
		for (int64_t i = 0; i < l->rows->n && !measured; i++)
			l->distance[i] = kmeans_squared_distance(
				l->rows->x + i * dims, centre + (int64_t)label[i] * dims, dims);
		measured = true;
		int64_t row = find_farthest(l, label);
		if (row < 0)
			break;
		move_row(l, row, j);
		l->distance[row] = 0; /* each row moves only once */
		moved = true;
	}
	return moved;
}

/* Writes the means into centre and returns the sum of squared shifts. A cluster that is still empty
 * does not move. */
static double move_centres(struct lloyd *l, double *centre)
{
	double all = 0;
	for (int32_t j = 0; j < l->k; j++) {
		double shift = 0;
		for (int32_t d = 0; d < l->rows->dims && l->count[j]; d++) {
			int64_t at = (int64_t)j * l->rows->dims + d;
			double mean = (l->sum[at] + l->low[at]) / (double)l->count[j];
			shift += (mean - centre[at]) * (mean - centre[at]);
			centre[at] = mean;
		}
		l->bounds.shift[j] = sqrt(shift);
		all += shift;
	}
	return all;
}

static fv_status prepare_lloyd(fv_ctx *ctx, const kmeans_rows *rows, int32_t k, struct lloyd *l)
{
	size_t n = (size_t)rows->n, width = (size_t)k * (size_t)rows->dims;
	*l = (struct lloyd){.rows = rows,
		.k = k,
		.sum = fv_scratch(ctx, 2 * width * sizeof(double)),
		.count = fv_scratch(ctx, (size_t)k * sizeof(int64_t)),
		.owner = fv_scratch(ctx, n * sizeof(int32_t)),
		.before = fv_scratch(ctx, n * sizeof(int32_t)),
		.distance = fv_scratch(ctx, n * sizeof(double))};
	if (!l->sum || !l->count || !l->owner || !l->before || !l->distance)
		return FV_FAILED;
	l->low = l->sum + width;
	memset(l->sum, 0, 2 * width * sizeof *l->sum);
	memset(l->count, 0, (size_t)k * sizeof *l->count);
	memset(l->owner, -1, n * sizeof *l->owner);
	memset(l->before, -1, n * sizeof *l->before);
	return kmeans_prepare_bounds(ctx, rows->n, k, rows->dims, &l->bounds);
}

fv_status kmeans_run_lloyd(
	fv_ctx *ctx, const kmeans_rows *rows, double tol, int64_t max_iter, kmeans_model *model)
{
	size_t n = (size_t)rows->n;
	struct lloyd l;
	kmeans_search search;
	if (prepare_lloyd(ctx, rows, model->k, &l) ||
		kmeans_prepare_search(ctx, model->k, rows->dims, &search))
		return FV_FAILED;
	double limit = tol * rows->variance;
	bool same = false; /* label belongs to the current centres */
	model->converged = false;
	for (model->iterations = 0; model->iterations < max_iter && !model->converged;) {
		kmeans_find_nearest(
			rows, model->centre, model->k, &search, &l.bounds, model->label);
		for (int64_t i = 0; i < rows->n; i++)
			if (l.owner[i] != model->label[i])
				move_row(&l, i, model->label[i]);
		bool moved = fill_empty(&l, model->centre, model->label);
		double shift = move_centres(&l, model->centre);
		same = !memcmp(model->label, l.before, n * sizeof *l.before);
		model->converged = same || shift <= limit;
		same = same && !moved;
		model->iterations++;
		memcpy(l.before, model->label, n * sizeof *l.before);
	}
	if (!same)
		kmeans_find_nearest(
			rows, model->centre, model->k, &search, &l.bounds, model->label);
	model->inertia = kmeans_compute_inertia(rows, model->centre, model->label);
	return FV_OK;
}
