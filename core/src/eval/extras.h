/* SPDX-License-Identifier: Apache-2.0 */
/* What a gap does not say: does the ranking hold without a threshold, does a system merely predict
 * more labels, was the gap closed by pulling the better group down, and on how many people and
 * utterances does a subgroup stand. */
#ifndef CORE_EVAL_EXTRAS_H
#define CORE_EVAL_EXTRAS_H

#include "eval/metric.h"

/* NaN: undefined. The AUC of a class needs positives and negatives, the average precision
 * positives. */
typedef struct core_threshold_free_metrics {
	int64_t n;
	double labels_predicted, labels_true; /* mean number of positives a row */
	double auc, ap;                       /* means over the classes where they are defined */
	double *class_auc, *class_ap;         /* [C] */
} core_threshold_free_metrics;

/* Of the rows whose id [n] is `group`; id NULL: of all rows. n = 0 gives NaN everywhere.
 * AUC: P(score of a positive > of a negative) + half the ties. AP: sum over distinct scores,
 * falling, of (recall step) x precision, ties as one step. */
FV_NODISCARD fv_status core_threshold_free_compute(fv_ctx *ctx, const core_eval_set *set,
	const int32_t *id, int32_t group, core_threshold_free_metrics *out);

typedef struct core_level_change {
	int32_t best,
		worst; /* groups with the highest and lowest TPR in the reference; -1: undefined */
	double best_change, worst_change; /* TPR in the new system less TPR in the reference */
	bool flag; /* -best_change > max(worst_change, 0) + 1e-12: the best group lost more than the
		      worst gained; a class where both fall is flagged too */
} core_level_change;

typedef struct core_levelling {
	core_level_change *per_class; /* [C] */
	core_level_change mean; /* of the changes over the defined classes; best and worst are -1 */
} core_levelling;

/* reference, changed: TPR [C, G], NaN where undefined (the same subgroups in both). Ties: lowest id. */
FV_NODISCARD fv_status core_levelling_compute(fv_ctx *ctx, int32_t C, int32_t G,
	const double *reference, const double *changed, core_levelling *out);

#endif
