/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics with what is known about their uncertainty: of one set of predictions (a run, an audit),
 * of the folds and seeds of a variant (a table), of two systems against each other. */
#ifndef CORE_EVAL_ASSESS_H
#define CORE_EVAL_ASSESS_H

#include "eval/bootstrap.h"
#include "eval/nulls.h"

typedef struct core_assess_options {
	core_draws draws;
	int32_t min_speakers; /* a group with fewer gets no interval */
} core_assess_options;

static inline core_assess_options core_assess_default(void)
{
	core_assess_options options = {core_draws_default(), 10};
	return options;
}

/* Completes metrics that core_metrics_compute made from the same set and attributes, with all rows
 * as one block: speakers a group, a null for every gap, intervals for F1, ACC, TPR and its
 * differences between groups. Errors: those of core_speakers_make and core_cohort_make. */
FV_NODISCARD fv_status core_assess(fv_ctx *ctx, const core_eval_set *set,
	const core_eval_rows *rows, const core_eval_attribute *attributes,
	const core_assess_options *options, core_metrics *metrics);

/* Signed differences of TPR between the groups of an attribute, all folds pooled, means over the
 * seeds, with intervals: G (G - 1) / 2 of them. */
FV_NODISCARD fv_status core_differences_compute(fv_ctx *ctx, int32_t n_seeds,
	const core_eval_set *sets, const core_eval_rows *rows, const core_eval_attribute *attribute,
	const core_draws *draws, core_tpr_difference **out);

/* One variant of a table: F1, ACC and the gaps of one attribute over all folds, means over the seeds,
 * in both aggregates. */
typedef struct core_scores {
	core_estimate pooled[CORE_METRICS], fold_mean[CORE_METRICS];
	int32_t n_folds, folds_used[CORE_METRICS];
	int32_t G;
	const char *const *group;
	int64_t *speakers, *rows,
		*positives;       /* [G, F], [G, F], [C, G, F]: support; NULL: no attribute */
	const int64_t *fold_name; /* [F] */
} core_scores;

/* sets [n_seeds] have the same rows in the same order, rows->fold says which fold each is in.
 * attribute NULL: F1 and ACC only. draws->n = 0: values without nulls. */
FV_NODISCARD fv_status core_scores_compute(fv_ctx *ctx, int32_t n_seeds, const core_eval_set *sets,
	const core_eval_rows *rows, const core_eval_attribute *attribute, const core_draws *draws,
	core_scores *out);

typedef struct core_attribute_comparison {
	const char *name;
	int32_t G;
	const char *const *group;
	core_estimate metric[CORE_METRICS]; /* of gaps and groups: a - b, p, low, high */
	int32_t n_differences;
	core_tpr_difference *tpr_difference; /* a - b of TPR_g - TPR_h */
	core_levelling levelling;            /* b is the reference, a the change */
} core_attribute_comparison;

typedef struct core_comparison {
	int64_t n;
	int32_t C, n_attributes;
	const char *const *classes;
	core_estimate metric[CORE_METRICS]; /* overall ones: a - b, p, low, high */
	core_attribute_comparison *attribute;
} core_comparison;

/* Everything is a - b: p by exchanging speakers, low and high by redrawing them within the groups
 * of each attribute (F1 and ACC: among all). sets_a and sets_b [n_seeds]: the same rows and labels.
 */
FV_NODISCARD fv_status core_compare(fv_ctx *ctx, int32_t n_seeds, const core_eval_set *sets_a,
	const core_eval_set *sets_b, const core_eval_rows *rows, const char *const *classes,
	int32_t n_attributes, const core_eval_attribute *attributes, const core_draws *draws,
	core_comparison *out);

#endif
