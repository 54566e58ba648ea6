/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/rates.h"

#include <math.h>

fv_status core_rates_alloc(fv_ctx *ctx, int32_t C, int32_t G, core_rates out[CORE_READINGS])
{
	size_t size = (size_t)C * (size_t)G, each = 4 * size;
	double *all = core_alloc(ctx, CORE_READINGS * each, sizeof *all);
	if (!all)
		return FV_FAILED;
	for (int k = 0; k < CORE_READINGS; k++, all += each)
		out[k] = (core_rates){.C = C,
			.G = G,
			.tpr = all,
			.tpr_zero = all + size,
			.fpr = all + 2 * size,
			.positive = all + 3 * size};
	return FV_OK;
}

/* Finds the smallest and the largest defined rate; returns how many are defined. */
static int32_t find_extremes(const double *rate, int32_t G, double *low, double *high)
{
	int32_t count = 0;
	*low = INFINITY;
	*high = -INFINITY;
	for (int32_t g = 0; g < G; g++) {
		if (isnan(rate[g]))
			continue;
		*low = rate[g] < *low ? rate[g] : *low;
		*high = rate[g] > *high ? rate[g] : *high;
		count++;
	}
	return count;
}

double core_rate_range(const double *rate, int32_t G)
{
	double low, high;
	return find_extremes(rate, G, &low, &high) > 1 ? high - low : NAN;
}

double core_rate_ratio(const double *rate, int32_t G)
{
	double low, high;
	return find_extremes(rate, G, &low, &high) > 1 && high > 0 ? low / high : NAN;
}

int64_t core_rate_pairs(const double *rate, int32_t C, int32_t G)
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

void core_rates_fill(const core_tally *groups, core_rates *r)
{
	r->present = 0;
	for (int32_t g = 0; g < r->G; g++) {
		int64_t n = core_tally_rows(groups, g);
		r->present += n > 0;
		for (int32_t c = 0; c < r->C; c++) {
			size_t i = (size_t)c * (size_t)r->G + (size_t)g;
			int64_t tp = core_tally_tp(groups, g, c), fp = core_tally_fp(groups, g, c);
			int64_t positives = core_tally_positives(groups, g, c);
			r->tpr[i] = core_divide_counts(tp, positives);
			r->tpr_zero[i] = n > 0 && positives == 0 ? 0 : r->tpr[i];
			r->fpr[i] = core_divide_counts(fp, n - positives);
			r->positive[i] = core_divide_counts(tp + fp, n);
		}
	}
}
