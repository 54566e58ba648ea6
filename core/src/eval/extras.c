/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/extras.h"

#include <math.h>
#include <stdlib.h>

#include "eval/summary.h"

struct scored {
	float score;
	bool real;
};

static int compare_falling(const void *a, const void *b)
{
	float x = ((const struct scored *)a)->score, y = ((const struct scored *)b)->score;
	return (x < y) - (x > y);
}

/* Returns how many rows from i on share one score; counts the positives among them. */
static int64_t count_tie(const struct scored *s, int64_t n, int64_t i, int64_t *positives)
{
	int64_t end = i;
	*positives = 0;
	for (; end < n && s[end].score == s[i].score; end++)
		*positives += s[end].real;
	return end - i;
}

static void rank_class(struct scored *s, int64_t n, double *auc, double *ap)
{
	int64_t above = 0, P = 0, found;
	double wins = 0, area = 0;
	*auc = *ap = NAN;
	for (int64_t i = 0; i < n; i++)
		P += s[i].real;
	if (!P)
		return;
	qsort(s, (size_t)n, sizeof *s, compare_falling);
	for (int64_t i = 0; i < n;) {
		int64_t rows = count_tie(s, n, i, &found);
		int64_t negatives = rows - found;
		/* positives ranked above these negatives, and half of those tied with them */
		wins += (double)negatives * ((double)above + (double)found / 2);
		i += rows;
		above += found;
		area += (double)found / (double)P * ((double)above / (double)i);
	}
	*ap = area;
	if (P < n)
		*auc = wins / ((double)P * (double)(n - P));
}

static double average_defined(const double *value, int32_t n)
{
	double sum = 0;
	int32_t count = 0;
	for (int32_t i = 0; i < n; i++) {
		if (!isnan(value[i])) {
			sum += value[i];
			count++;
		}
	}
	return count ? sum / count : NAN;
}

fv_status core_threshold_free_compute(fv_ctx *ctx, const core_eval_set *set, const int32_t *id,
	int32_t group, core_threshold_free_metrics *out)
{
	int32_t C = set->C;
	float threshold = core_eval_threshold(set);
	struct scored *s = malloc(((size_t)set->n + 1) * sizeof *s);
	int64_t predicted = 0, real = 0;
	*out = (core_threshold_free_metrics){
		.class_auc = core_alloc(ctx, 2 * (size_t)C, sizeof(double))};
	if (!s || !out->class_auc) {
		free(s);
		return fv_fail(ctx, FV_FAILED, "out of memory");
	}
	out->class_ap = out->class_auc + C;
	for (int32_t c = 0; c < C; c++) {
		out->n = 0;
		for (int64_t i = 0; i < set->n; i++) {
			if (id && id[i] != group)
				continue;
			float score = set->prob[i * C + c];
			bool is = set->label[i * C + c] > threshold;
			predicted += score > core_eval_cut(set, i * C + c);
			real += is;
			s[out->n++] = (struct scored){score, is};
		}
		rank_class(s, out->n, &out->class_auc[c], &out->class_ap[c]);
	}
	free(s);
	out->labels_predicted = out->n ? (double)predicted / (double)out->n : NAN;
	out->labels_true = out->n ? (double)real / (double)out->n : NAN;
	out->auc = average_defined(out->class_auc, C);
	out->ap = average_defined(out->class_ap, C);
	return FV_OK;
}

static bool is_levelled_down(double best_change, double worst_change)
{
	return -best_change > fmax(worst_change, 0) + CORE_TIE;
}

static core_level_change compare_class(int32_t G, const double *reference, const double *changed)
{
	core_level_change level = {-1, -1, NAN, NAN, false};
	int32_t defined = 0, best = -1, worst = -1;
	for (int32_t g = 0; g < G; g++) {
		if (isnan(reference[g]))
			continue;
		defined++;
		if (best < 0 || reference[g] > reference[best])
			best = g;
		if (worst < 0 || reference[g] < reference[worst])
			worst = g;
	}
	if (defined < 2)
		return level;
	level.best = best;
	level.worst = worst;
	level.best_change = changed[best] - reference[best];
	level.worst_change = changed[worst] - reference[worst];
	level.flag = is_levelled_down(level.best_change, level.worst_change);
	return level;
}

fv_status core_levelling_compute(fv_ctx *ctx, int32_t C, int32_t G, const double *reference,
	const double *changed, core_levelling *out)
{
	double best = 0, worst = 0;
	int32_t defined = 0;
	out->per_class = core_alloc(ctx, (size_t)C, sizeof *out->per_class);
	if (!out->per_class)
		return FV_FAILED;
	for (int32_t c = 0; c < C; c++) {
		core_level_change *level = &out->per_class[c];
		*level = compare_class(G, reference + c * G, changed + c * G);
		if (level->best < 0)
			continue;
		best += level->best_change;
		worst += level->worst_change;
		defined++;
	}
	out->mean = (core_level_change){
		-1, -1, defined ? best / defined : NAN, defined ? worst / defined : NAN, false};
	out->mean.flag = is_levelled_down(out->mean.best_change, out->mean.worst_change);
	return FV_OK;
}
