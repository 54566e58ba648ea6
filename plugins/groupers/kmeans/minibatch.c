/* SPDX-License-Identifier: Apache-2.0 */
/* Mini-batch k-means: D. Sculley, "Web-scale k-means clustering", WWW 2010, with scikit-learn's
 * rules (MiniBatchKMeans, init given) for stopping and for centres with few rows:
 * - A centre is the running mean of all rows ever assigned to it. The start counts as no row.
 * - Every 10 k rows, and as long as a centre has no rows, centres with less than
 *   reassignment_ratio of the largest count are moved to rows of the batch, at most half a batch
 *   of them. They get the smallest count of the other centres.
 * - From the second batch on the batch inertia is smoothed with weight min(1, 2 batch / (n + 1)).
 *   Stop when all squared shifts sum to at most tol times the mean column variance, or when the
 *   smoothed inertia has not improved for max_no_improvement batches.
 */
#include "kmeans.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct counted {
	double count;
	int32_t centre;
};

struct minibatch {
	const kmeans_rows *rows;
	const kmeans_minibatch_options *options;
	fv_stream *stream;
	int32_t k;
	kmeans_rows batch;
	float *x;               /* the same as batch.x, but writable */
	int32_t *label;         /* [batch] */
	int64_t *order;         /* [batch] for draws without replacement */
	double *centre;         /* [k,D] */
	double *next;           /* [k,D] */
	double *count;          /* [k] */
	bool *reassign;         /* [k] */
	struct counted *sorted; /* [k] */
	kmeans_search search;
	int64_t since_reassigned, without_improvement;
	double smoothed, least;
};

static void draw_batch(struct minibatch *m)
{
	size_t dims = (size_t)m->rows->dims, width = dims * sizeof(float);
	for (int64_t i = 0; i < m->batch.n; i++) {
		size_t row = (size_t)fv_below(m->stream, (uint64_t)m->rows->n);
		memcpy(m->x + (size_t)i * dims, m->rows->x + row * dims, width);
		m->batch.norm[i] = m->rows->norm[row];
	}
}

/* Writes the running means, including the batch, into next. */
static void update_means(struct minibatch *m)
{
	int32_t dims = m->rows->dims;
	for (int32_t j = 0; j < m->k; j++)
		for (int32_t d = 0; d < dims; d++)
			m->next[(int64_t)j * dims + d] =
				m->centre[(int64_t)j * dims + d] * m->count[j];
	for (int64_t i = 0; i < m->batch.n; i++) {
		double *sum = m->next + (int64_t)m->label[i] * dims;
		for (int32_t d = 0; d < dims; d++)
			sum[d] += (double)m->batch.x[i * dims + d];
		m->count[m->label[i]]++;
	}
	for (int32_t j = 0; j < m->k; j++) {
		size_t at = (size_t)j * (size_t)dims;
		for (int32_t d = 0; d < dims && m->count[j] > 0; d++)
			m->next[at + (size_t)d] /= m->count[j];
		if (!(m->count[j] > 0))
			memcpy(m->next + at, m->centre + at, (size_t)dims * sizeof *m->next);
	}
}

static bool is_reassignment_due(struct minibatch *m)
{
	bool due = false;
	for (int32_t j = 0; j < m->k; j++)
		due = due || !(m->count[j] > 0);
	m->since_reassigned += m->batch.n;
	if (!due && m->since_reassigned < 10 * (int64_t)m->k)
		return false;
	m->since_reassigned = 0;
	return true;
}

static int compare_count(const void *a, const void *b)
{
	const struct counted *x = a, *y = b;
	if (x->count != y->count)
		return x->count < y->count ? -1 : 1;
	return (x->centre > y->centre) - (x->centre < y->centre);
}

/* Marks the centres with too few rows; at most half a batch of them, those with the fewest rows
 * first. Returns their number, and the smallest count of the other centres. */
static int32_t choose_centres(struct minibatch *m, double *smallest_other)
{
	double largest = 0;
	for (int32_t j = 0; j < m->k; j++) {
		m->sorted[j] = (struct counted){m->count[j], j};
		largest = m->count[j] > largest ? m->count[j] : largest;
	}
	qsort(m->sorted, (size_t)m->k, sizeof *m->sorted, compare_count);
	memset(m->reassign, 0, (size_t)m->k * sizeof *m->reassign);
	int32_t n = 0;
	while (n < m->batch.n / 2 && m->sorted[n].count < m->options->reassignment_ratio * largest)
		m->reassign[m->sorted[n++].centre] = true;
	*smallest_other = m->sorted[n].count;
	return n;
}

