/* SPDX-License-Identifier: Apache-2.0 */
/* Metrics that put a gap into context: threshold-free metrics, the number of predicted labels, and
 * levelling down (a gap closed by making the better group worse). */
#ifndef CORE_EVAL_EXTRAS_H
#define CORE_EVAL_EXTRAS_H

#include "eval/metric.h"

/* NaN: undefined. The AUC of a class needs positives and negatives, its average precision needs
 * positives. */
typedef struct core_threshold_free_metrics {
	int64_t n;
	double labels_predicted, labels_true; /* mean number of positives per row */
	double auc, ap;                       /* means over the classes where they are defined */
	double *class_auc, *class_ap;         /* [C] */
} core_threshold_free_metrics;

/* Computes them for the rows whose id [n] is `group`, or for all rows if id is NULL. No rows: all NaN.
 * AUC: P(score of a positive > score of a negative) + half the ties. AP: sum over distinct scores in
 * falling order of (step in recall) x precision; ties are one step. */
FV_NODISCARD fv_status core_threshold_free_compute(fv_ctx *ctx, const core_eval_set *set,
	const int32_t *id, int32_t group, core_threshold_free_metrics *out);

typedef struct core_level_change {
	int32_t best,
		worst; /* groups with the highest and lowest TPR in the reference; -1: undefined */
	double best_change, worst_change; /* TPR in the new system minus TPR in the reference */
	bool flag; /* levelled down: -best_change > max(worst_change, 0) + 1e-12, so the best group lost
		      more than the worst gained; also set if both fall */
} core_level_change;

typedef struct core_levelling {
	core_level_change *per_class; /* [C] */
	core_level_change mean; /* mean changes over the defined classes; best and worst are -1 */
} core_levelling;

/* reference, changed: TPR [C, G]; NaN: undefined, for the same subgroups in both. Ties: the lowest id. */
FV_NODISCARD fv_status core_levelling_compute(fv_ctx *ctx, int32_t C, int32_t G,
	const double *reference, const double *changed, core_levelling *out);

#endif
