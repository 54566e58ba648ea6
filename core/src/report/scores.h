/* SPDX-License-Identifier: Apache-2.0 */
/* Scores of a variant besides the means over its runs: both aggregates with nulls, support, and
 * threshold-free metrics. */
#ifndef CORE_REPORT_SCORES_H
#define CORE_REPORT_SCORES_H

#include "eval/assess.h"
#include "eval/baselines.h"
#include "report/test_sets.h"

/* Threshold-free metrics, and predicted and true labels per row; means over seeds. */
typedef struct core_threshold_free {
	double labels_predicted, labels_true, auc, ap;
} core_threshold_free;

typedef struct core_variant_scores {
	const core_test_set *test; /* NULL: there are no scores */
	core_scores *attribute;    /* [test->n_attributes], the gaps */
	core_scores overall;       /* F1, ACC */
	/* means over seeds: over all rows, and within each group */
	core_threshold_free all, **group; /* [n_attributes] -> [G] */
	core_pooled_rates *rates;         /* [n_attributes]; its members are NULL without draws */
} core_variant_scores;

typedef struct core_scores_request {
	core_draws draws;
	core_metric_mask shown; /* metrics that are shown: others that counts do not give are NaN */
	/* also the threshold-free metrics and the pooled rates; without, they are NaN, and NULL as
	 * without draws */
	bool details;
} core_scores_request;

FV_NODISCARD fv_status core_scores_of(fv_ctx *ctx, const core_test_set *test, int32_t n_seeds,
	const core_eval_set *set, const core_scores_request *request, core_variant_scores *out);

/* The same for a trivial baseline on the rows of a test set. random is the mean over CORE_RANDOM_SEEDS
 * draws. majority_only predicts the majority class of each fold's training rows, which env.json
 * records; without it the scores have no test set. */
#define CORE_RANDOM_SEEDS 5
FV_NODISCARD fv_status core_scores_of_baseline(fv_ctx *ctx, const core_test_set *test,
	core_baseline baseline, const core_scores_request *request, core_variant_scores *out);

#endif
