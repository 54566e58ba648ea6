/* SPDX-License-Identifier: Apache-2.0 */
/* Counts from which every metric is computed. The counts of each speaker are sufficient, so the rows
 * are read only once: a draw (permuted groups, resampled speakers, exchanged systems) only sums the
 * counts again.
 *
 * Shapes: n rows, C classes, K units (speakers, groups, or 1 for all rows). Positive means value >
 * threshold, strictly, with both in float32: (double)(float)(1/6) > 1/6, so a mixed comparison would
 * turn ties at 1/C, which are common in labels, into positives. */
#ifndef CORE_EVAL_TALLY_H
#define CORE_EVAL_TALLY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/context.h"

typedef struct core_eval_set {
	int64_t n;
	int32_t C;
	const float *prob;  /* [n, C] */
	const float *label; /* [n, C] */
	bool has_threshold; /* false: (float)(1.0 / C) */
	float threshold;    /* for probabilities and labels */
	const float *cut;   /* [n, C] thresholds of the probabilities alone; NULL: as the labels */
} core_eval_set;

float core_eval_threshold(const core_eval_set *set);
/* Returns the threshold of the probability in `cell` = row C + class. */
float core_eval_cut(const core_eval_set *set, int64_t cell);

typedef struct core_tally {
	int32_t K, C;
	int64_t *count; /* [K, 1 + 3 C]: rows; then tp, fp, positives of each class */
} core_tally;

static inline int64_t *core_tally_unit(const core_tally *t, int32_t k)
{
	return t->count + (size_t)k * (1 + 3 * (size_t)t->C);
}
static inline int64_t core_tally_rows(const core_tally *t, int32_t k)
{
	return core_tally_unit(t, k)[0];
}
static inline int64_t core_tally_tp(const core_tally *t, int32_t k, int32_t c)
{
	return core_tally_unit(t, k)[1 + c];
}
static inline int64_t core_tally_fp(const core_tally *t, int32_t k, int32_t c)
{
	return core_tally_unit(t, k)[1 + t->C + c];
}
static inline int64_t core_tally_positives(const core_tally *t, int32_t k, int32_t c)
{
	return core_tally_unit(t, k)[1 + 2 * t->C + c];
}

/* Zeroed; lives as long as the context. */
FV_NODISCARD fv_status core_tally_alloc(fv_ctx *ctx, int32_t K, int32_t C, core_tally *out);

/* Makes a tally and counts the rows of each unit. unit [n] in 0..K-1, -1: left out; NULL: all rows are
 * unit 0. keep [n]: rows with a negative entry are left out; NULL: none. Errors: FV_FAILED for a
 * probability or label that is not finite. */
FV_NODISCARD fv_status core_tally_make(fv_ctx *ctx, const core_eval_set *set, int32_t K,
	const int32_t *unit, const int32_t *keep, core_tally *out);

/* The same into an existing tally, which is cleared first. */
FV_NODISCARD fv_status core_tally_count(fv_ctx *ctx, const core_eval_set *set, const int32_t *unit,
	const int32_t *keep, core_tally *out);

/* Clears out, then adds times[k] * units[k] to out[to[k]]. to [K], -1: left out; NULL: all to 0. times [K];
 * NULL: once each. */
void core_tally_sum(
	const core_tally *units, const int32_t *to, const int32_t *times, core_tally *out);

#endif
