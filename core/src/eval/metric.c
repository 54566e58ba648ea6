/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/metric.h"

#include <math.h>
#include <string.h>

#include "eval/metric_formulas.h"

#define NO_RATE "no class has a rate in two groups"
#define NO_TPR "no class has labelled utterances in two groups"
#define NO_FPR "no class has unlabelled utterances in two groups"
#define NO_ARGMAX "no row counts in the argmax reading"
#define NO_RECALL "fewer than two groups have rows that count in the argmax reading"

/* One metric of all rows, one between groups; the reading comes first. */
#define OVERALL(reading_, name_, title_, undefined_, formula)                                      \
	{                                                                                          \
		.name = name_, .title = title_, .kind = CORE_METRIC_OVERALL, .reading = reading_,  \
		.higher_is_better = true, .basis = CORE_BASIS_ALL_ROWS, .undefined = undefined_,   \
		.of_unit = formula                                                                 \
	}
#define GAP(reading_, name_, title_, basis_, undefined_, formula)                                  \
	{                                                                                          \
		.name = name_, .title = title_, .kind = CORE_METRIC_GAP, .reading = reading_,      \
		.basis = basis_, .undefined = undefined_, .of_groups = formula                     \
	}
#define RATIO(reading_, name_, title_, basis_, undefined_, formula)                                \
	{                                                                                          \
		.name = name_, .title = title_, .kind = CORE_METRIC_GAP, .reading = reading_,      \
		.higher_is_better = true, .basis = basis_, .undefined = undefined_,                \
		.of_groups = formula                                                               \
	}
#define WORST(reading_, name_, title_, undefined_, formula)                                        \
	{                                                                                          \
		.name = name_, .title = title_, .kind = CORE_METRIC_GROUP, .reading = reading_,    \
		.higher_is_better = true, .basis = CORE_BASIS_GROUP_ROWS, .undefined = undefined_, \
		.of_groups = formula                                                               \
	}

#define OF_ROWS(name_, title_, higher, undefined_)                                                 \
	{                                                                                          \
		.name = name_, .title = title_, .kind = CORE_METRIC_ROWS,                          \
		.higher_is_better = higher, .basis = CORE_BASIS_ALL_ROWS, .undefined = undefined_  \
	}
#define OF_SPEAKERS(name_, title_, undefined_)                                                     \
	{                                                                                          \
		.name = name_, .title = title_, .kind = CORE_METRIC_SPEAKERS,                      \
		.basis = CORE_BASIS_ALL_ROWS, .undefined = undefined_                              \
	}

