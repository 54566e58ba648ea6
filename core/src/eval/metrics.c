/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/metrics.h"

#include <math.h>

#include "eval/argmax.h"
#include "eval/calibration.h"
#include "eval/metric_formulas.h"
#include "eval/undefined.h"

core_estimate core_estimate_of(double value)
{
	return (core_estimate){.value = value,
		.low = NAN,
		.high = NAN,
		.level = NAN,
		.null_mean = NAN,
		.null_p95 = NAN,
		.null_p05 = NAN,
		.p = NAN,
		.excess = NAN};
}

static fv_status alloc_attribute(fv_ctx *ctx, int32_t C, core_attribute_metrics *a)
{
	size_t G = (size_t)a->G, subgroups = (size_t)C * G;
	a->rows = core_alloc(ctx, 2 * G, sizeof *a->rows);
	a->positives = core_alloc(ctx, 2 * subgroups, sizeof *a->positives);
	a->tpr = core_alloc(ctx, 2 * subgroups, sizeof *a->tpr);
	a->group_f1 = core_alloc(ctx, 2 * G, sizeof *a->group_f1);
	a->eo = core_alloc(ctx, (size_t)C, sizeof *a->eo);
	a->no_parity_ratio = core_alloc(ctx, 2 * (size_t)C, sizeof *a->no_parity_ratio);
	a->threshold_free = core_alloc(ctx, G, sizeof *a->threshold_free);
	a->group_metric = core_alloc(ctx, G * CORE_METRICS, sizeof *a->group_metric);
	a->confusion = core_alloc(ctx, G, sizeof *a->confusion);
	if (!a->rows || !a->positives || !a->tpr || !a->group_f1 || !a->eo || !a->no_parity_ratio ||
		!a->threshold_free || !a->group_metric || !a->confusion)
		return FV_FAILED;
	a->argmax_rows = a->rows + G;
	a->argmax_positives = a->positives + subgroups;
	a->recall = a->tpr + subgroups;
	a->group_acc = a->group_f1 + G;
	a->no_odds_ratio = a->no_parity_ratio + C;
	return FV_OK;
}

/* Sets the overall metrics of one unit; all are undefined if it has no rows. */
static void set_unit_metrics(const core_tally *tally, int32_t unit, core_estimate *metric)
{
	double value[CORE_METRICS];
	for (int k = 0; k < CORE_METRICS; k++)
		value[k] = NAN;
	if (core_tally_rows(tally, unit))
		core_metrics_of_unit(tally, unit, CORE_ALL_METRICS, value);
	for (int k = 0; k < CORE_METRICS; k++)
		metric[k] = core_estimate_of(value[k]);
}

static void fill_groups(
	const core_tally *groups, const core_rates rates[CORE_READINGS], core_attribute_metrics *a)
{
	const core_tally argmax = core_tally_read(groups, CORE_ARGMAX);
	for (int32_t g = 0; g < a->G; g++) {
		core_estimate *metric = a->group_metric + (size_t)g * CORE_METRICS;
		set_unit_metrics(groups, g, metric);
		a->rows[g] = core_tally_rows(groups, g);
		a->argmax_rows[g] = core_tally_rows(&argmax, g);
		a->group_f1[g] = metric[CORE_F1].value;
		a->group_acc[g] = metric[CORE_ACC].value;
		for (int32_t c = 0; c < groups->C; c++) {
			int32_t i = c * a->G + g;
			a->positives[i] = core_tally_positives(groups, g, c);
			a->argmax_positives[i] = core_tally_positives(&argmax, g, c);
			a->tpr[i] = core_estimate_of(rates[CORE_THRESHOLD].tpr[i]);
			a->recall[i] = core_estimate_of(rates[CORE_ARGMAX].tpr[i]);
		}
	}
}

