/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/dev_threshold.h"

#include <stdlib.h>

typedef struct scored_row {
	float prob;
	bool positive;
} scored_row;

static int compare_scores(const void *a, const void *b)
{
	float x = ((const scored_row *)a)->prob, y = ((const scored_row *)b)->prob;
	return (x > y) - (x < y);
}

/* Finds the best threshold among 0 and the probabilities of n rows in ascending order. F1 is compared by
 * its fraction 2 TP / (predicted + positives) in whole numbers, so that ties are exact. */
static float find_best(const scored_row *row, int64_t n, int64_t positives)
{
	int64_t hit = positives, predicted = n, best_hit = -1, best_sum = 1;
	float best = 0;
	int64_t i = 0;
	for (float threshold = 0;; threshold = row[i].prob) {
		for (; i < n && row[i].prob <= threshold; i++) {
			predicted--;
			hit -= row[i].positive;
		}
		int64_t sum = predicted + positives;
		if (hit * best_sum > best_hit * sum) {
			best = threshold;
			best_hit = hit;
			best_sum = sum;
		}
		if (i == n)
			return best;
	}
}

fv_status core_choose_thresholds(fv_ctx *ctx, const core_eval_set *dev, float *by_class)
{
	float label = core_eval_threshold(dev);
	size_t n = (size_t)dev->n;
	scored_row *row = malloc((n ? n : 1) * sizeof *row);
	if (!row)
		return fv_fail(ctx, FV_FAILED, "out of memory (%zu rows)", n);
	for (int32_t c = 0; c < dev->C; c++) {
		int64_t positives = 0;
		for (int64_t i = 0; i < dev->n; i++) {
			int64_t cell = i * dev->C + c;
			row[i] = (scored_row){dev->prob[cell], dev->label[cell] > label};
			positives += row[i].positive;
		}
		qsort(row, n, sizeof *row, compare_scores);
		by_class[c] = positives ? find_best(row, dev->n, positives)
			      : dev->n  ? core_eval_cut(dev, c)
					: label;
	}
	free(row);
	return FV_OK;
}
