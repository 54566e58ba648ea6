/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/metric_formulas.h"

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

double core_tpr_gap(const core_tally *groups, const core_rates *r)
{
	(void)groups;
	return compute_pairs_rms(r->tpr, r->C, r->G);
}

double core_tpr_gap_zero(const core_tally *groups, const core_rates *r)
{
	(void)groups;
	return compute_pairs_rms(r->tpr_zero, r->C, r->G);
}

double core_fpr_gap(const core_tally *groups, const core_rates *r)
{
	(void)groups;
	return compute_pairs_rms(r->fpr, r->C, r->G);
}

/* Root mean square over classes of the largest distance of a group's rate of positive predictions from the
 * overall rate. */
double core_dp_gap(const core_tally *groups, const core_rates *r)
{
	int64_t n = 0;
	double sum = 0;
	for (int32_t g = 0; g < r->G; g++)
		n += core_tally_rows(groups, g);
	for (int32_t c = 0; c < r->C; c++) {
		int64_t predicted = 0;
		for (int32_t g = 0; g < r->G; g++)
			predicted += core_tally_tp(groups, g, c) + core_tally_fp(groups, g, c);
		double overall = core_divide_counts(predicted, n), most = 0;
		for (int32_t g = 0; g < r->G; g++) {
			double distance = fabs(r->positive[c * r->G + g] - overall);
			if (distance > most) /* false for absent groups, whose rate is NaN */
				most = distance;
		}
		sum += most * most;
	}
	return sqrt(sum / r->C);
}

/* Equation 4 of the paper as printed: no division by the number of classes. */
double core_dp_gap_eq4(const core_tally *groups, const core_rates *r)
{
	return sqrt((double)r->C) * core_dp_gap(groups, r);
}

double core_class_odds_difference(const core_rates *r, int32_t c)
{
	double tpr = core_rate_range(r->tpr + c * r->G, r->G);
	double fpr = core_rate_range(r->fpr + c * r->G, r->G);
	return isnan(tpr) || fpr > tpr ? fpr : tpr; /* a number rather than NaN */
}

double core_eo_rms(const core_tally *groups, const core_rates *r)
{
	double sum = 0;
	int32_t count = 0;
	(void)groups;
	for (int32_t c = 0; c < r->C; c++) {
		double eo = core_class_odds_difference(r, c);
		if (isnan(eo))
			continue;
		sum += eo * eo;
		count++;
	}
	return count ? sqrt(sum / count) : NAN;
}

double core_eo_max(const core_tally *groups, const core_rates *r)
{
	double most = NAN;
	(void)groups;
	for (int32_t c = 0; c < r->C; c++)
		most = fmax(most,
			core_class_odds_difference(r, c)); /* fmax prefers a number over NaN */
	return most;
}

/* --- differences and ratios, macro over classes, by the definitions of fairlearn -------------- */

/* Mean over the classes where the value is defined; NaN: it is in none. */
static double average_classes(const core_rates *r, double (*of_class)(const core_rates *, int32_t))
{
	double sum = 0;
	int32_t count = 0;
	for (int32_t c = 0; c < r->C; c++) {
		double value = of_class(r, c);
		if (isnan(value))
			continue;
		sum += value;
		count++;
	}
	return count ? sum / count : NAN;
}

static double compute_tpr_range(const core_rates *r, int32_t c)
{
	return core_rate_range(r->tpr + c * r->G, r->G);
}

double core_class_parity_ratio(const core_rates *r, int32_t c)
{
	return core_rate_ratio(r->positive + c * r->G, r->G);
}

double core_class_odds_ratio(const core_rates *r, int32_t c)
{
	double tpr = core_rate_ratio(r->tpr + c * r->G, r->G);
	double fpr = core_rate_ratio(r->fpr + c * r->G, r->G);
	return isnan(tpr) || isnan(fpr) ? NAN : fmin(tpr, fpr);
}

bool core_class_odds_are_zero(const core_rates *r, int32_t c)
{
	const double *tpr = r->tpr + c * r->G, *fpr = r->fpr + c * r->G;
	return core_rate_range(tpr, r->G) + core_rate_range(fpr, r->G) >= 0 &&
	       isnan(core_class_odds_ratio(r, c));
}

double core_equal_opportunity_difference(const core_tally *groups, const core_rates *r)
{
	(void)groups;
	return average_classes(r, compute_tpr_range);
}

double core_equalized_odds_difference(const core_tally *groups, const core_rates *r)
{
	(void)groups;
	return average_classes(r, core_class_odds_difference);
}

double core_demographic_parity_ratio(const core_tally *groups, const core_rates *r)
{
	(void)groups;
	return average_classes(r, core_class_parity_ratio);
}

double core_equalized_odds_ratio(const core_tally *groups, const core_rates *r)
{
	(void)groups;
	return average_classes(r, core_class_odds_ratio);
}

/* --- metrics of the groups -------------------------------------------------------------------- */

double core_recall_gap(const core_tally *groups, const core_rates *rates)
{
	double low = INFINITY, high = -INFINITY;
	int32_t count = 0;
	(void)rates;
	for (int32_t g = 0; g < groups->K; g++) {
		double uar = core_uar(groups, g);
		if (isnan(uar))
			continue;
		low = fmin(low, uar);
		high = fmax(high, uar);
		count++;
	}
	return count > 1 ? high - low : NAN;
}

static double find_worst(
	const core_tally *groups, double (*of_unit)(const core_tally *tally, int32_t unit))
{
	double worst = NAN;
	for (int32_t g = 0; g < groups->K; g++)
		if (core_tally_rows(groups, g))
			worst = fmin(worst, of_unit(groups, g)); /* fmin skips NaN */
	return worst;
}

double core_worst_group_f1(const core_tally *groups, const core_rates *rates)
{
	(void)rates;
	return find_worst(groups, core_tally_f1);
}

double core_worst_group_acc(const core_tally *groups, const core_rates *rates)
{
	(void)rates;
	return find_worst(groups, core_tally_acc);
}

double core_worst_group_uar(const core_tally *groups, const core_rates *rates)
{
	(void)rates;
	return find_worst(groups, core_uar);
}
