/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics: one descriptor each. Everything that lists, names, prints or compares metrics reads
 * these descriptors, so a new metric is one identifier here and one entry in metric.c
 * (core/docs/metrics.md has the equations).
 *
 * Shapes: C classes, G groups. A value that does not exist is NaN. */
#ifndef CORE_EVAL_METRIC_H
#define CORE_EVAL_METRIC_H

#include "eval/tally.h"

typedef enum core_metric_id {
	CORE_F1,
	CORE_ACC,
	CORE_TPR_GAP,
	CORE_TPR_GAP_ZERO,
	CORE_FPR_GAP,
	CORE_DP_GAP,
	CORE_DP_GAP_EQ4,
	CORE_EO_RMS,
	CORE_EO_MAX,
	CORE_WORST_GROUP_F1,
	CORE_WORST_GROUP_ACC,
	CORE_METRICS,
} core_metric_id;

typedef enum core_metric_kind {
	CORE_METRIC_OVERALL = 1, /* of all rows, or of the rows whose group is known */
	CORE_METRIC_GAP = 2,     /* between the groups of an attribute; has a permutation null */
	CORE_METRIC_GROUP = 4,   /* of one group of an attribute; has no null */
} core_metric_kind;

/* Which rows of a class and group a metric rests on; too few of them make it unreliable. */
typedef enum core_metric_basis {
	CORE_BASIS_ALL_ROWS, /* every row of the set: never too few for a table */
	CORE_BASIS_GROUP_ROWS,
	CORE_BASIS_POSITIVES,
	CORE_BASIS_POSITIVES_OR_NONE, /* a group without positives counts too */
	CORE_BASIS_NEGATIVES,
	CORE_BASIS_POSITIVES_AND_NEGATIVES,
} core_metric_basis;

/* Rates of G groups; arrays [C, G], NaN where undefined. */
typedef struct core_rates {
	int32_t C, G, present;        /* present: groups with rows */
	int64_t tpr_pairs, fpr_pairs; /* pairs of groups, over all classes, with both rates */
	double *tpr, *tpr_zero, *fpr, *positive; /* positive: share predicted positive */
	double *eo;                              /* [C] the larger of the TPR and FPR ranges */
	double dp_gap; /* root mean square over classes of the groups' largest distance from the
			* overall rate of positive predictions */
} core_rates;

FV_NODISCARD fv_status core_rates_alloc(fv_ctx *ctx, int32_t C, int32_t G, core_rates *out);

typedef struct core_metric {
	const char *name;  /* in JSON, CSV and options: "tpr_gap" */
	const char *title; /* above a column: "TPR gap" */
	core_metric_kind kind;
	bool higher_is_better;
	core_metric_basis basis;
	/* Why the value is undefined although enough groups have rows; NULL: it never is. */
	const char *undefined;
	/* kind OVERALL: of one unit of the tally; NULL for the others. */
	double (*of_unit)(const core_tally *tally, int32_t unit);
	/* The other kinds: of the groups' counts and their rates; NULL for OVERALL. */
	double (*of_groups)(const core_tally *groups, const core_rates *rates);
} core_metric;

const core_metric *core_metric_at(core_metric_id id);
/* false: there is no metric of that name. */
bool core_metric_find(const char *name, core_metric_id *out);
static inline bool core_metric_is(core_metric_id id, core_metric_kind kind)
{
	return core_metric_at(id)->kind == kind;
}

/* Groups with rows that a metric of this kind needs. */
int32_t core_metric_groups_needed(core_metric_kind kind);

/* Does a figure rest on too few rows of one class and group? `rows` of the group, `positives` of
 * them labelled with the class; fewer than `min_support` are too few. A group without any of the
 * rows in question is left out of a gap and so is not too few. */
bool core_metric_low_support(
	core_metric_id id, int64_t rows, int64_t positives, int64_t min_support);

/* Macro F1 over classes (0/0 counts as 0) and Hamming accuracy (NaN without rows) of one unit. */
double core_tally_f1(const core_tally *tally, int32_t unit);
double core_tally_acc(const core_tally *tally, int32_t unit);

/* values [CORE_METRICS]: those of one kind are set, the others left alone. */
void core_metrics_of_unit(const core_tally *tally, int32_t unit, double *values);
/* Those of the kinds given (CORE_METRIC_GAP | CORE_METRIC_GROUP), and the rates. With fewer groups
 * present than a kind needs its values are NaN. The overall rate of the DP gap is that of the rows
 * counted here. */
void core_metrics_of_groups(
	const core_tally *groups, unsigned kinds, core_rates *rates, double *values);

#endif
