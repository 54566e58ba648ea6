/* SPDX-License-Identifier: Apache-2.0 */
/* Turns draws into quantiles and p-values. Undefined draws (NaN) are always left out. Two statistics
 * within 1e-12 are a tie, so that p-values do not depend on the order of summation. */
#ifndef CORE_EVAL_SUMMARY_H
#define CORE_EVAL_SUMMARY_H

#include "eval/metrics.h"

#define CORE_TIE 1e-12

/* Interpolates linearly at q (n - 1) in sorted values; NaN for n = 0. */
double core_quantile(const double *sorted, int64_t n, double q);

/* Copies column `column` of draws [n, width] without NaNs, sorted, to out [n]; returns how many. */
int64_t core_sorted_column(
	const double *draws, int64_t n, int64_t width, int64_t column, double *out);

/* The side of the null on which a value is evidence: above it for a gap, below it for a ratio. */
typedef enum core_tail { CORE_UPPER_TAIL, CORE_LOWER_TAIL } core_tail;

/* Fills null_mean, excess and, of an upper tail, null_p95 and p = (#{null >= value} + 1) / (n + 1), of a
 * lower tail null_p05 and p = (#{null <= value} + 1) / (n + 1) of `estimate`, whose value is already set.
 * Fills nothing if the value is undefined or no draw is defined. Returns the number of defined draws. */
int64_t core_null_summary(const double *sorted, int64_t n, core_tail tail, core_estimate *estimate);

/* Returns the two-sided (#{|d_b| >= |d|} + 1) / (n + 1); NaN if the difference or all draws are
 * undefined. */
double core_two_sided(double difference, const double *draw, int64_t n);

/* Fills low and high with the 2.5% and 97.5% quantiles, and level with 0.95. */
void core_interval(const double *sorted, int64_t n, core_estimate *estimate);

#endif
