/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/reliability.h"

#include <math.h>
#include <stdlib.h>

struct point {
	float prob, label;
	int64_t row;
};

static int compare_points(const void *a, const void *b)
{
	const struct point *x = a, *y = b;
	if (x->prob != y->prob)
		return x->prob < y->prob ? -1 : 1;
	return (x->label > y->label) - (x->label < y->label);
}

/* The first place of a bin among n sorted rows. */
static int64_t find_edge(int64_t n, int64_t bin)
{
	return bin * n / CORE_ECE_BINS;
}

/* Finds the cell of the rows [from, to), which have one probability, and opens a new one for a tie that is in
 * several bins. `bin` is where they begin. */
static int32_t find_cell(core_reliability *b, int32_t bin, int64_t from, int64_t to)
{
	if (to <= find_edge(b->n, bin + 1))
		return bin;
	b->from[b->n_ties] = from;
	b->to[b->n_ties] = to;
	return CORE_ECE_BINS + b->n_ties++;
}

static void fill_bins(const struct point *point, uint8_t *cell, core_reliability *b)
{
	int32_t bin = 0;
	for (int64_t i = 0, end; i < b->n; i = end) {
		for (end = i + 1; end < b->n && point[end].prob == point[i].prob;)
			end++;
		while (i >= find_edge(b->n, bin + 1))
			bin++;
		int32_t own = find_cell(b, bin, i, end);
		for (int64_t k = i; k < end; k++) {
			double p = (double)point[k].prob, y = (double)point[k].label;
			while (k >= find_edge(b->n, bin + 1))
				bin++;
			b->prob[bin] += p;
			b->label[own] += y;
			b->brier += (p - y) * (p - y);
			if (cell)
				cell[point[k].row] = (uint8_t)own;
		}
	}
}

fv_status core_reliability_make(fv_ctx *ctx, const core_eval_set *set, int32_t class_index,
	int64_t n, const int64_t *row, uint8_t *cell, core_reliability *out)
{
	struct point *point = malloc(((size_t)n + 1) * sizeof *point);
	*out = (core_reliability){.n = n};
	if (!point)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	for (int64_t i = 0; i < n; i++) {
		int64_t at = row[i] * set->C + class_index;
		point[i] = (struct point){set->prob[at], set->label[at], row[i]};
	}
	qsort(point, (size_t)n, sizeof *point, compare_points);
	fill_bins(point, cell, out);
	free(point);
	return FV_OK;
}

/* Adds to each bin its share of a tie's labels. */
static void spread_tie(const core_reliability *b, int32_t tie, double label, double *sum)
{
	double each = label / (double)(b->to[tie] - b->from[tie]);
	for (int64_t bin = 0; bin < CORE_ECE_BINS; bin++) {
		int64_t from = find_edge(b->n, bin), to = find_edge(b->n, bin + 1);
		from = from > b->from[tie] ? from : b->from[tie];
		to = to < b->to[tie] ? to : b->to[tie];
		if (from < to)
			sum[bin] += each * (double)(to - from);
	}
}

int64_t core_reliability_rows(const core_reliability *b, int32_t bin)
{
	return find_edge(b->n, bin + 1) - find_edge(b->n, bin);
}

void core_reliability_sum(const core_reliability *b, const double *label, double *sum)
{
	for (int32_t bin = 0; bin < CORE_ECE_BINS; bin++)
		sum[bin] = label[bin];
	for (int32_t tie = 0; tie < b->n_ties; tie++)
		spread_tie(b, tie, label[CORE_ECE_BINS + tie], sum);
}

double core_reliability_ece(const core_reliability *b, const double *label)
{
	double sum[CORE_ECE_BINS], ece = 0;
	core_reliability_sum(b, label, sum);
	for (int32_t bin = 0; bin < CORE_ECE_BINS; bin++)
		ece += fabs(b->prob[bin] - sum[bin]);
	return b->n ? ece / (double)b->n : NAN;
}