static void copy_rates(const core_rates rates[CORE_READINGS], core_attribute_metrics *a)
{
	const core_rates *own = &rates[CORE_THRESHOLD];
	a->present = own->present;
	a->argmax_present = rates[CORE_ARGMAX].present;
	a->tpr_pairs = core_rate_pairs(own->tpr, own->C, own->G);
	a->fpr_pairs = core_rate_pairs(own->fpr, own->C, own->G);
	a->fpr = own->fpr;
	a->positive = own->positive;
	for (int32_t c = 0; c < own->C; c++) {
		a->eo[c] = core_class_odds_difference(own, c);
		a->no_parity_ratio[c] = own->present > 1 && isnan(core_class_parity_ratio(own, c));
		a->no_odds_ratio[c] = core_class_odds_are_zero(own, c);
	}
}

/* Sets the metrics that are computed from the probabilities of some rows. */
static fv_status set_row_metrics(fv_ctx *ctx, const core_eval_set *set, const int32_t *id,
	int32_t group, const core_threshold_free_metrics *areas, double *values)
{
	core_calibration c;
	fv_status status = core_calibration_compute(ctx, set, id, group, &c);
	values[CORE_AUC] = areas->auc;
	values[CORE_AP] = areas->ap;
	values[CORE_ECE] = c.ece;
	values[CORE_BRIER] = c.brier;
	return status;
}

fv_status core_row_metrics_compute(fv_ctx *ctx, const core_eval_set *set, double *values)
{
	core_threshold_free_metrics areas;
	core_mark before = core_ctx_mark(ctx);
	fv_status status = core_threshold_free_compute(ctx, set, NULL, 0, &areas);
	if (!status)
		status = set_row_metrics(ctx, set, NULL, 0, &areas, values);
	core_ctx_release(ctx, before);
	return status;
}

static fv_status compute_of_rows(fv_ctx *ctx, const core_eval_set *set, const int32_t *id,
	int32_t group, const core_threshold_free_metrics *areas, core_estimate *metric)
{
	double values[CORE_METRICS];
	fv_status status = set_row_metrics(ctx, set, id, group, areas, values);
	for (int k = 0; k < CORE_METRICS && !status; k++)
		if (core_metric_is((core_metric_id)k, CORE_METRIC_ROWS))
			metric[k] = core_estimate_of(values[k]);
	return status;
}

/* Counts the confusion matrix of some rows (eval/argmax.h). */
static fv_status count_confusion(
	fv_ctx *ctx, const core_eval_set *set, const int32_t *id, int32_t group, int64_t **out)
{
	*out = core_alloc(ctx, (size_t)set->C * (size_t)set->C, sizeof **out);
	if (!*out)
		return FV_FAILED;
	core_confusion_count(set, id, group, *out);
	return FV_OK;
}

/* Sets the metrics of an attribute: the gaps, and the overall ones over the rows whose group is known. */
static fv_status set_attribute_metrics(fv_ctx *ctx, const core_tally *groups,
	core_rates rates[CORE_READINGS], core_attribute_metrics *a)
{
	core_tally known;
	double value[CORE_METRICS];
	fv_status status = core_tally_alloc(ctx, 1, groups->C, &known);
	if (status)
		return status;
	core_tally_sum(groups, NULL, NULL, CORE_TALLY_ALL, &known);
	set_unit_metrics(&known, 0, a->metric);
	core_metrics_of_groups(groups,
		CORE_WITH_RATES | core_metrics_of_kinds(CORE_METRIC_GAP | CORE_METRIC_GROUP), rates,
		value);
	for (int k = 0; k < CORE_METRICS; k++)
		if (core_metric_at((core_metric_id)k)->of_groups)
			a->metric[k] = core_estimate_of(value[k]);
	a->unknown_rows -= core_tally_rows(&known, 0);
	return FV_OK;
}

