/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that every table can carry: what no system learned. */
#ifndef CORE_EVAL_BASELINES_H
#define CORE_EVAL_BASELINES_H

#include "eval/metric.h"

typedef enum core_baseline {
	CORE_BASELINE_RANDOM,        /* softmax of logits uniform on (0, 1), keyed by recording */
	CORE_BASELINE_ALL_POSITIVE,  /* every class of every utterance */
	CORE_BASELINE_MAJORITY_ONLY, /* the class with most positives in training, always */
	CORE_BASELINE_PERFECT,       /* the labels themselves */
	CORE_BASELINES,
} core_baseline;

const char *core_baseline_name(core_baseline baseline); /* "random", "all_positive", ... */

/* prob [n, C] of the set's rows, for the threshold 1/C; set->prob is not read. stem [n] and seed:
 * for random, where the order of rows changes nothing. majority: for majority_only. */
void core_baseline_fill(core_baseline baseline, const core_eval_set *set, const char *const *stem,
	uint64_t seed, int32_t majority, float *prob);

/* The class with most positives; ties: the first. */
int32_t core_majority_class(const core_eval_set *train);

#endif
