/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/metric.h"

#include <math.h>
#include <string.h>

fv_status core_rates_alloc(fv_ctx *ctx, int32_t C, int32_t G, core_rates *out)
{
	size_t size = (size_t)C * (size_t)G;
	double *all = core_alloc(ctx, 4 * size + (size_t)C, sizeof *all);
	if (!all)
		return FV_FAILED;
	*out = (core_rates){.C = C,
		.G = G,
		.tpr = all,
		.tpr_zero = all + size,
		.fpr = all + 2 * size,
		.positive = all + 3 * size,
		.eo = all + 4 * size};
	return FV_OK;
}

static double divide_counts(int64_t above, int64_t below)
{
	return below > 0 ? (double)above / (double)below : NAN;
}

double core_tally_f1(const core_tally *tally, int32_t unit)
{
	double sum = 0;
	for (int32_t c = 0; c < tally->C; c++) {
		int64_t tp = core_tally_tp(tally, unit, c), fp = core_tally_fp(tally, unit, c);
		int64_t below = tp + fp + core_tally_positives(tally, unit, c); /* 2 tp + fp + fn */
		sum += below > 0 ? (double)(2 * tp) / (double)below : 0;
	}
	return sum / tally->C;
}

double core_tally_acc(const core_tally *tally, int32_t unit)
{
	int64_t n = core_tally_rows(tally, unit), right = 0;
	for (int32_t c = 0; c < tally->C; c++)
		right += n - core_tally_positives(tally, unit, c) - core_tally_fp(tally, unit, c) +
			 core_tally_tp(tally, unit, c);
	return divide_counts(right, n * tally->C);
}

/* --- gaps ------------------------------------------------------------------------------------- */

/* Root mean square of the differences of all pairs of groups, pooled over all classes. */
static double compute_pairs_rms(const double *rate, int32_t C, int32_t G)
{
	double sum = 0;
	int64_t count = 0;
	for (int32_t c = 0; c < C; c++, rate += G) {
		for (int32_t g = 0; g < G; g++) {
			for (int32_t h = g + 1; h < G; h++) {
				double d = rate[g] - rate[h];
				if (!isnan(d)) {
					sum += d * d;
					count++;
				}
			}
		}
	}
	return count ? sqrt(sum / (double)count) : NAN;
}

static double tpr_gap(const core_tally *groups, const core_rates *r)
{
	(void)groups;
	return compute_pairs_rms(r->tpr, r->C, r->G);
}

static double tpr_gap_zero(const core_tally *groups, const core_rates *r)
{
	(void)groups;
	return compute_pairs_rms(r->tpr_zero, r->C, r->G);
}

static double fpr_gap(const core_tally *groups, const core_rates *r)
{
	(void)groups;
	return compute_pairs_rms(r->fpr, r->C, r->G);
}

static double dp_gap(const core_tally *groups, const core_rates *r)
{
	(void)groups;
	return r->dp_gap;
}

/* Equation 4 of the paper as printed: no division by the number of classes. */
static double dp_gap_eq4(const core_tally *groups, const core_rates *r)
{
	(void)groups;
	return sqrt((double)r->C) * r->dp_gap;
}

static double eo_rms(const core_tally *groups, const core_rates *r)
{
	double sum = 0;
	int32_t count = 0;
	(void)groups;
	for (int32_t c = 0; c < r->C; c++) {
		if (isnan(r->eo[c]))
			continue;
		sum += r->eo[c] * r->eo[c];
		count++;
	}
	return count ? sqrt(sum / count) : NAN;
}

static double eo_max(const core_tally *groups, const core_rates *r)
{
	double most = NAN;
	(void)groups;
	for (int32_t c = 0; c < r->C; c++)
		most = fmax(most, r->eo[c]); /* fmax prefers a number over NaN */
	return most;
}

/* --- the worst group -------------------------------------------------------------------------- */

static double find_worst(
	const core_tally *groups, double (*of_unit)(const core_tally *tally, int32_t unit))
{
	double worst = NAN;
	for (int32_t g = 0; g < groups->K; g++)
		if (core_tally_rows(groups, g))
			worst = fmin(worst, of_unit(groups, g)); /* fmin skips NaN */
	return worst;
}

