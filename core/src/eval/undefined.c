/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/undefined.h"

#include <math.h>

/* Most entries of one class and group, of one group, and of one class. */
enum { PER_SUBGROUP = 2, PER_GROUP = 3, PER_CLASS = 2 };

fv_status core_undefined_alloc(
	fv_ctx *ctx, int32_t n_attributes, const core_eval_attribute *attributes, core_metrics *m)
{
	size_t most = 2 + CORE_METRICS + CORE_NUMERIC_MAX, C = (size_t)m->C;
	for (int32_t a = 0; a < n_attributes; a++)
		most += CORE_METRICS + PER_CLASS * C +
			(PER_SUBGROUP * C + PER_GROUP) * (size_t)attributes[a].G;
	m->undefined = core_alloc(ctx, most, sizeof *m->undefined);
	return m->undefined ? FV_OK : FV_FAILED;
}

static void note_undefined(core_metrics *m, core_undefined what)
{
	m->undefined[m->n_undefined++] = what;
}

static const char *explain_undefined(const core_metric *metric, const core_attribute_metrics *a)
{
	int32_t present = metric->reading == CORE_ARGMAX ? a->argmax_present : a->present;
	if (present >= core_metric_groups_needed(metric->kind))
		return metric->undefined;
	return metric->kind == CORE_METRIC_GAP ? "fewer than two groups have rows"
					       : "no row has a known group";
}

static void note_group_metrics(core_metrics *m, const core_attribute_metrics *a)
{
	for (int k = 0; k < CORE_METRICS; k++) {
		const core_metric *metric = core_metric_at((core_metric_id)k);
		if (metric->of_groups && isnan(a->metric[k].value))
			note_undefined(m, (core_undefined){.metric = metric->name,
						  .attribute = a->name,
						  .reason = explain_undefined(metric, a)});
	}
}

static void note_subgroup(core_metrics *m, const core_attribute_metrics *a, int32_t c, int32_t g)
{
	core_undefined what = {
		.attribute = a->name, .class_name = m->classes[c], .group = a->group[g]};
	int64_t positives = a->positives[c * a->G + g];
	if (positives == 0) {
		what.metric = "tpr";
		what.reason = "no row of this group is labelled with this class";
		note_undefined(m, what);
	}
	if (positives == a->rows[g]) {
		what.metric = "fpr";
		what.reason = "every row of this group is labelled with this class";
		note_undefined(m, what);
	}
}

static void note_rates(core_metrics *m, const core_attribute_metrics *a)
{
	for (int32_t g = 0; g < a->G; g++) {
		if (!a->rows[g])
			note_undefined(m, (core_undefined){.metric = "tpr",
						  .attribute = a->name,
						  .group = a->group[g],
						  .reason = "no row has this group"});
		for (int32_t c = 0; c < m->C && a->rows[g]; c++)
			note_subgroup(m, a, c, g);
	}
}

/* Notes the classes that a ratio leaves out because the largest rate is 0. */
static void note_class_ratios(core_metrics *m, const core_attribute_metrics *a)
{
	for (int32_t c = 0; c < m->C; c++) {
		core_undefined what = {.attribute = a->name, .class_name = m->classes[c]};
		if (a->no_parity_ratio[c]) {
			what.metric = core_metric_at(CORE_DEMOGRAPHIC_PARITY_RATIO)->name;
			what.reason = "the largest rate of positive predictions is 0";
			note_undefined(m, what);
		}
		if (a->no_odds_ratio[c]) {
			what.metric = core_metric_at(CORE_EQUALIZED_ODDS_RATIO)->name;
			what.reason = "the largest TPR or FPR is 0";
			note_undefined(m, what);
		}
	}
}

/* Notes undefined threshold-free metrics over all rows (a NULL) or in group g. */
static void note_threshold_free(core_metrics *m, const core_attribute_metrics *a, int32_t g)
{
	const core_threshold_free_metrics *s = a ? &a->threshold_free[g] : &m->threshold_free;
	core_undefined what = {.attribute = a ? a->name : NULL, .group = a ? a->group[g] : NULL};
	if (!s->n)
		return;
	if (isnan(s->auc)) {
		what.metric = "auc";
		what.reason = "no class has both labelled and unlabelled rows";
		note_undefined(m, what);
	}
	if (isnan(s->ap)) {
		what.metric = "average_precision";
		what.reason = "no row is labelled with any class";
		note_undefined(m, what);
	}
}

void core_note_overall(core_metrics *m)
{
	for (int k = 0; k < CORE_METRICS; k++) {
		const core_metric *metric = core_metric_at((core_metric_id)k);
		if (metric->of_unit && isnan(m->metric[k].value))
			note_undefined(m, (core_undefined){.metric = metric->name,
						  .reason = metric->undefined});
	}
	note_threshold_free(m, NULL, 0);
}

void core_note_speakers(core_metrics *m)
{
	for (int k = 0; k < CORE_METRICS; k++) {
		const core_metric *metric = core_metric_at((core_metric_id)k);
		if (metric->kind == CORE_METRIC_SPEAKERS && isnan(m->metric[k].value))
			note_undefined(m, (core_undefined){.metric = metric->name,
						  .reason = metric->undefined});
	}
}

void core_note_numeric(core_metrics *m, const char *attribute)
{
	note_undefined(m, (core_undefined){.metric = "recall_slope",
				  .attribute = attribute,
				  .reason = "fewer than three speakers with rows enough and a "
					    "number, or all have the same"});
}

void core_note_attribute(core_metrics *m, const core_attribute_metrics *a)
{
	note_group_metrics(m, a);
	note_rates(m, a);
	note_class_ratios(m, a);
	for (int32_t g = 0; g < a->G; g++)
		note_threshold_free(m, a, g);
}
