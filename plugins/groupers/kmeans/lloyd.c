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
	double *sum;      /* [k,D] */
	int64_t *count;   /* [k] */
	int32_t *before;  /* [n] labels of the last iteration */
	double *distance; /* [n] to the row's own centre; only computed for empty clusters */
	bool *changed;    /* [k] clusters whose sum is not that of their rows */
	kmeans_bounds bounds;
};

/* Sums the rows of the clusters that have changed, in order, so that a sum does not depend on when it was made. */
KMEANS_FAST static void add_rows(struct lloyd *l, const int32_t *label)
{
	int32_t dims = l->rows->dims;
	for (int64_t i = 0; i < l->rows->n; i++)
		if (label[i] != l->before[i]) {
			l->changed[label[i]] = true;
			if (l->before[i] >= 0)
				l->changed[l->before[i]] = true;
		}
	for (int32_t j = 0; j < l->k; j++)
		if (l->changed[j]) {
			memset(l->sum + (int64_t)j * dims, 0, (size_t)dims * sizeof *l->sum);
			l->count[j] = 0;
		}
	for (int64_t i = 0; i < l->rows->n; i++) {
		const float *restrict x = l->rows->x + i * dims;
		double *restrict sum = l->sum + (int64_t)label[i] * dims;
		if (!l->changed[label[i]])
			continue;
		for (int32_t d = 0; d < dims; d++)
			sum[d] += (double)x[d];
		l->count[label[i]]++;
	}
	memset(l->changed, 0, (size_t)l->k * sizeof *l->changed);
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
		for (int32_t d = 0; d < dims; d++) {
			double value = (double)l->rows->x[row * dims + d];
			l->sum[(int64_t)label[row] * dims + d] -= value;
			l->sum[(int64_t)j * dims + d] = value;
		}
		l->count[label[row]]--;
		l->count[j] = 1;
		l->changed[j] = l->changed[label[row]] = true;
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
			double mean = l->sum[at] / (double)l->count[j];
			shift += (mean - centre[at]) * (mean - centre[at]);
			centre[at] = mean;
		}
		l->bounds.shift[j] = sqrt(shift);
		all += shift;
	}
	return all;
}

fv_status kmeans_run_lloyd(
	fv_ctx *ctx, const kmeans_rows *rows, double tol, int64_t max_iter, kmeans_model *model)
{
	size_t n = (size_t)rows->n, k = (size_t)model->k;
	struct lloyd l = {.rows = rows,
		.k = model->k,
		.sum = fv_scratch(ctx, k * (size_t)rows->dims * sizeof(double)),
		.count = fv_scratch(ctx, k * sizeof(int64_t)),
		.before = fv_scratch(ctx, n * sizeof(int32_t)),
		.distance = fv_scratch(ctx, n * sizeof(double)),
		.changed = fv_scratch(ctx, k * sizeof(bool))};
	kmeans_search search;
	if (!l.sum || !l.count || !l.before || !l.distance || !l.changed ||
		kmeans_prepare_search(ctx, model->k, rows->dims, &search) ||
		kmeans_prepare_bounds(ctx, rows->n, model->k, rows->dims, &l.bounds))
		return FV_FAILED;
	memset(l.changed, true, k * sizeof *l.changed);
	double limit = tol * rows->variance;
	bool same = false; /* label belongs to the current centres */
	model->converged = false;
	memset(l.before, -1, n * sizeof *l.before);
	for (model->iterations = 0; model->iterations < max_iter && !model->converged;) {
		kmeans_find_nearest(
			rows, model->centre, model->k, &search, &l.bounds, model->label);
		add_rows(&l, model->label);
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