static const core_metric metrics[CORE_METRICS] = {
	[CORE_F1] = OVERALL(CORE_THRESHOLD, "f1", "F1", NULL, core_tally_f1),
	[CORE_ACC] = OVERALL(CORE_THRESHOLD, "acc", "ACC", NULL, core_tally_acc),
	[CORE_F1_MICRO] = OVERALL(CORE_THRESHOLD, "f1_micro", "F1 (micro)", NULL, core_f1_micro),
	[CORE_F1_WEIGHTED] = OVERALL(CORE_THRESHOLD, "f1_weighted", "F1 (weighted)",
		"no row is labelled with any class", core_f1_weighted),
	[CORE_ACCURACY] = OVERALL(CORE_ARGMAX, "accuracy", "accuracy", NO_ARGMAX, core_accuracy),
	[CORE_UAR] = OVERALL(CORE_ARGMAX, "uar", "UAR", NO_ARGMAX, core_uar),
	[CORE_WORST_CLASS_RECALL] = OVERALL(CORE_ARGMAX, "worst_class_recall", "worst class recall",
		NO_ARGMAX, core_worst_class_recall),
	[CORE_ARGMAX_F1] =
		OVERALL(CORE_ARGMAX, "argmax_f1", "F1 (argmax)", NO_ARGMAX, core_argmax_f1),
	[CORE_ARGMAX_F1_MICRO] = OVERALL(
		CORE_ARGMAX, "argmax_f1_micro", "F1 (argmax, micro)", NO_ARGMAX, core_f1_micro),
	[CORE_ARGMAX_F1_WEIGHTED] = OVERALL(CORE_ARGMAX, "argmax_f1_weighted",
		"F1 (argmax, weighted)", NO_ARGMAX, core_f1_weighted),

	[CORE_TPR_GAP] = GAP(
		CORE_THRESHOLD, "tpr_gap", "TPR gap", CORE_BASIS_POSITIVES, NO_TPR, core_tpr_gap),
	[CORE_TPR_GAP_ZERO] = GAP(CORE_THRESHOLD, "tpr_gap_zero", "TPR gap (zero)",
		CORE_BASIS_POSITIVES_OR_NONE, NULL, core_tpr_gap_zero),
	[CORE_FPR_GAP] = GAP(
		CORE_THRESHOLD, "fpr_gap", "FPR gap", CORE_BASIS_NEGATIVES, NO_FPR, core_fpr_gap),
	[CORE_DP_GAP] =
		GAP(CORE_THRESHOLD, "dp_gap", "DP gap", CORE_BASIS_GROUP_ROWS, NULL, core_dp_gap),
	[CORE_DP_GAP_EQ4] = GAP(CORE_THRESHOLD, "dp_gap_eq4", "DP gap (eq. 4)",
		CORE_BASIS_GROUP_ROWS, NULL, core_dp_gap_eq4),
	[CORE_EO_RMS] = GAP(CORE_THRESHOLD, "eo_rms", "EO (rms)",
		CORE_BASIS_POSITIVES_AND_NEGATIVES, NO_RATE, core_eo_rms),
	[CORE_EO_MAX] = GAP(CORE_THRESHOLD, "eo_max", "EO (max)",
		CORE_BASIS_POSITIVES_AND_NEGATIVES, NO_RATE, core_eo_max),
	[CORE_EQUAL_OPPORTUNITY_DIFFERENCE] =
		GAP(CORE_THRESHOLD, "equal_opportunity_difference", "equal opportunity difference",
			CORE_BASIS_POSITIVES, NO_TPR, core_equal_opportunity_difference),
	[CORE_EQUALIZED_ODDS_DIFFERENCE] = GAP(CORE_THRESHOLD, "equalized_odds_difference",
		"equalized odds difference", CORE_BASIS_POSITIVES_AND_NEGATIVES, NO_RATE,
		core_equalized_odds_difference),
	[CORE_DEMOGRAPHIC_PARITY_RATIO] = RATIO(CORE_THRESHOLD, "demographic_parity_ratio",
		"demographic parity ratio", CORE_BASIS_GROUP_ROWS,
		"the largest rate of positive predictions is 0 in every class",
		core_demographic_parity_ratio),
	[CORE_EQUALIZED_ODDS_RATIO] = RATIO(CORE_THRESHOLD, "equalized_odds_ratio",
		"equalized odds ratio", CORE_BASIS_POSITIVES_AND_NEGATIVES,
		"in every class the largest TPR or FPR is 0, or fewer than two groups have it",
		core_equalized_odds_ratio),
	[CORE_ARGMAX_TPR_GAP] = GAP(CORE_ARGMAX, "argmax_tpr_gap", "TPR gap (argmax)",
		CORE_BASIS_POSITIVES, NO_TPR, core_tpr_gap),
	[CORE_ARGMAX_FPR_GAP] = GAP(CORE_ARGMAX, "argmax_fpr_gap", "FPR gap (argmax)",
		CORE_BASIS_NEGATIVES, NO_FPR, core_fpr_gap),
	[CORE_ARGMAX_DP_GAP] = GAP(CORE_ARGMAX, "argmax_dp_gap", "DP gap (argmax)",
		CORE_BASIS_GROUP_ROWS, NULL, core_dp_gap),
	[CORE_RECALL_GAP] = GAP(CORE_ARGMAX, "recall_gap", "UAR gap", CORE_BASIS_POSITIVES,
		NO_RECALL, core_recall_gap),

	[CORE_WORST_GROUP_F1] = WORST(
		CORE_THRESHOLD, "worst_group_f1", "worst group F1", NULL, core_worst_group_f1),
	[CORE_WORST_GROUP_ACC] = WORST(
		CORE_THRESHOLD, "worst_group_acc", "worst group ACC", NULL, core_worst_group_acc),
	[CORE_ARGMAX_WORST_GROUP_F1] = WORST(CORE_ARGMAX, "argmax_worst_group_f1",
		"worst group F1 (argmax)", NULL, core_worst_group_f1),
	[CORE_WORST_GROUP_UAR] = WORST(
		CORE_ARGMAX, "worst_group_uar", "worst group UAR", NULL, core_worst_group_uar),

	[CORE_AUC] = OF_ROWS("auc", "AUC", true, "no class has both labelled and unlabelled rows"),
	[CORE_AP] = OF_ROWS("ap", "AP", true, "no row is labelled with any class"),
	[CORE_ECE] = OF_ROWS("ece", "ECE", false, NULL),
	[CORE_BRIER] = OF_ROWS("brier", "Brier", false, NULL),
	[CORE_SPEAKER_UAR_SPREAD] = OF_SPEAKERS("speaker_uar_spread", "sd of speakers' UAR",
		"fewer than two speakers have min_support rows"),
	[CORE_SPEAKER_GINI] = OF_SPEAKERS("speaker_gini", "Gini of speakers' UAR",
		"fewer than two speakers have min_support rows, or no class is ever right"),
};