static double worst_group_f1(const core_tally *groups, const core_rates *rates)
{
	(void)rates;
	return find_worst(groups, core_tally_f1);
}

static double worst_group_acc(const core_tally *groups, const core_rates *rates)
{
	(void)rates;
	return find_worst(groups, core_tally_acc);
}

/* --- rates ------------------------------------------------------------------------------------ */

/* Largest minus smallest defined rate; NaN: fewer than two. */
static double compute_range(const double *rate, int32_t G)
{
	double low = INFINITY, high = -INFINITY;
	int32_t count = 0;
	for (int32_t g = 0; g < G; g++) {
		if (isnan(rate[g]))
			continue;
		low = fmin(low, rate[g]);
		high = fmax(high, rate[g]);
		count++;
	}
	return count > 1 ? high - low : NAN;
}

static int64_t count_pairs(const double *rate, int32_t C, int32_t G)
{
	int64_t pairs = 0;
	for (int32_t c = 0; c < C; c++, rate += G) {
		int64_t defined = 0;
		for (int32_t g = 0; g < G; g++)
			defined += !isnan(rate[g]);
		pairs += defined * (defined - 1) / 2;
	}
	return pairs;
}

/* Root mean square over classes of the largest distance of a group's rate of positive predictions from the
 * overall rate. */
static double compute_distance_from_overall(const core_tally *groups, const core_rates *r)
{
	int64_t n = 0;
	double sum = 0;
	for (int32_t g = 0; g < r->G; g++)
		n += core_tally_rows(groups, g);
	for (int32_t c = 0; c < r->C; c++) {
		int64_t predicted = 0;
		for (int32_t g = 0; g < r->G; g++)
			predicted += core_tally_tp(groups, g, c) + core_tally_fp(groups, g, c);
		double overall = divide_counts(predicted, n), most = 0;
		for (int32_t g = 0; g < r->G; g++) /* fmax skips absent groups, whose rate is NaN */
			most = fmax(most, fabs(r->positive[c * r->G + g] - overall));
		sum += most * most;
	}
	return sqrt(sum / r->C);
}

static void fill_rates(const core_tally *groups, core_rates *r)
{
	r->present = 0;
	for (int32_t g = 0; g < r->G; g++) {
		int64_t n = core_tally_rows(groups, g);
		r->present += n > 0;
		for (int32_t c = 0; c < r->C; c++) {
			size_t i = (size_t)c * (size_t)r->G + (size_t)g;
			int64_t tp = core_tally_tp(groups, g, c), fp = core_tally_fp(groups, g, c);
			int64_t positives = core_tally_positives(groups, g, c);
			r->tpr[i] = divide_counts(tp, positives);
			r->tpr_zero[i] = n > 0 && positives == 0 ? 0 : r->tpr[i];
			r->fpr[i] = divide_counts(fp, n - positives);
			r->positive[i] = divide_counts(tp + fp, n);
		}
	}
	for (int32_t c = 0; c < r->C; c++)
		r->eo[c] = fmax(compute_range(r->tpr + c * r->G, r->G),
			compute_range(r->fpr + c * r->G, r->G));
	r->dp_gap = compute_distance_from_overall(groups, r);
	r->tpr_pairs = count_pairs(r->tpr, r->C, r->G);
	r->fpr_pairs = count_pairs(r->fpr, r->C, r->G);
}

/* --- the descriptors -------------------------------------------------------------------------- */

#define NO_RATE "no class has a rate in two groups"

