/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/tally.h"

#include <math.h>
#include <string.h>

float core_eval_threshold(const core_eval_set *set)
{
	return set->has_threshold ? set->threshold : (float)(1.0 / set->C);
}

fv_status core_tally_alloc(fv_ctx *ctx, int32_t K, int32_t C, core_tally *out)
{
	*out = (core_tally){.K = K, .C = C};
	out->count = core_alloc(ctx, (size_t)K * (1 + 3 * (size_t)C), sizeof *out->count);
	return out->count ? FV_OK : FV_FAILED;
}

static fv_status tally_row(
	fv_ctx *ctx, const core_eval_set *set, int64_t row, float threshold, int64_t *count)
{
	int32_t C = set->C;
	const float *prob = set->prob + row * C, *label = set->label + row * C;
	count[0]++;
	for (int32_t c = 0; c < C; c++) {
		if (!isfinite(prob[c]) || !isfinite(label[c]))
			return fv_fail(ctx, FV_FAILED,
				"row %lld, class %d: a probability or label is not finite",
				(long long)row, (int)c);
		bool predicted = prob[c] > threshold, real = label[c] > threshold;
		count[1 + c] += predicted && real;
		count[1 + C + c] += predicted && !real;
		count[1 + 2 * C + c] += real;
	}
	return FV_OK;
}

fv_status core_tally_count(fv_ctx *ctx, const core_eval_set *set, const int32_t *unit,
	const int32_t *keep, core_tally *out)
{
	float threshold = core_eval_threshold(set);
	fv_status status = FV_OK;
	memset(out->count, 0, (size_t)out->K * (1 + 3 * (size_t)out->C) * sizeof *out->count);
	for (int64_t i = 0; i < set->n && !status; i++) {
		int32_t k = unit ? unit[i] : 0;
		if (k >= 0 && (!keep || keep[i] >= 0))
			status = tally_row(ctx, set, i, threshold, core_tally_unit(out, k));
	}
	return status;
}

fv_status core_tally_make(fv_ctx *ctx, const core_eval_set *set, int32_t K, const int32_t *unit,
	const int32_t *keep, core_tally *out)
{
	fv_status status = core_tally_alloc(ctx, K, set->C, out);
	return status ? status : core_tally_count(ctx, set, unit, keep, out);
}

void core_tally_sum(
	const core_tally *units, const int32_t *to, const int32_t *times, core_tally *out)
{
	size_t width = 1 + 3 * (size_t)units->C;
	memset(out->count, 0, (size_t)out->K * width * sizeof *out->count);
	for (int32_t k = 0; k < units->K; k++) {
		int32_t target = to ? to[k] : 0, factor = times ? times[k] : 1;
		if (target < 0 || factor == 0)
			continue;
		const int64_t *from = core_tally_unit(units, k);
		int64_t *sum = core_tally_unit(out, target);
		for (size_t j = 0; j < width; j++)
			sum[j] += factor * from[j];
	}
}

static const char *const stat_names[CORE_STATS] = {
	[CORE_F1] = "f1",
	[CORE_ACC] = "acc",
	[CORE_TPR_GAP] = "tpr_gap",
	[CORE_TPR_GAP_ZERO] = "tpr_gap_zero",
	[CORE_FPR_GAP] = "fpr_gap",
	[CORE_DP_GAP] = "dp_gap",
	[CORE_DP_GAP_EQ4] = "dp_gap_eq4",
	[CORE_EO_RMS] = "eo_rms",
	[CORE_EO_MAX] = "eo_max",
};

const char *core_stat_name(core_stat stat)
{
	return stat_names[stat];
}

bool core_stat_find(const char *name, core_stat *out)
{
	for (int i = 0; i < CORE_STATS; i++) {
		if (!strcmp(stat_names[i], name)) {
			*out = (core_stat)i;
			return true;
		}
	}
	return false;
}

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

double core_tally_f1(const core_tally *t, int32_t k)
{
	double sum = 0;
	for (int32_t c = 0; c < t->C; c++) {
		int64_t tp = core_tally_tp(t, k, c), fp = core_tally_fp(t, k, c);
		int64_t below = tp + fp + core_tally_positives(t, k, c); /* 2 tp + fp + fn */
		sum += below > 0 ? (double)(2 * tp) / (double)below : 0;
	}
	return sum / t->C;
}

static double ratio(int64_t above, int64_t below)
{
	return below > 0 ? (double)above / (double)below : NAN;
}

double core_tally_acc(const core_tally *t, int32_t k)
{
	int64_t n = core_tally_rows(t, k), right = 0;
	for (int32_t c = 0; c < t->C; c++)
		right += n - core_tally_positives(t, k, c) - core_tally_fp(t, k, c) +
			 core_tally_tp(t, k, c);
	return ratio(right, n * t->C);
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
			r->tpr[i] = ratio(tp, positives);
			r->tpr_zero[i] = n > 0 && positives == 0 ? 0 : r->tpr[i];
			r->fpr[i] = ratio(fp, n - positives);
			r->positive[i] = ratio(tp + fp, n);
		}
	}
}

/* Root mean square of the differences of all pairs of groups, all classes in one pool. */
static double pairs_rms(const double *rate, int32_t C, int32_t G, int64_t *pairs)
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
	if (pairs)
		*pairs = count;
	return count ? sqrt(sum / (double)count) : NAN;
}

static double dp_gap(const core_tally *groups, const core_rates *r)
{
	int64_t n = 0;
	double sum = 0;
	for (int32_t g = 0; g < r->G; g++)
		n += core_tally_rows(groups, g);
	for (int32_t c = 0; c < r->C; c++) {
		int64_t predicted = 0;
		for (int32_t g = 0; g < r->G; g++)
			predicted += core_tally_tp(groups, g, c) + core_tally_fp(groups, g, c);
		double overall = ratio(predicted, n), most = 0;
		for (int32_t g = 0; g < r->G; g++)
			most = fmax(
				most, fabs(r->positive[c * r->G + g] - overall)); /* NaN: absent */
		sum += most * most;
	}
	return sqrt(sum / r->C);
}

/* Largest less smallest of the defined ones; NaN with fewer than two. */
static double range(const double *rate, int32_t G)
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

static void equalised_odds(core_rates *r, double *rms, double *most)
{
	double sum = 0;
	int32_t count = 0;
	*most = NAN;
	for (int32_t c = 0; c < r->C; c++) {
		double *eo = &r->eo[c];
		*eo = fmax(range(r->tpr + c * r->G, r->G), range(r->fpr + c * r->G, r->G));
		*most = fmax(*most, *eo); /* fmax prefers a number over NaN */
		if (!isnan(*eo)) {
			sum += *eo * *eo;
			count++;
		}
	}
	*rms = count ? sqrt(sum / count) : NAN;
}

void core_gaps(const core_tally *groups, core_rates *r, double *stat)
{
	fill_rates(groups, r);
	stat[CORE_TPR_GAP] = pairs_rms(r->tpr, r->C, r->G, &r->tpr_pairs);
	stat[CORE_TPR_GAP_ZERO] = pairs_rms(r->tpr_zero, r->C, r->G, NULL);
	stat[CORE_FPR_GAP] = pairs_rms(r->fpr, r->C, r->G, &r->fpr_pairs);
	stat[CORE_DP_GAP] = r->present < 2 ? NAN : dp_gap(groups, r);
	stat[CORE_DP_GAP_EQ4] = sqrt((double)r->C) * stat[CORE_DP_GAP];
	equalised_odds(r, &stat[CORE_EO_RMS], &stat[CORE_EO_MAX]);
}