const core_metric *core_metric_at(core_metric_id id)
{
	return &metrics[id];
}

const char *core_metric_names(fv_ctx *ctx)
{
	const char *names = metrics[0].name;
	for (int i = 1; i < CORE_METRICS && names; i++)
		names = core_format(ctx, "%s,%s", names, metrics[i].name);
	return names;
}

bool core_metric_find(const char *name, core_metric_id *out)
{
	for (int i = 0; i < CORE_METRICS; i++) {
		if (!strcmp(metrics[i].name, name)) {
			*out = (core_metric_id)i;
			return true;
		}
	}
	return false;
}

int32_t core_metric_groups_needed(core_metric_kind kind)
{
	return kind == CORE_METRIC_GAP ? 2 : kind == CORE_METRIC_GROUP ? 1 : 0;
}

static bool is_below(int64_t n, int64_t min_support)
{
	return n > 0 && n < min_support;
}

bool core_metric_low_support(
	core_metric_id id, int64_t rows, int64_t positives, int64_t min_support)
{
	int64_t negatives = rows - positives;
	switch (metrics[id].basis) {
	case CORE_BASIS_ALL_ROWS:
		return false;
	case CORE_BASIS_GROUP_ROWS:
		return is_below(rows, min_support);
	case CORE_BASIS_POSITIVES:
		return is_below(positives, min_support);
	case CORE_BASIS_POSITIVES_OR_NONE:
		return rows > 0 && positives < min_support;
	case CORE_BASIS_NEGATIVES:
		return is_below(negatives, min_support);
	case CORE_BASIS_POSITIVES_AND_NEGATIVES:
		return is_below(positives, min_support) || is_below(negatives, min_support);
	}
	return false;
}

core_metric_mask core_metrics_of_kinds(unsigned kinds)
{
	core_metric_mask mask = 0;
	for (int k = 0; k < CORE_METRICS; k++)
		if (metrics[k].kind & kinds)
			mask |= (core_metric_mask)1 << k;
	return mask;
}

core_tally_part core_metrics_part(core_metric_mask wanted)
{
	bool argmax = wanted & CORE_WITH_RECALL;
	for (int k = 0; k < CORE_METRICS; k++)
		argmax |= core_metric_in(wanted, k) && metrics[k].reading == CORE_ARGMAX;
	return argmax ? CORE_TALLY_ALL : CORE_TALLY_THRESHOLD;
}

void core_metrics_of_unit(
	const core_tally *tally, int32_t unit, core_metric_mask wanted, double *values)
{
	const core_tally own[CORE_READINGS] = {
		core_tally_read(tally, CORE_THRESHOLD), core_tally_read(tally, CORE_ARGMAX)};
	for (int k = 0; k < CORE_METRICS; k++)
		if (metrics[k].of_unit && core_metric_in(wanted, k))
			values[k] = metrics[k].of_unit(&own[metrics[k].reading], unit);
}

/* Does any of the wanted metrics need the rates of this reading? */
static bool needs_reading(core_metric_mask wanted, core_reading reading)
{
	bool needed = wanted & (reading == CORE_ARGMAX ? CORE_WITH_RECALL : CORE_WITH_TPR);
	for (int k = 0; k < CORE_METRICS && !needed; k++)
		needed = core_metric_in(wanted, k) && metrics[k].of_groups &&
			 metrics[k].reading == reading;
	return needed;
}

void core_metrics_of_groups(const core_tally *groups, core_metric_mask wanted,
	core_rates rates[CORE_READINGS], double *values)
{
	core_tally own[CORE_READINGS];
	for (int r = 0; r < CORE_READINGS; r++) {
		own[r] = core_tally_read(groups, (core_reading)r);
		if (needs_reading(wanted, (core_reading)r))
			core_rates_fill(&own[r], &rates[r]);
	}
	for (int k = 0; k < CORE_METRICS; k++) {
		const core_metric *m = &metrics[k];
		if (!core_metric_in(wanted, k) || !m->of_groups)
			continue;
		bool enough = rates[m->reading].present >= core_metric_groups_needed(m->kind);
		values[k] = enough ? m->of_groups(&own[m->reading], &rates[m->reading]) : NAN;
	}
}