static const core_metric metrics[CORE_METRICS] = {
	[CORE_F1] = {"f1", "F1", CORE_METRIC_OVERALL, true, CORE_BASIS_ALL_ROWS, NULL,
		core_tally_f1, NULL},
	[CORE_ACC] = {"acc", "ACC", CORE_METRIC_OVERALL, true, CORE_BASIS_ALL_ROWS, NULL,
		core_tally_acc, NULL},
	[CORE_TPR_GAP] = {"tpr_gap", "TPR gap", CORE_METRIC_GAP, false, CORE_BASIS_POSITIVES,
		"no class has labelled utterances in two groups", NULL, tpr_gap},
	[CORE_TPR_GAP_ZERO] = {"tpr_gap_zero", "TPR gap (zero)", CORE_METRIC_GAP, false,
		CORE_BASIS_POSITIVES_OR_NONE, NULL, NULL, tpr_gap_zero},
	[CORE_FPR_GAP] = {"fpr_gap", "FPR gap", CORE_METRIC_GAP, false, CORE_BASIS_NEGATIVES,
		"no class has unlabelled utterances in two groups", NULL, fpr_gap},
	[CORE_DP_GAP] = {"dp_gap", "DP gap", CORE_METRIC_GAP, false, CORE_BASIS_GROUP_ROWS, NULL,
		NULL, dp_gap},
	[CORE_DP_GAP_EQ4] = {"dp_gap_eq4", "DP gap (eq. 4)", CORE_METRIC_GAP, false,
		CORE_BASIS_GROUP_ROWS, NULL, NULL, dp_gap_eq4},
	[CORE_EO_RMS] = {"eo_rms", "EO (rms)", CORE_METRIC_GAP, false,
		CORE_BASIS_POSITIVES_AND_NEGATIVES, NO_RATE, NULL, eo_rms},
	[CORE_EO_MAX] = {"eo_max", "EO (max)", CORE_METRIC_GAP, false,
		CORE_BASIS_POSITIVES_AND_NEGATIVES, NO_RATE, NULL, eo_max},
	[CORE_WORST_GROUP_F1] = {"worst_group_f1", "worst group F1", CORE_METRIC_GROUP, true,
		CORE_BASIS_GROUP_ROWS, NULL, NULL, worst_group_f1},
	[CORE_WORST_GROUP_ACC] = {"worst_group_acc", "worst group ACC", CORE_METRIC_GROUP, true,
		CORE_BASIS_GROUP_ROWS, NULL, NULL, worst_group_acc},
};

const core_metric *core_metric_at(core_metric_id id)
{
	return &metrics[id];
}

bool core_metric_find(const char *name, core_metric_id *out)
{
	for (int i = 0; i < CORE_METRICS; i++) {
		if (!strcmp(metrics[i].name, name)) {
			*out = (core_metric_id)i;
			return true;
		}
	}
	return false;
}

int32_t core_metric_groups_needed(core_metric_kind kind)
{
	return kind == CORE_METRIC_GAP ? 2 : kind == CORE_METRIC_GROUP ? 1 : 0;
}

static bool is_below(int64_t n, int64_t min_support)
{
	return n > 0 && n < min_support;
}

bool core_metric_low_support(
	core_metric_id id, int64_t rows, int64_t positives, int64_t min_support)
{
	int64_t negatives = rows - positives;
	switch (metrics[id].basis) {
	case CORE_BASIS_ALL_ROWS:
		return false;
	case CORE_BASIS_GROUP_ROWS:
		return is_below(rows, min_support);
	case CORE_BASIS_POSITIVES:
		return is_below(positives, min_support);
	case CORE_BASIS_POSITIVES_OR_NONE:
		return rows > 0 && positives < min_support;
	case CORE_BASIS_NEGATIVES:
		return is_below(negatives, min_support);
	case CORE_BASIS_POSITIVES_AND_NEGATIVES:
		return is_below(positives, min_support) || is_below(negatives, min_support);
	}
	return false;
}

void core_metrics_of_unit(const core_tally *tally, int32_t unit, double *values)
{
	for (int k = 0; k < CORE_METRICS; k++)
		if (metrics[k].kind == CORE_METRIC_OVERALL)
			values[k] = metrics[k].of_unit(tally, unit);
}

void core_metrics_of_groups(
	const core_tally *groups, unsigned kinds, core_rates *rates, double *values)
{
	fill_rates(groups, rates);
	for (int k = 0; k < CORE_METRICS; k++) {
		const core_metric *m = &metrics[k];
		if (!(m->kind & kinds) || m->kind == CORE_METRIC_OVERALL)
			continue;
		bool enough = rates->present >= core_metric_groups_needed(m->kind);
		values[k] = enough ? m->of_groups(groups, rates) : NAN;
	}
}
