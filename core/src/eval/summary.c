/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/summary.h"

#include <math.h>

#include "base/sort.h"

#define LEVEL 0.95

double core_quantile(const double *sorted, int64_t n, double q)
{
	if (n < 1)
		return NAN;
	double position = q * (double)(n - 1), below = floor(position);
	int64_t i = (int64_t)below, next = i + 1 < n ? i + 1 : i;
	return sorted[i] + (sorted[next] - sorted[i]) * (position - below);
}

int64_t core_sorted_column(
	const double *draws, int64_t n, int64_t width, int64_t column, double *out)
{
	int64_t defined = 0;
	for (int64_t b = 0; b < n; b++)
		if (!isnan(draws[b * width + column]))
			out[defined++] = draws[b * width + column];
	core_sort_doubles(out, (size_t)defined);
	return defined;
}

int64_t core_null_summary(const double *sorted, int64_t n, core_tail tail, core_estimate *estimate)
{
	bool upper = tail == CORE_UPPER_TAIL;
	if (n < 1 || isnan(estimate->value))
		return n;
	double sum = 0;
	int64_t as_extreme = 0;
	for (int64_t b = 0; b < n; b++) {
		sum += sorted[b];
		as_extreme += upper ? sorted[b] >= estimate->value - CORE_TIE
				    : sorted[b] <= estimate->value + CORE_TIE;
	}
	estimate->null_mean = sum / (double)n;
	if (upper)
		estimate->null_p95 = core_quantile(sorted, n, 0.95);
	else
		estimate->null_p05 = core_quantile(sorted, n, 0.05);
	estimate->p = (double)(as_extreme + 1) / (double)(n + 1);
	estimate->excess = estimate->value - estimate->null_mean;
	return n;
}

double core_two_sided(double difference, const double *draw, int64_t n)
{
	int64_t as_large = 0, defined = 0;
	for (int64_t b = 0; b < n; b++) {
		if (isnan(draw[b]))
			continue;
		defined++;
		as_large += fabs(draw[b]) >= fabs(difference) - CORE_TIE;
	}
	if (!defined || isnan(difference))
		return NAN;
	return (double)(as_large + 1) / (double)(defined + 1);
}

void core_interval(const double *sorted, int64_t n, core_estimate *estimate)
{
	if (n < 1 || isnan(estimate->value))
		return;
	estimate->low = core_quantile(sorted, n, (1 - LEVEL) / 2);
	estimate->high = core_quantile(sorted, n, (1 + LEVEL) / 2);
	estimate->level = LEVEL;
}
