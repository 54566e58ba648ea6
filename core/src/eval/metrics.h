/* SPDX-License-Identifier: Apache-2.0 */
/* All metrics of one set of predictions (core/docs/metrics.md has the equations).
 *
 * An undefined value (a rate over no rows, a gap with one group) is NaN here and null in JSON, never 0, and
 * the list of undefined values gives the reason. Results live as long as the context. */
#ifndef CORE_EVAL_METRICS_H
#define CORE_EVAL_METRICS_H

#include "eval/attribute.h"
#include "eval/extras.h"

/* A value and its uncertainty; NaN: not computed. Rates have low, high and level, gaps have their null
 * (null_p95, or null_p05 of a ratio), differences have p with low, high and level. */
typedef struct core_estimate {
	double value;
	double low, high, level;
	double null_mean, null_p95, null_p05, p, excess;
	int64_t draws; /* that p rests on, if they went on for it; 0: the usual number */
	bool at_floor; /* the limit of draws ended them: p may be smaller */
} core_estimate;

core_estimate core_estimate_of(double value);

typedef struct core_undefined {
	const char *metric, *attribute, *class_name, *group; /* NULL: does not apply */
	const char *reason;
} core_undefined;

typedef struct core_attribute_metrics {
	const char *name;
	int32_t G, present; /* groups; groups with rows */
	const char *const *group;
	int64_t *rows, *speakers; /* [G]; speakers NULL: not known */
	int64_t unknown_rows;     /* left out of this attribute */
	/* groups of a product with few rows, left out: eval/attribute.h */
	int32_t n_small;
	const char *const *small;
	const int64_t *small_rows;
	int32_t argmax_present;             /* groups with rows in the argmax reading */
	int64_t *argmax_rows;               /* [G] */
	int64_t *argmax_positives;          /* [C, G] rows with this label in the argmax reading */
	int64_t **confusion;                /* [G] -> [C, C], true class x predicted class */
	core_estimate *recall;              /* [C, G] TPR in the argmax reading */
	core_estimate *group_metric;        /* [G, CORE_METRICS] overall metrics of each group */
	core_estimate metric[CORE_METRICS]; /* overall metrics: over the rows with a known group */
	int64_t tpr_pairs, fpr_pairs;       /* pairs of groups in the gaps, summed over classes */
	core_estimate *tpr;                 /* [C, G] */
	double *fpr, *positive;             /* [C, G]; positive: share predicted positive */
	int64_t *positives;                 /* [C, G] labelled positive */
	double *eo;                         /* [C] equalised odds */
	/* [C] classes that a ratio leaves out because the largest rate is 0 */
	bool *no_parity_ratio, *no_odds_ratio;
	double *group_f1, *group_acc;                /* [G], NaN: absent */
	core_threshold_free_metrics *threshold_free; /* [G] */
	/* TPR_g - TPR_h of each pair of groups (eval/bootstrap.h); 0: not known */
	int32_t n_differences;
	struct core_tpr_difference *difference;
} core_attribute_metrics;

typedef struct core_metrics {
	int64_t n;
	int32_t C;
	const char *const *classes; /* [C] */
	float threshold;    /* of the labels, and of the probabilities unless cut is given */
	const float *cut;   /* [C] of the first row's probabilities; NULL: threshold */
	int32_t n_speakers; /* 0: not known */
	int64_t draws;      /* of each null and interval; 0: none drawn */
	core_estimate metric[CORE_METRICS]; /* overall metrics, over every row; others: NaN */
	double *class_f1;                   /* [C] */
	bool majority_only;
	int64_t argmax_rows, no_majority; /* rows that count; rows without a strict majority */
	int64_t *confusion;               /* [C, C], true class x predicted class */
	double *class_recall;             /* [C] */
	core_threshold_free_metrics threshold_free;
	int32_t n_attributes;
	core_attribute_metrics *attribute;
	int32_t n_numeric; /* attributes that are numbers (eval/slope.h) */
	struct core_slope *numeric;
	int32_t n_undefined;
	core_undefined *undefined;
} core_metrics;

/* Computes only the values [CORE_METRICS] of one set of predictions: the overall metrics if attribute
 * is NULL, else the gaps and group metrics of the attribute. The others are NaN. */
FV_NODISCARD fv_status core_metric_values(fv_ctx *ctx, const core_eval_set *set,
	const core_eval_attribute *attribute, double *values);

/* Sets those of all rows that are not computed from counts (CORE_METRIC_ROWS) in values [CORE_METRICS]. */
FV_NODISCARD fv_status core_row_metrics_compute(
	fv_ctx *ctx, const core_eval_set *set, double *values);

/* Computes all metrics without nulls and intervals, which core_assess (eval/assess.h) adds. Borrows
 * classes [C] and the names of the attributes. Errors: FV_FAILED (memory, a number that is not
 * finite), FV_DATA (no rows). */
FV_NODISCARD fv_status core_metrics_compute(fv_ctx *ctx, const core_eval_set *set,
	const char *const *classes, int32_t n_attributes, const core_eval_attribute *attributes,
	core_metrics *out);

#endif
