/* SPDX-License-Identifier: Apache-2.0 */
/* Rates of classes and groups, from which the gaps are computed. */
#ifndef CORE_EVAL_RATES_H
#define CORE_EVAL_RATES_H

#include <math.h>

#include "eval/tally.h"

/* Rates of G groups in one reading. Arrays are [C, G]; NaN: undefined. */
typedef struct core_rates {
	int32_t C, G, present;                   /* present: groups with rows */
	double *tpr, *tpr_zero, *fpr, *positive; /* positive: share predicted positive */
} core_rates;

/* Allocates the rates of every reading. */
FV_NODISCARD fv_status core_rates_alloc(
	fv_ctx *ctx, int32_t C, int32_t G, core_rates out[CORE_READINGS]);

/* Fills the rates from the groups' counts in one reading. */
void core_rates_fill(const core_tally *groups, core_rates *rates);

/* Largest minus smallest defined rate [G]; NaN: fewer than two. */
double core_rate_range(const double *rate, int32_t G);

/* Smallest by largest defined rate [G]; NaN: fewer than two, or the largest is 0. */
double core_rate_ratio(const double *rate, int32_t G);

/* Counts the pairs of groups with both rates [C, G], summed over classes. */
int64_t core_rate_pairs(const double *rate, int32_t C, int32_t G);

/* above / below; NaN for below = 0 */
static inline double core_divide_counts(int64_t above, int64_t below)
{
	return below > 0 ? (double)above / (double)below : NAN;
}

#endif
