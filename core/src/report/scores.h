/* SPDX-License-Identifier: Apache-2.0 */
/* What a table says of a cell beyond its runs' metrics.json: both aggregates with their nulls,
 * support, and how sharply it predicts. */
#ifndef CORE_REPORT_SCORES_H
#define CORE_REPORT_SCORES_H

#include "eval/assess.h"
#include "eval/baselines.h"
#include "report/evidence.h"

typedef struct core_cell_sharpness {
	double labels_predicted, labels_true, auc, ap;
} core_cell_sharpness;

typedef struct core_cell_scores {
	const core_test_set *test;   /* NULL: none of this is known */
	core_scores *attribute;      /* [test->n_attributes], the gaps */
	core_estimate f1[2], acc[2]; /* pooled, fold_mean */
	/* means over seeds, all rows together; then of each group */
	core_cell_sharpness sharp, **group; /* [n_attributes] -> [G] */
	/* [n_attributes] -> [G (G - 1) / 2] TPR_g - TPR_h, pooled, with intervals; NULL without draws */
	core_tpr_difference **difference;
} core_cell_scores;

FV_NODISCARD fv_status core_scores_of(fv_ctx *ctx, const core_test_set *test, int32_t n_seeds,
	const core_eval_set *set, const core_draws *draws, core_cell_scores *out);

/* The same of what no system learned, on the rows of a test set. The random row is the mean over
 * CORE_RANDOM_SEEDS draws. majority_only answers the majority class of each fold's training rows,
 * which env.json has; without it the scores have no test set. */
#define CORE_RANDOM_SEEDS 5
FV_NODISCARD fv_status core_scores_of_baseline(fv_ctx *ctx, const core_test_set *test,
	core_baseline baseline, const core_draws *draws, core_cell_scores *out);

#endif
