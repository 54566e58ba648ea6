/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics, one descriptor each. All code that lists, names, prints or compares metrics uses these
 * descriptors, so a new metric is one identifier here and one entry in metric.c
 * (core/docs/metrics.md has the equations).
 *
 * Shapes: C classes, G groups. An undefined value is NaN. */
#ifndef CORE_EVAL_METRIC_H
#define CORE_EVAL_METRIC_H

#include "eval/rates.h"

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
	CORE_F1_MICRO,
	CORE_F1_WEIGHTED,
	CORE_ACCURACY,
	CORE_UAR,
	CORE_WORST_CLASS_RECALL,
	CORE_ARGMAX_F1,
	CORE_ARGMAX_F1_MICRO,
	CORE_ARGMAX_F1_WEIGHTED,
	CORE_EQUAL_OPPORTUNITY_DIFFERENCE,
	CORE_EQUALIZED_ODDS_DIFFERENCE,
	CORE_DEMOGRAPHIC_PARITY_RATIO,
	CORE_EQUALIZED_ODDS_RATIO,
	CORE_ARGMAX_TPR_GAP,
	CORE_ARGMAX_FPR_GAP,
	CORE_ARGMAX_DP_GAP,
	CORE_RECALL_GAP,
	CORE_ARGMAX_WORST_GROUP_F1,
	CORE_WORST_GROUP_UAR,
	CORE_AUC,
	CORE_AP,
	CORE_ECE,
	CORE_BRIER,
	CORE_SPEAKER_UAR_SPREAD,
	CORE_SPEAKER_GINI,
	CORE_METRICS,
} core_metric_id;

/* A set of metrics: bit `id` is set for each. */
typedef uint64_t core_metric_mask;
#define CORE_WITH_TPR ((core_metric_mask)1 << 63)    /* and the rates of the threshold reading */
#define CORE_WITH_RECALL ((core_metric_mask)1 << 62) /* and those of the argmax reading */
#define CORE_WITH_RATES (CORE_WITH_TPR | CORE_WITH_RECALL)
#define CORE_ALL_METRICS (((core_metric_mask)1 << CORE_METRICS) - 1)

typedef enum core_metric_kind {
	CORE_METRIC_OVERALL = 1, /* over all rows, or over the rows whose group is known */
	/* Between the groups of an attribute, with a permutation null. A ratio is one too: its least equal
	 * values are the small ones (higher_is_better). */
	CORE_METRIC_GAP = 2,
	CORE_METRIC_GROUP = 4, /* of one group of an attribute; has no null */
	/* Over all rows too, but not computed from counts, so that draws cannot repeat them and systems
	 * cannot be compared by them: of the probabilities of all rows, and of the speakers. */
	CORE_METRIC_ROWS = 8,
	CORE_METRIC_SPEAKERS = 16,
} core_metric_kind;

/* The rows of a class and group that a metric rests on; low support makes it unreliable. */
typedef enum core_metric_basis {
	CORE_BASIS_ALL_ROWS, /* every row of the set: never low support */
	CORE_BASIS_GROUP_ROWS,
	CORE_BASIS_POSITIVES,
	CORE_BASIS_POSITIVES_OR_NONE, /* a group without positives counts too */
	CORE_BASIS_NEGATIVES,
	CORE_BASIS_POSITIVES_AND_NEGATIVES,
} core_metric_basis;

typedef struct core_metric {
	const char *name;  /* in JSON, CSV and options: "tpr_gap" */
	const char *title; /* heading of a column: "TPR gap" */
	core_metric_kind kind;
	core_reading reading; /* whose counts it is computed from */
	bool higher_is_better;
	core_metric_basis basis;
	/* Why the value can be undefined even if enough groups have rows; NULL: it never is. */
	const char *undefined;
	/* For kind OVERALL: computes it from one unit of the reading's counts; else NULL. */
	double (*of_unit)(const core_tally *tally, int32_t unit);
	/* For the other kinds: computes it from the groups' counts and rates in its reading; else NULL. */
	double (*of_groups)(const core_tally *groups, const core_rates *rates);
} core_metric;

const core_metric *core_metric_at(core_metric_id id);
/* Returns the names of all metrics, separated by commas; NULL if memory runs out. */
const char *core_metric_names(fv_ctx *ctx);
/* Returns false if there is no metric of that name. */
bool core_metric_find(const char *name, core_metric_id *out);
static inline bool core_metric_is(core_metric_id id, core_metric_kind kind)
{
	return core_metric_at(id)->kind == kind;
}

/* Does it belong to no attribute? */
static inline bool core_metric_is_overall(core_metric_id id)
{
	return core_metric_at(id)->kind &
	       (CORE_METRIC_OVERALL | CORE_METRIC_ROWS | CORE_METRIC_SPEAKERS);
}

/* Returns the metrics of the given kinds. */
core_metric_mask core_metrics_of_kinds(unsigned kinds);
static inline bool core_metric_in(core_metric_mask mask, int id)
{
	return mask >> id & 1;
}

/* Number of groups with rows that a metric of this kind needs. */
int32_t core_metric_groups_needed(core_metric_kind kind);

/* Does a metric have low support in one subgroup, i.e. does it rest on fewer than `min_support` rows
 * there? `rows`: rows of the group; `positives`: those labelled with the class, both in the metric's
 * reading. A subgroup without any such rows is left out of a gap, so it does not count as low support. */
bool core_metric_low_support(
	core_metric_id id, int64_t rows, int64_t positives, int64_t min_support);

/* Returns which counts the wanted metrics need. */
core_tally_part core_metrics_part(core_metric_mask wanted);

/* Sets those of the wanted metrics that are overall ones in values [CORE_METRICS] and leaves the others
 * unchanged. */
void core_metrics_of_unit(
	const core_tally *tally, int32_t unit, core_metric_mask wanted, double *values);
/* Sets those of the wanted metrics that belong to groups, and the rates of the readings they need. A
 * metric that needs more groups than are present gets NaN. The overall rate of the DP gap is that of the
 * rows counted here. rates: one for each reading. */
void core_metrics_of_groups(const core_tally *groups, core_metric_mask wanted,
	core_rates rates[CORE_READINGS], double *values);

#endif
