/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int compare_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts texts and removes duplicates and empty ones; returns how many are left. */
static int64_t sort_distinct(const char **name, int64_t n)
{
	int64_t kept = 0;
	qsort(name, (size_t)n, sizeof *name, compare_bytes);
	for (int64_t i = 0; i < n; i++)
		if (*name[i] && (!kept || strcmp(name[i], name[kept - 1])))
			name[kept++] = name[i];
	return kept;
}

fv_status core_eval_attribute_make(fv_ctx *ctx, const char *name, int64_t n,
	const char *const *value, const char *const *only, int32_t n_only, core_eval_attribute *out)
{
	int64_t given = n_only > 0 ? n_only : n;
	const char **names = malloc((size_t)(given + 1) * sizeof *names);
	if (!names)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	memcpy(names, n_only > 0 ? only : value, (size_t)given * sizeof *names);
	int64_t G = sort_distinct(names, given);
	const char **group = core_alloc(ctx, (size_t)G + 1, sizeof *group);
	int32_t *id = core_alloc(ctx, (size_t)n + 1, sizeof *id);
	if (group && id) {
		memcpy(group, names, (size_t)G * sizeof *group);
		for (int64_t i = 0; i < n; i++) {
			const char **found =
				bsearch(&value[i], group, (size_t)G, sizeof *group, compare_bytes);
			id[i] = found ? (int32_t)(found - group) : -1;
		}
	}
	free(names);
	*out = (core_eval_attribute){.name = name, .G = (int32_t)G, .group = group, .id = id};
	return group && id ? FV_OK : FV_FAILED;
}

core_estimate core_estimate_of(double value)
{
	return (core_estimate){.value = value,
		.low = NAN,
		.high = NAN,
		.level = NAN,
		.null_mean = NAN,
		.null_p95 = NAN,
		.p = NAN,
		.excess = NAN};
}

static void note_undefined(core_metrics *m, core_undefined what)
{
	m->undefined[m->n_undefined++] = what;
}

static const char *explain_undefined(const core_metric *metric, int32_t present)
{
	if (present >= core_metric_groups_needed(metric->kind))
		return metric->undefined;
	return metric->kind == CORE_METRIC_GAP ? "fewer than two groups have rows"
					       : "no row has a known group";
}

