/* SPDX-License-Identifier: Apache-2.0 */
/* The formulas behind the descriptors of metric.c; core/docs/metrics.md has the equations. Each
 * serves both readings: it is given the counts of one. */
#ifndef CORE_EVAL_METRIC_FORMULAS_H
#define CORE_EVAL_METRIC_FORMULAS_H

#include "eval/rates.h"

/* --- of one unit; NaN: undefined -------------------------------------------------------------- */

/* Mean over classes; 0/0 counts as 0, and so does a unit without rows. */
double core_tally_f1(const core_tally *tally, int32_t unit);
double core_tally_class_f1(const core_tally *tally, int32_t unit, int32_t c);
/* The same; NaN without rows. */
double core_argmax_f1(const core_tally *tally, int32_t unit);
double core_f1_micro(const core_tally *tally, int32_t unit);
/* Mean over classes weighted by their positives. */
double core_f1_weighted(const core_tally *tally, int32_t unit);
/* Hamming accuracy. */
double core_tally_acc(const core_tally *tally, int32_t unit);
/* TP of all classes / rows: top-1 accuracy, of the argmax reading. */
double core_accuracy(const core_tally *tally, int32_t unit);
double core_tally_recall(const core_tally *tally, int32_t unit, int32_t c);
/* Mean and minimum of the recall over classes with positives. */
double core_uar(const core_tally *tally, int32_t unit);
double core_worst_class_recall(const core_tally *tally, int32_t unit);

/* --- between groups; NaN: undefined ----------------------------------------------------------- */

double core_tpr_gap(const core_tally *groups, const core_rates *rates);
double core_tpr_gap_zero(const core_tally *groups, const core_rates *rates);
double core_fpr_gap(const core_tally *groups, const core_rates *rates);
double core_dp_gap(const core_tally *groups, const core_rates *rates);
double core_dp_gap_eq4(const core_tally *groups, const core_rates *rates);
double core_eo_rms(const core_tally *groups, const core_rates *rates);
double core_eo_max(const core_tally *groups, const core_rates *rates);

/* Means over the classes where they are defined. A class has a ratio if the largest rate is not 0;
 * that of the odds is the smaller of those of TPR and FPR, and needs both. */
double core_equal_opportunity_difference(const core_tally *groups, const core_rates *rates);
double core_equalized_odds_difference(const core_tally *groups, const core_rates *rates);
double core_demographic_parity_ratio(const core_tally *groups, const core_rates *rates);
double core_equalized_odds_ratio(const core_tally *groups, const core_rates *rates);
double core_class_odds_difference(const core_rates *rates, int32_t c);
double core_class_parity_ratio(const core_rates *rates, int32_t c);
double core_class_odds_ratio(const core_rates *rates, int32_t c);
/* Has a class both rates in two groups, but no ratio, because the largest TPR or FPR is 0? */
bool core_class_odds_are_zero(const core_rates *rates, int32_t c);

/* Largest minus smallest UAR of a group. */
double core_recall_gap(const core_tally *groups, const core_rates *rates);
double core_worst_group_f1(const core_tally *groups, const core_rates *rates);
double core_worst_group_acc(const core_tally *groups, const core_rates *rates);
double core_worst_group_uar(const core_tally *groups, const core_rates *rates);

#endif
