/* SPDX-License-Identifier: Apache-2.0 */
/* Trivial baselines, which every result table can show: predictions that no system learned. */
#ifndef CORE_EVAL_BASELINES_H
#define CORE_EVAL_BASELINES_H

#include "eval/metric.h"

typedef enum core_baseline {
	CORE_BASELINE_RANDOM,        /* softmax of logits uniform on (0, 1), drawn per recording */
	CORE_BASELINE_ALL_POSITIVE,  /* every class for every row */
	CORE_BASELINE_MAJORITY_ONLY, /* always the class with most positives in training */
	CORE_BASELINE_PERFECT,       /* the labels themselves */
	CORE_BASELINES,
} core_baseline;

const char *core_baseline_name(core_baseline baseline); /* "random", "all_positive", ... */

/* Fills prob [n, C] for the set's rows, for the threshold 1/C; does not read set->prob. stem [n] and
 * seed are used by random, whose values do not depend on the order of rows; majority is used by
 * majority_only. */
void core_baseline_fill(core_baseline baseline, const core_eval_set *set, const char *const *stem,
	uint64_t seed, int32_t majority, float *prob);

/* Returns the class with most positives; ties: the first. */
int32_t core_majority_class(const core_eval_set *train);

#endif
