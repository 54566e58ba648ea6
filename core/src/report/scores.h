/* SPDX-License-Identifier: Apache-2.0 */
/* What a table says of a variant beside the means over its runs: both aggregates with their nulls,
 * support, and metrics that need no threshold. */
#ifndef CORE_REPORT_SCORES_H
#define CORE_REPORT_SCORES_H

#include "eval/assess.h"
#include "eval/baselines.h"
#include "report/test_sets.h"

/* Means over seeds of what needs no threshold, and how many labels a row is given and has. */
typedef struct core_threshold_free {
	double labels_predicted, labels_true, auc, ap;
} core_threshold_free;

typedef struct core_variant_scores {
	const core_test_set *test; /* NULL: none of this is known */
	core_scores *attribute;    /* [test->n_attributes], the gaps */
	core_scores overall;       /* F1, ACC */
	/* means over seeds, all rows together; then of each group */
	core_threshold_free all, **group; /* [n_attributes] -> [G] */
	/* [n_attributes] -> [G (G - 1) / 2] TPR_g - TPR_h, pooled, with intervals; NULL without draws */
	core_tpr_difference **difference;
} core_variant_scores;

FV_NODISCARD fv_status core_scores_of(fv_ctx *ctx, const core_test_set *test, int32_t n_seeds,
	const core_eval_set *set, const core_draws *draws, core_variant_scores *out);

/* The same of what no system learned, on the rows of a test set. The random row is the mean over
 * CORE_RANDOM_SEEDS draws. majority_only answers the majority class of each fold's training rows,
 * which env.json has; without it the scores have no test set. */
#define CORE_RANDOM_SEEDS 5
FV_NODISCARD fv_status core_scores_of_baseline(fv_ctx *ctx, const core_test_set *test,
	core_baseline baseline, const core_draws *draws, core_variant_scores *out);

#endif
