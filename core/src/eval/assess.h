/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics with nulls, intervals and p-values: for one set of predictions (a run, an audit), for the folds
 * and seeds of a variant (a result table), and for the comparison of two systems. */
#ifndef CORE_EVAL_ASSESS_H
#define CORE_EVAL_ASSESS_H

#include "eval/bootstrap.h"
#include "eval/nulls.h"

#define CORE_MIN_SUPPORT 10

typedef struct core_assess_options {
	core_draws draws;
	int32_t min_speakers; /* groups with fewer speakers get no interval */
	int64_t min_support;  /* speakers with fewer rows do not count in their spread */
} core_assess_options;

static inline core_assess_options core_assess_default(void)
{
	core_assess_options options = {core_draws_default(), 10, CORE_MIN_SUPPORT};
	return options;
}

/* Adds uncertainty to metrics that core_metrics_compute made from the same set and attributes: speakers per
 * group, a null for every gap, and intervals for F1, ACC, TPR and its differences between groups. Treats
 * all rows as one block. Errors: those of core_speakers_make and core_cohort_make. */
FV_NODISCARD fv_status core_assess(fv_ctx *ctx, const core_eval_set *set,
	const core_eval_rows *rows, const core_eval_attribute *attributes,
	const core_assess_options *options, core_metrics *metrics);

/* TPR by class and group, and its signed differences between groups, with intervals: means over the seeds,
 * all folds pooled. */
typedef struct core_pooled_rates {
	core_estimate *tpr;              /* [C, G]; no interval for a group of one speaker */
	core_tpr_difference *difference; /* [G (G - 1) / 2] */
} core_pooled_rates;
FV_NODISCARD fv_status core_pooled_rates_compute(fv_ctx *ctx, int32_t n_seeds,
	const core_eval_set *sets, const core_eval_rows *rows, const core_eval_attribute *attribute,
	const core_draws *draws, core_pooled_rates *out);

/* Scores of one variant: F1, ACC and the gaps of one attribute, as means over the seeds, in both aggregates
 * (fold mean and pooled). */
typedef struct core_scores {
	core_estimate pooled[CORE_METRICS], fold_mean[CORE_METRICS];
	int32_t n_folds, folds_used[CORE_METRICS];
	int32_t G;
	const char *const *group;
	/* support: [G, F], [G, F], [C, G, F], and the last two in the argmax reading; NULL: no
	 * attribute */
	int64_t *speakers, *rows, *positives, *argmax_rows, *argmax_positives;
	const int64_t *fold_name; /* [F] */
} core_scores;

/* sets [n_seeds] must have the same rows in the same order; rows->fold gives the fold of each row.
 * attribute NULL: F1 and ACC only. draws->n = 0: values without nulls. */
FV_NODISCARD fv_status core_scores_compute(fv_ctx *ctx, int32_t n_seeds, const core_eval_set *sets,
	const core_eval_rows *rows, const core_eval_attribute *attribute, const core_draws *draws,
	core_scores *out);

typedef struct core_attribute_comparison {
	const char *name;
	int32_t G;
	const char *const *group;
	core_estimate metric[CORE_METRICS]; /* gaps and group metrics: a - b, p, low, high */
	int32_t n_differences;
	core_tpr_difference *tpr_difference; /* TPR_g - TPR_h in a minus that in b */
	core_levelling levelling;            /* change from b (the reference) to a */
} core_attribute_comparison;

typedef struct core_comparison {
	int64_t n;
	int32_t C, n_attributes;
	const char *const *classes;
	core_estimate metric[CORE_METRICS]; /* overall metrics: a - b, p, low, high */
	core_attribute_comparison *attribute;
} core_comparison;

/* Compares system a with b; every figure is a - b. p: paired permutation test (predictions exchanged
 * speaker by speaker). low, high: bootstrap over speakers within the groups of each attribute (F1 and
 * ACC: over all speakers). sets_a and sets_b [n_seeds] must have the same rows and labels (FV_DATA
 * otherwise). */
FV_NODISCARD fv_status core_compare(fv_ctx *ctx, int32_t n_seeds, const core_eval_set *sets_a,
	const core_eval_set *sets_b, const core_eval_rows *rows, const char *const *classes,
	int32_t n_attributes, const core_eval_attribute *attributes, const core_draws *draws,
	core_comparison *out);

#endif
