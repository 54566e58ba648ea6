/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/calibration.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/stream.h"
#include "eval/reliability.h"
#include "eval/summary.h"

#define SUMS_TO_ONE 1e-3 /* how far the sum of a row's probabilities may be from 1 */

int64_t core_eval_select_rows(
	const core_eval_set *set, const int32_t *id, int32_t group, int64_t *row)
{
	int64_t n = 0;
	for (int64_t i = 0; i < set->n; i++)
		if (!id || id[i] == group)
			row[n++] = i;
	return n;
}

fv_status core_calibration_compute(fv_ctx *ctx, const core_eval_set *set, const int32_t *id,
	int32_t group, core_calibration *out)
{
	int64_t *row = malloc(((size_t)set->n + 1) * sizeof *row);
	*out = (core_calibration){0};
	if (!row)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	int64_t n = core_eval_select_rows(set, id, group, row);
	fv_status status = FV_OK;
	for (int32_t c = 0; c < set->C && !status; c++) {
		core_reliability bins;
		status = core_reliability_make(ctx, set, c, n, row, NULL, &bins);
		out->ece += core_reliability_ece(&bins, bins.label) / set->C;
		out->brier += bins.brier / (double)n / set->C;
	}
	free(row);
	return status;
}

/* --- the null of ECE -------------------------------------------------------------------------- */

/* A set of selections that share no row: all rows, or the groups of an attribute. */
struct partition {
	const int32_t *id; /* [n]; NULL: all rows are in selection 0 */
	int32_t G;
	int64_t first;          /* its selections among all */
	uint8_t *cell;          /* [C, n] */
	core_reliability *bins; /* [G, C] */
	int32_t *count;         /* [G, C, CORE_ECE_CELLS] drawn labels */
};

struct null {
	const core_eval_set *set;
	int64_t *
		order; /* [n] the rows, sorted by their probabilities: draws do not depend on their order */
	bool sums_to_one;
	int32_t n_partitions;
	struct partition *partition;
	int64_t selections;
	size_t counts;  /* of all partitions, one after the other */
	int32_t *count; /* [counts + 1]; the last one is of rows outside a partition */
	int32_t *place; /* [n, C, n_partitions] in `count`, rows in order */
	double *trace;  /* [draws, selections] */
};

static int compare_rows(const void *a, const void *b, void *user)
{
	const core_eval_set *set = user;
	const float *x = set->prob + *(const int64_t *)a * set->C;
	const float *y = set->prob + *(const int64_t *)b * set->C;
	for (int32_t c = 0; c < set->C; c++)
		if (x[c] != y[c])
			return x[c] < y[c] ? -1 : 1;
	return 0;
}

static bool do_rows_sum_to_one(const core_eval_set *set)
{
	for (int64_t i = 0; i < set->n; i++) {
		double sum = 0;
		for (int32_t c = 0; c < set->C; c++)
			sum += (double)set->prob[i * set->C + c];
		if (fabs(sum - 1) > SUMS_TO_ONE)
			return false;
	}
	return true;
}

static fv_status make_partition(
	fv_ctx *ctx, const core_eval_set *set, int64_t *row, struct partition *p)
{
	size_t C = (size_t)set->C, G = (size_t)p->G;
	p->cell = core_alloc(ctx, C * (size_t)set->n + 1, sizeof *p->cell);
	p->bins = core_alloc(ctx, G * C + 1, sizeof *p->bins);
	fv_status status = p->cell && p->bins ? FV_OK : FV_FAILED;
	for (size_t g = 0; g < G; g++) {
		int64_t n = core_eval_select_rows(set, p->id, (int32_t)g, row);
		for (size_t c = 0; c < C && !status; c++)
			status = core_reliability_make(ctx, set, (int32_t)c, n, row,
				p->cell + c * (size_t)set->n, &p->bins[g * C + c]);
	}
	return status;
}

/* Finds which counts a label of a row and class belongs to. */
static fv_status place_labels(fv_ctx *ctx, struct null *s)
{
	int32_t C = s->set->C, K = s->n_partitions;
	size_t n = (size_t)s->set->n;
	for (int32_t k = 0; k < K; k++)
		s->counts += (size_t)s->partition[k].G * (size_t)C * CORE_ECE_CELLS;
	s->count = core_alloc(ctx, s->counts + 1, sizeof *s->count);
	s->place = core_alloc(ctx, n * (size_t)C * (size_t)K + 1, sizeof *s->place);
	if (!s->count || !s->place)
		return FV_FAILED;
	int32_t *next = s->place, first = 0;
	for (int32_t k = 0; k < K; k++) {
		s->partition[k].count = s->count + first;
		first += s->partition[k].G * C * CORE_ECE_CELLS;
	}
	for (size_t i = 0; i < n; i++)
		for (int32_t c = 0; c < C; c++)
			for (int32_t k = 0; k < K; k++) {
				const struct partition *p = &s->partition[k];
				int64_t row = s->order[i];
				int32_t g = p->id ? p->id[row] : 0;
				*next++ = g < 0 ? (int32_t)s->counts
						: (int32_t)(p->count - s->count) +
							  (g * C + c) * CORE_ECE_CELLS +
							  p->cell[c * s->set->n + row];
			}
	return FV_OK;
}

