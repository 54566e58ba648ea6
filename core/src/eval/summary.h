/* SPDX-License-Identifier: Apache-2.0 */
/* Draws turned into quantiles and p-values. Undefined draws (NaN) are left out everywhere. Two
 * statistics within 1e-12 are a tie, so that the order of a sum decides no p-value. */
#ifndef CORE_EVAL_SUMMARY_H
#define CORE_EVAL_SUMMARY_H

#include "eval/metrics.h"

#define CORE_TIE 1e-12

/* Linear interpolation at q (n - 1) in sorted values; NaN for n = 0. */
double core_quantile(const double *sorted, int64_t n, double q);

/* Column `column` of draws [n, width] without its NaNs, sorted, into out [n]; returns how many. */
int64_t core_sorted_column(
	const double *draws, int64_t n, int64_t width, int64_t column, double *out);

/* Fills null_mean, null_p95, p = (#{null >= value} + 1) / (n + 1) and excess of `estimate`, whose
 * value is set; nothing where the value is undefined or no draw is. Returns the number of defined
 * draws. */
int64_t core_null_summary(const double *sorted, int64_t n, core_estimate *estimate);

/* (#{|d_b| >= |d|} + 1) / (n + 1), two-sided; NaN where the difference or all draws are undefined.
 */
double core_two_sided(double difference, const double *draw, int64_t n);

/* Fills low, high and level (0.95) by the 2.5% and 97.5% quantiles. */
void core_interval(const double *sorted, int64_t n, core_estimate *estimate);

#endif