static void reassign_centres(struct minibatch *m)
{
	int32_t dims = m->rows->dims;
	double smallest_other;
	if (!choose_centres(m, &smallest_other))
		return;
	for (int64_t i = 0; i < m->batch.n; i++)
		m->order[i] = i;
	int64_t taken = 0;
	for (int32_t j = 0; j < m->k; j++) {
		if (!m->reassign[j])
			continue;
		int64_t other =
			taken + (int64_t)fv_below(m->stream, (uint64_t)(m->batch.n - taken));
		int64_t row = m->order[other];
		m->order[other] = m->order[taken++];
		for (int32_t d = 0; d < dims; d++)
			m->next[(int64_t)j * dims + d] = (double)m->batch.x[row * dims + d];
		m->count[j] = smallest_other;
	}
}

/* Runs one batch. Returns the sum of squared shifts, and the batch's mean inertia before the
 * update. */
static double run_batch(struct minibatch *m, double *inertia)
{
	bool due = is_reassignment_due(m);
	draw_batch(m);
	kmeans_find_nearest(&m->batch, m->centre, m->k, &m->search, NULL, m->label);
	*inertia = kmeans_compute_inertia(&m->batch, m->centre, m->label) / (double)m->batch.n;
	update_means(m);
	if (due)
		reassign_centres(m);
	double shift = 0;
	for (int64_t at = 0; at < (int64_t)m->k * m->rows->dims; at++)
		shift += (m->next[at] - m->centre[at]) * (m->next[at] - m->centre[at]);
	double *swap = m->centre;
	m->centre = m->next;
	m->next = swap;
	return shift;
}

/* Decides whether to stop after batch `number`, counted from 1. The inertia of the first batch is
 * that of the start and is not used. */
static bool has_converged(struct minibatch *m, int64_t number, double inertia, double shift)
{
	if (number == 1)
		return false;
	double weight = 2 * (double)m->batch.n / ((double)m->rows->n + 1);
	weight = weight < 1 ? weight : 1;
	m->smoothed = number == 2 ? inertia : m->smoothed * (1 - weight) + inertia * weight;
	if (m->options->tol > 0 && shift <= m->options->tol * m->rows->variance)
		return true;
	m->without_improvement++;
	if (m->smoothed < m->least) {
		m->least = m->smoothed;
		m->without_improvement = 0;
	}
	return m->without_improvement >= m->options->max_no_improvement;
}

static fv_status allocate_batch(fv_ctx *ctx, struct minibatch *m, int64_t batch)
{
	size_t n = (size_t)batch, dims = (size_t)m->rows->dims, k = (size_t)m->k;
	m->batch = *m->rows;
	m->batch.n = batch;
	m->batch.x = m->x = fv_scratch(ctx, n * dims * sizeof(float));
	m->batch.norm = fv_scratch(ctx, n * sizeof(double));
	m->label = fv_scratch(ctx, n * sizeof *m->label);
	m->order = fv_scratch(ctx, n * sizeof *m->order);
	m->next = fv_scratch(ctx, k * dims * sizeof *m->next);
	m->count = fv_scratch(ctx, k * sizeof *m->count);
	m->reassign = fv_scratch(ctx, k * sizeof *m->reassign);
	m->sorted = fv_scratch(ctx, k * sizeof *m->sorted);
	if (!m->batch.x || !m->batch.norm || !m->label || !m->order || !m->next || !m->count ||
		!m->reassign || !m->sorted)
		return FV_FAILED;
	memset(m->count, 0, k * sizeof *m->count);
	return kmeans_prepare_search(ctx, m->k, m->rows->dims, &m->search);
}

fv_status kmeans_run_minibatch(fv_ctx *ctx, const kmeans_rows *rows,
	const kmeans_minibatch_options *options, fv_stream *stream, kmeans_model *model)
{
	int64_t batch = options->batch < rows->n ? options->batch : rows->n;
	int64_t steps = options->max_iter * rows->n / batch, done = 0;
	struct minibatch m = {.rows = rows,
		.options = options,
		.stream = stream,
		.k = model->k,
		.centre = model->centre,
		.least = INFINITY};
	fv_status status = allocate_batch(ctx, &m, batch);
	if (status)
		return status;
	model->converged = false;
	while (done < steps && !model->converged) {
		double inertia, shift = run_batch(&m, &inertia);
		model->converged = has_converged(&m, ++done, inertia, shift);
	}
	if (m.centre != model->centre) {
		size_t size = (size_t)m.k * (size_t)rows->dims * sizeof *m.centre;
		memcpy(model->centre, m.centre, size);
	}
	kmeans_find_nearest(rows, model->centre, model->k, &m.search, NULL, model->label);
	model->inertia = kmeans_compute_inertia(rows, model->centre, model->label);
	model->iterations = (done * batch + rows->n - 1) / rows->n;
	return FV_OK;
}
