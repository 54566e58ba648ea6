/* SPDX-License-Identifier: Apache-2.0 */
/* Counts from which most metrics are computed. The counts of each speaker are sufficient, so the rows
 * are read only once: a draw (permuted groups, resampled speakers, exchanged systems) only sums the
 * counts again.
 *
 * Every row is read in two ways. CORE_THRESHOLD: any number of classes, those above the threshold.
 * CORE_ARGMAX: one class, that of the largest value (eval/argmax.h). Both give the same four counts, so
 * a metric's formula serves both.
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
	bool majority_only; /* argmax counts only rows whose label has a strict majority */
} core_eval_set;

typedef enum core_reading { CORE_THRESHOLD, CORE_ARGMAX, CORE_READINGS } core_reading;

float core_eval_threshold(const core_eval_set *set);
/* Returns the threshold of the probability in `cell` = row C + class. */
float core_eval_cut(const core_eval_set *set, int64_t cell);

/* The counts of one reading, or of both; the functions below read those of the threshold. */
typedef struct core_tally {
	int32_t K, C;
	/* [K, CORE_READINGS, 1 + 3 C, padded]: rows; then tp, fp, positives of each class */
	int32_t *count;
} core_tally;

enum { CORE_TALLY_LANE = 8 }; /* counts that are added together */

/* Counts of one reading, padded to whole lanes. */
static inline size_t core_tally_width(int32_t C)
{
	size_t lanes = (1 + 3 * (size_t)C + CORE_TALLY_LANE - 1) / CORE_TALLY_LANE;
	return lanes * CORE_TALLY_LANE;
}
/* Counts of one unit. */
static inline size_t core_tally_stride(int32_t C)
{
	return CORE_READINGS * core_tally_width(C);
}
static inline int32_t *core_tally_unit(const core_tally *t, int32_t k)
{
	return t->count + (size_t)k * core_tally_stride(t->C);
}
/* Returns a tally whose functions read the counts of `reading`. It borrows them. */
static inline core_tally core_tally_read(const core_tally *t, core_reading reading)
{
	return (core_tally){t->K, t->C, t->count + (size_t)reading * core_tally_width(t->C)};
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

/* Makes a tally and counts the rows of each unit, fewer than 2^31 of them. unit [n] in 0..K-1, -1: left out; NULL: all rows are
 * unit 0. keep [n]: rows with a negative entry are left out; NULL: none. Errors: FV_FAILED for a
 * probability or label that is not finite. */
FV_NODISCARD fv_status core_tally_make(fv_ctx *ctx, const core_eval_set *set, int32_t K,
	const int32_t *unit, const int32_t *keep, core_tally *out);

/* The same into an existing tally, which is cleared first. */
FV_NODISCARD fv_status core_tally_count(fv_ctx *ctx, const core_eval_set *set, const int32_t *unit,
	const int32_t *keep, core_tally *out);

/* Adds one unit's counts, `width` of them (whole lanes). */
static inline void core_tally_add(int32_t *restrict sum, const int32_t *restrict from, size_t width)
{
	for (size_t j = 0; j < width; j += CORE_TALLY_LANE)
		for (size_t k = 0; k < CORE_TALLY_LANE; k++)
			sum[j + k] += from[k + j];
}

/* Which counts a sum has: of the threshold reading alone, or of both. */
typedef enum core_tally_part { CORE_TALLY_THRESHOLD = 1, CORE_TALLY_ALL = 2 } core_tally_part;

/* Clears the part of out, then adds times[k] * units[k] to out[to[k]]. to [K], -1: left out; NULL: all to 0.
 * times [K]; NULL: once each. */
void core_tally_sum(const core_tally *units, const int32_t *to, const int32_t *times,
	core_tally_part part, core_tally *out);

/* Clears the part of every unit. */
void core_tally_clear(core_tally *tally, core_tally_part part);

#endif