static fv_status make_null(fv_ctx *ctx, const core_eval_set *set, int32_t n_attributes,
	const core_eval_attribute *attributes, int64_t draws, struct null *out)
{
	size_t n = (size_t)set->n, partitions = 1 + (size_t)n_attributes;
	*out = (struct null){.set = set,
		.n_partitions = (int32_t)partitions,
		.sums_to_one = do_rows_sum_to_one(set)};
	out->order = core_alloc(ctx, n + 1, sizeof *out->order);
	out->partition = core_alloc(ctx, partitions, sizeof *out->partition);
	int64_t *row = core_alloc(ctx, n + 1, sizeof *row);
	if (!out->order || !out->partition || !row)
		return FV_FAILED;
	fv_status status = FV_OK;
	for (size_t k = 0; k < partitions && !status; k++) {
		struct partition *p = &out->partition[k];
		p->id = k ? attributes[k - 1].id : NULL;
		p->G = k ? attributes[k - 1].G : 1;
		p->first = out->selections;
		out->selections += p->G;
		status = make_partition(ctx, set, row, p);
	}
	core_eval_select_rows(set, NULL, 0, out->order);
	qsort_r(out->order, n, sizeof *out->order, compare_rows, (void *)set);
	if (!status)
		status = place_labels(ctx, out);
	size_t values = (size_t)draws * (size_t)out->selections;
	out->trace = core_alloc(ctx, values + 1, sizeof *out->trace);
	return status || out->trace ? status : FV_FAILED;
}

/* Counts a drawn label of a class in every selection that row i of the order is in. */
static void add_label(const struct null *s, int64_t i, int32_t c)
{
	const int32_t *place = s->place + (i * s->set->C + c) * s->n_partitions;
	for (int32_t k = 0; k < s->n_partitions; k++)
		s->count[place[k]]++;
}

static void draw_row(const struct null *s, int64_t i, fv_stream *stream)
{
	const float *prob = s->set->prob + s->order[i] * s->set->C;
	int32_t C = s->set->C, drawn = 0;
	if (!s->sums_to_one) {
		for (int32_t c = 0; c < C; c++)
			if (fv_uniform(stream) < (double)prob[c])
				add_label(s, i, c);
		return;
	}
	double u = fv_uniform(stream);
	for (int32_t c = 0; c + 1 < C; c++) { /* u falls: the first class below whose sum it was */
		u -= (double)prob[c];
		drawn += u >= 0;
	}
	add_label(s, i, drawn);
}

static void draw_labels(const struct null *s, const core_draws *draws, int64_t b)
{
	fv_stream stream = core_stream(draws->seed, 0, "eval.calibration", b, 0);
	memset(s->count, 0, s->counts * sizeof *s->count);
	for (int64_t i = 0; i < s->set->n; i++)
		draw_row(s, i, &stream);
}

/* Computes the mean ECE over classes of each selection -> out [selections]. */
static void compute_drawn(const struct null *s, double *out)
{
	int32_t C = s->set->C;
	for (int32_t k = 0; k < s->n_partitions; k++) {
		const struct partition *p = &s->partition[k];
		for (int32_t g = 0; g < p->G; g++) {
			double sum = 0;
			for (int32_t c = 0; c < C; c++) {
				int64_t i = (int64_t)g * C + c;
				double label[CORE_ECE_CELLS];
				for (int32_t cell = 0; cell < CORE_ECE_CELLS; cell++)
					label[cell] = p->count[i * CORE_ECE_CELLS + cell];
				sum += core_reliability_ece(&p->bins[i], label);
			}
			out[p->first + g] = sum / C;
		}
	}
}

/* Adds the null of one selection to its estimate. */
static void set_null(const struct null *s, int64_t draws, int64_t selection, double *sorted,
	core_estimate *estimate)
{
	int64_t n = core_sorted_column(s->trace, draws, s->selections, selection, sorted);
	core_null_summary(sorted, n, CORE_UPPER_TAIL, estimate);
}

fv_status core_calibration_assess(fv_ctx *ctx, const core_eval_set *set,
	const core_eval_attribute *attributes, const core_draws *draws, core_metrics *m)
{
	struct null s;
	int64_t n = draws->n < CORE_CALIBRATION_DRAWS ? draws->n : CORE_CALIBRATION_DRAWS;
	core_mark before = core_ctx_mark(ctx); /* releases the null's memory */
	double *sorted = core_alloc(ctx, (size_t)n + 1, sizeof *sorted);
	fv_status status =
		sorted ? make_null(ctx, set, m->n_attributes, attributes, n, &s) : FV_FAILED;
	for (int64_t b = 0; b < n && !status; b++) {
		draw_labels(&s, draws, b);
		compute_drawn(&s, s.trace + b * s.selections);
	}
	if (!status)
		set_null(&s, n, 0, sorted, &m->metric[CORE_ECE]);
	for (int32_t a = 0; a < m->n_attributes && !status; a++)
		for (int32_t g = 0; g < attributes[a].G; g++)
			set_null(&s, n, s.partition[1 + a].first + g, sorted,
				&m->attribute[a].group_metric[g * CORE_METRICS + CORE_ECE]);
	core_ctx_release(ctx, before);
	return status;
}