static void note_metrics(core_metrics *m, const core_attribute_metrics *a)
{
	for (int k = 0; k < CORE_METRICS; k++) {
		const core_metric *metric = core_metric_at((core_metric_id)k);
		if (metric->kind != CORE_METRIC_OVERALL && isnan(a->metric[k].value))
			note_undefined(m, (core_undefined){.metric = metric->name,
						  .attribute = a->name,
						  .reason = explain_undefined(metric, a->present)});
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

static fv_status alloc_attribute(fv_ctx *ctx, int32_t C, core_attribute_metrics *a)
{
	size_t G = (size_t)a->G, subgroups = (size_t)C * G;
	a->rows = core_alloc(ctx, G, sizeof *a->rows);
	a->positives = core_alloc(ctx, subgroups, sizeof *a->positives);
	a->tpr = core_alloc(ctx, subgroups, sizeof *a->tpr);
	a->group_f1 = core_alloc(ctx, 2 * G, sizeof *a->group_f1);
	a->threshold_free = core_alloc(ctx, G, sizeof *a->threshold_free);
	if (!a->rows || !a->positives || !a->tpr || !a->group_f1 || !a->threshold_free)
		return FV_FAILED;
	a->group_acc = a->group_f1 + G;
	return FV_OK;
}

static void fill_groups(
	const core_tally *groups, const core_rates *rates, core_attribute_metrics *a)
{
	for (int32_t g = 0; g < a->G; g++) {
		a->rows[g] = core_tally_rows(groups, g);
		a->group_f1[g] = a->rows[g] ? core_tally_f1(groups, g) : NAN;
		a->group_acc[g] = core_tally_acc(groups, g);
		for (int32_t c = 0; c < rates->C; c++) {
			int32_t i = c * a->G + g;
			a->positives[i] = core_tally_positives(groups, g, c);
			a->tpr[i] = core_estimate_of(rates->tpr[i]);
		}
	}
}

static fv_status compute_attribute(fv_ctx *ctx, const core_eval_set *set,
	const core_eval_attribute *attribute, core_attribute_metrics *a)
{
	*a = (core_attribute_metrics){
		.name = attribute->name, .G = attribute->G, .group = attribute->group};
	core_tally groups, known;
	core_rates rates;
	double value[CORE_METRICS];
	fv_status status = alloc_attribute(ctx, set->C, a);
	if (!status)
		status = core_tally_make(ctx, set, a->G, attribute->id, NULL, &groups);
	if (!status)
		status = core_tally_alloc(ctx, 1, set->C, &known);
	if (!status)
		status = core_rates_alloc(ctx, set->C, a->G, &rates);
	if (status)
		return status;
	for (int32_t g = 0; g < a->G; g++) {
		size_t width = 1 + 3 * (size_t)set->C;
		for (size_t j = 0; j < width; j++)
			known.count[j] += core_tally_unit(&groups, g)[j];
	}
	core_metrics_of_groups(&groups, CORE_METRIC_GAP | CORE_METRIC_GROUP, &rates, value);
	core_metrics_of_unit(&known, 0, value);
	for (int k = 0; k < CORE_METRICS; k++) {
		bool no_rows = core_metric_is((core_metric_id)k, CORE_METRIC_OVERALL) &&
			       !core_tally_rows(&known, 0);
		a->metric[k] = core_estimate_of(no_rows ? NAN : value[k]);
	}
	a->unknown_rows = set->n - core_tally_rows(&known, 0);
	a->present = rates.present;
	a->tpr_pairs = rates.tpr_pairs;
	a->fpr_pairs = rates.fpr_pairs;
	a->fpr = rates.fpr;
	a->positive = rates.positive;
	a->eo = rates.eo;
	fill_groups(&groups, &rates, a);
	for (int32_t g = 0; g < a->G && !status; g++)
		status = core_threshold_free_compute(
			ctx, set, attribute->id, g, &a->threshold_free[g]);
	return status;
}

static fv_status compute_overall(fv_ctx *ctx, const core_eval_set *set, core_metrics *m)
{
	core_tally all;
	fv_status status = core_tally_make(ctx, set, 1, NULL, NULL, &all);
	if (status)
		return status;
	for (int32_t c = 0; c < m->C; c++) {
		int64_t tp = core_tally_tp(&all, 0, c);
		int64_t below = tp + core_tally_fp(&all, 0, c) + core_tally_positives(&all, 0, c);
		m->class_f1[c] = below ? (double)(2 * tp) / (double)below : 0;
	}
	double value[CORE_METRICS];
	core_metrics_of_unit(&all, 0, value);
	for (int k = 0; k < CORE_METRICS; k++)
		m->metric[k] = core_estimate_of(
			core_metric_is((core_metric_id)k, CORE_METRIC_OVERALL) ? value[k] : NAN);
	return core_threshold_free_compute(ctx, set, NULL, 0, &m->threshold_free);
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

fv_status core_metric_values(
	fv_ctx *ctx, const core_eval_set *set, const core_eval_attribute *attribute, double *values)
{
	core_tally tally;
	core_rates rates;
	for (int k = 0; k < CORE_METRICS; k++)
		values[k] = NAN;
	fv_status status = core_tally_make(ctx, set, attribute ? attribute->G : 1,
		attribute ? attribute->id : NULL, NULL, &tally);
	if (!status && attribute)
		status = core_rates_alloc(ctx, set->C, attribute->G, &rates);
	if (status)
		return status;
	if (attribute)
		core_metrics_of_groups(&tally, CORE_METRIC_GAP | CORE_METRIC_GROUP, &rates, values);
	else
		core_metrics_of_unit(&tally, 0, values);
	return FV_OK;
}

fv_status core_metrics_compute(fv_ctx *ctx, const core_eval_set *set, const char *const *classes,
	int32_t n_attributes, const core_eval_attribute *attributes, core_metrics *out)
{
	if (set->n < 1 || set->C < 1)
		return fv_fail(ctx, FV_DATA, "no rows to evaluate");
	*out = (core_metrics){.n = set->n,
		.C = set->C,
		.classes = classes,
		.threshold = core_eval_threshold(set),
		.cut = set->cut,
		.n_attributes = n_attributes};
	size_t most = 2;
	for (int32_t a = 0; a < n_attributes; a++)
		most += CORE_METRICS + (2 * (size_t)set->C + 3) * (size_t)attributes[a].G;
	out->class_f1 = core_alloc(ctx, (size_t)set->C, sizeof *out->class_f1);
	out->attribute = core_alloc(ctx, (size_t)n_attributes + 1, sizeof *out->attribute);
	out->undefined = core_alloc(ctx, most + 1, sizeof *out->undefined);
	if (!out->class_f1 || !out->attribute || !out->undefined)
		return FV_FAILED;
	fv_status status = compute_overall(ctx, set, out);
	if (!status)
		note_threshold_free(out, NULL, 0);
	for (int32_t a = 0; a < n_attributes && !status; a++) {
		status = compute_attribute(ctx, set, &attributes[a], &out->attribute[a]);
		if (!status) {
			note_metrics(out, &out->attribute[a]);
			note_rates(out, &out->attribute[a]);
			for (int32_t g = 0; g < attributes[a].G; g++)
				note_threshold_free(out, &out->attribute[a], g);
		}
	}
	return status;
}