static fv_status compute_attribute(fv_ctx *ctx, const core_eval_set *set,
	const core_eval_attribute *attribute, core_attribute_metrics *a)
{
	*a = (core_attribute_metrics){.name = attribute->name,
		.G = attribute->G,
		.group = attribute->group,
		.n_small = attribute->n_small,
		.small = attribute->small,
		.small_rows = attribute->small_rows,
		.unknown_rows = set->n};
	core_tally groups;
	core_rates rates[CORE_READINGS];
	fv_status status = alloc_attribute(ctx, set->C, a);
	if (!status)
		status = core_tally_make(ctx, set, a->G, attribute->id, NULL, &groups);
	if (!status)
		status = core_rates_alloc(ctx, set->C, a->G, rates);
	if (!status)
		status = set_attribute_metrics(ctx, &groups, rates, a);
	if (status)
		return status;
	copy_rates(rates, a);
	fill_groups(&groups, rates, a);
	for (int32_t g = 0; g < a->G && !status; g++) {
		status = core_threshold_free_compute(
			ctx, set, attribute->id, g, &a->threshold_free[g]);
		if (!status)
			status = compute_of_rows(ctx, set, attribute->id, g, &a->threshold_free[g],
				a->group_metric + (size_t)g * CORE_METRICS);
		if (!status)
			status = count_confusion(ctx, set, attribute->id, g, &a->confusion[g]);
	}
	return status;
}

static fv_status compute_overall(fv_ctx *ctx, const core_eval_set *set, core_metrics *m)
{
	core_tally all;
	fv_status status = core_tally_make(ctx, set, 1, NULL, NULL, &all);
	if (status)
		return status;
	const core_tally argmax = core_tally_read(&all, CORE_ARGMAX);
	for (int32_t c = 0; c < m->C; c++) {
		m->class_f1[c] = core_tally_class_f1(&all, 0, c);
		m->class_recall[c] = core_tally_recall(&argmax, 0, c);
	}
	set_unit_metrics(&all, 0, m->metric);
	m->argmax_rows = core_tally_rows(&argmax, 0);
	m->no_majority = core_count_no_majority(set);
	status = count_confusion(ctx, set, NULL, 0, &m->confusion);
	if (!status)
		status = core_threshold_free_compute(ctx, set, NULL, 0, &m->threshold_free);
	return status ? status : compute_of_rows(ctx, set, NULL, 0, &m->threshold_free, m->metric);
}

fv_status core_metric_values(
	fv_ctx *ctx, const core_eval_set *set, const core_eval_attribute *attribute, double *values)
{
	core_tally tally;
	core_rates rates[CORE_READINGS];
	for (int k = 0; k < CORE_METRICS; k++)
		values[k] = NAN;
	fv_status status = core_tally_make(ctx, set, attribute ? attribute->G : 1,
		attribute ? attribute->id : NULL, NULL, &tally);
	if (!status && attribute)
		status = core_rates_alloc(ctx, set->C, attribute->G, rates);
	if (status)
		return status;
	if (attribute)
		core_metrics_of_groups(&tally,
			core_metrics_of_kinds(CORE_METRIC_GAP | CORE_METRIC_GROUP), rates, values);
	else
		core_metrics_of_unit(&tally, 0, CORE_ALL_METRICS, values);
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
		.majority_only = set->majority_only,
		.n_attributes = n_attributes};
	size_t C = (size_t)set->C;
	out->class_f1 = core_alloc(ctx, 2 * C, sizeof *out->class_f1);
	out->attribute = core_alloc(ctx, (size_t)n_attributes + 1, sizeof *out->attribute);
	if (!out->class_f1 || !out->attribute)
		return FV_FAILED;
	out->class_recall = out->class_f1 + C;
	fv_status status = core_undefined_alloc(ctx, n_attributes, attributes, out);
	if (!status)
		status = compute_overall(ctx, set, out);
	if (!status)
		core_note_overall(out);
	for (int32_t a = 0; a < n_attributes && !status; a++) {
		status = compute_attribute(ctx, set, &attributes[a], &out->attribute[a]);
		if (!status)
			core_note_attribute(out, &out->attribute[a]);
	}
	return status;
}
