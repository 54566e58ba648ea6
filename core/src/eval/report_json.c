/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/report_json.h"

#include <math.h>

#include "base/json.h"

#define PREDICTION_THRESHOLD "prediction_threshold"

/* Checks every addition, so that a key that does not fit in memory or is not UTF-8 is never silently
 * missing from a report. */
struct maker {
	bool failed;
};

static void set_key(struct maker *j, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		j->failed = true;
}

static void append_value(struct maker *j, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		j->failed = true;
}

static json_t *number_json(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

/* Adds the key only if the value was computed. */
static void set_known(struct maker *j, json_t *object, const char *key, double value)
{
	if (!isnan(value))
		set_key(j, object, key, json_real(value));
}

static json_t *estimate_json(struct maker *j, const core_estimate *e)
{
	json_t *r = json_object();
	set_key(j, r, "value", number_json(e->value));
	set_known(j, r, "null_mean", e->null_mean);
	set_known(j, r, "null_p95", e->null_p95);
	set_known(j, r, "p", e->p);
	set_known(j, r, "excess", e->excess);
	set_known(j, r, "low", e->low);
	set_known(j, r, "high", e->high);
	set_known(j, r, "level", e->level);
	return r;
}

static void set_metrics(
	struct maker *j, json_t *object, unsigned kinds, const core_estimate *metric)
{
	for (int k = 0; k < CORE_METRICS; k++) {
		const core_metric *m = core_metric_at((core_metric_id)k);
		if (m->kind & kinds)
			set_key(j, object, m->name, estimate_json(j, &metric[k]));
	}
}

static json_t *text_json(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *undefined_list(struct maker *j, const core_metrics *m)
{
	json_t *list = json_array();
	for (int32_t i = 0; i < m->n_undefined; i++) {
		const core_undefined *u = &m->undefined[i];
		json_t *entry = json_object();
		set_key(j, entry, "metric", text_json(u->metric));
		set_key(j, entry, "attribute", text_json(u->attribute));
		set_key(j, entry, "class", text_json(u->class_name));
		set_key(j, entry, "group", text_json(u->group));
		set_key(j, entry, "reason", text_json(u->reason));
		append_value(j, list, entry);
	}
	return list;
}

static json_t *threshold_free_json(struct maker *j, const core_threshold_free_metrics *s)
{
	json_t *object = json_object();
	set_key(j, object, "labels_predicted", number_json(s->labels_predicted));
	set_key(j, object, "labels_true", number_json(s->labels_true));
	set_key(j, object, "auc", number_json(s->auc));
	set_key(j, object, "average_precision", number_json(s->ap));
	return object;
}

static json_t *counts_json(struct maker *j, const core_attribute_metrics *a, const int64_t *count)
{
	json_t *object = json_object();
	for (int32_t g = 0; g < a->G; g++)
		set_key(j, object, a->group[g], json_integer(count[g]));
	return object;
}

/* {group: value} for the groups that have rows */
static json_t *by_group_json(struct maker *j, const core_attribute_metrics *a, const double *value)
{
	json_t *object = json_object();
	for (int32_t g = 0; g < a->G; g++)
		if (a->rows[g])
			set_key(j, object, a->group[g], number_json(value[g]));
	return object;
}

static json_t *tpr_table(struct maker *j, const core_metrics *m, const core_attribute_metrics *a)
{
	json_t *table = json_object();
	for (int32_t c = 0; c < m->C; c++) {
		json_t *row = json_object();
		for (int32_t g = 0; g < a->G; g++)
			if (a->rows[g])
				set_key(j, row, a->group[g],
					estimate_json(j, &a->tpr[c * a->G + g]));
		set_key(j, table, m->classes[c], row);
	}
	return table;
}

static json_t *fpr_table(struct maker *j, const core_metrics *m, const core_attribute_metrics *a)
{
	json_t *table = json_object();
	for (int32_t c = 0; c < m->C; c++)
		set_key(j, table, m->classes[c], by_group_json(j, a, a->fpr + c * a->G));
	return table;
}

static json_t *positives_table(
	struct maker *j, const core_metrics *m, const core_attribute_metrics *a)
{
	json_t *table = json_object();
	for (int32_t c = 0; c < m->C; c++)
		set_key(j, table, m->classes[c], counts_json(j, a, a->positives + c * a->G));
	return table;
}

static json_t *differences_json(struct maker *j, int32_t C, const char *const *classes,
	const char *const *group, int32_t n, const core_tpr_difference *difference)
{
	json_t *list = json_array();
	for (int32_t k = 0; k < n; k++) {
		const core_tpr_difference *d = &difference[k];
		json_t *entry = json_object(), *by_class = json_object();
		set_key(j, entry, "group", text_json(group[d->g]));
		set_key(j, entry, "minus", text_json(group[d->h]));
		set_key(j, entry, "few_speakers", json_boolean(d->few));
		set_key(j, entry, "one_speaker", json_boolean(d->one_speaker));
		for (int32_t c = 0; c < C; c++)
			set_key(j, by_class, classes[c], estimate_json(j, &d->value[c]));
		set_key(j, entry, "classes", by_class);
		append_value(j, list, entry);
	}
	return list;
}

static json_t *attribute_json(
	struct maker *j, const core_metrics *m, const core_attribute_metrics *a)
{
	json_t *object = json_object(), *sharp = json_object();
	set_key(j, object, "groups", counts_json(j, a, a->rows));
	if (a->speakers)
		set_key(j, object, "speakers", counts_json(j, a, a->speakers));
	set_key(j, object, "unknown", json_integer(a->unknown_rows));
	set_metrics(j, object, CORE_METRIC_GAP | CORE_METRIC_GROUP, a->metric);
	set_key(j, object, "tpr_pairs", json_integer(a->tpr_pairs));
	set_key(j, object, "fpr_pairs", json_integer(a->fpr_pairs));
	set_key(j, object, "group_f1", by_group_json(j, a, a->group_f1));
	set_key(j, object, "group_acc", by_group_json(j, a, a->group_acc));
	for (int32_t g = 0; g < a->G; g++)
		if (a->rows[g])
			set_key(j, sharp, a->group[g],
				threshold_free_json(j, &a->threshold_free[g]));
	set_key(j, object, "threshold_free", sharp);
	set_key(j, object, "tpr", tpr_table(j, m, a));
	set_key(j, object, "fpr", fpr_table(j, m, a));
	set_key(j, object, "positives", positives_table(j, m, a));
	if (a->n_differences)
		set_key(j, object, "tpr_difference",
			differences_json(
				j, m->C, m->classes, a->group, a->n_differences, a->difference));
	return object;
}

static json_t *finish_report(fv_ctx *ctx, const struct maker *j, json_t *report)
{
	if (!j->failed)
		return report;
	json_decref(report);
	(void)fv_fail(ctx, FV_FAILED,
		"cannot build the report: out of memory, or the name of a class, attribute or "
		"group is not UTF-8");
	return NULL;
}

static json_t *cut_json(struct maker *j, const core_metrics *m)
{
	json_t *object = json_object();
	for (int32_t c = 0; c < m->C; c++)
		set_key(j, object, m->classes[c], number_json((double)m->cut[c]));
	return object;
}

fv_status core_report_read_cut(fv_ctx *ctx, const json_t *metrics, core_predictions *p)
{
	const json_t *object = json_object_get(metrics, PREDICTION_THRESHOLD);
	float *cut = core_alloc(ctx, (size_t)p->C, sizeof *cut);
	if (!cut)
		return FV_FAILED;
	for (int32_t c = 0; object && c < p->C; c++) {
		const json_t *value = json_object_get(object, p->classes[c]);
		if (!json_is_number(value))
			return fv_fail(ctx, FV_DATA,
				"metrics.json: %s has no number for class '%s'",
				PREDICTION_THRESHOLD, p->classes[c]);
		cut[c] = (float)json_number_value(value);
	}
	return object ? core_predictions_set_cut(ctx, p, cut) : FV_OK;
}

json_t *core_report_metrics(fv_ctx *ctx, const core_metrics *m)
{
	struct maker maker = {false}, *j = &maker;
	json_t *report = json_object(), *attributes = json_object();
	set_key(j, report, "schema_version", json_integer(2));
	set_key(j, report, "n", json_integer(m->n));
	if (m->n_speakers)
		set_key(j, report, "speakers", json_integer(m->n_speakers));
	set_key(j, report, "threshold", number_json((double)m->threshold));
	if (m->cut)
		set_key(j, report, PREDICTION_THRESHOLD, cut_json(j, m));
	if (m->draws)
		set_key(j, report, "draws", json_integer(m->draws));
	set_metrics(j, report, CORE_METRIC_OVERALL, m->metric);
	set_key(j, report, "threshold_free", threshold_free_json(j, &m->threshold_free));
	for (int32_t k = 0; k < m->n_attributes; k++)
		set_key(j, attributes, m->attribute[k].name,
			attribute_json(j, m, &m->attribute[k]));
	set_key(j, report, "attributes", attributes);
	set_key(j, report, "undefined", undefined_list(j, m));
	return finish_report(ctx, j, report);
}

static json_t *level_json(
	struct maker *j, const core_level_change *change, const core_attribute_comparison *a)
{
	json_t *object = json_object();
	if (change->best >= 0) {
		set_key(j, object, "best", text_json(a->group[change->best]));
		set_key(j, object, "worst", text_json(a->group[change->worst]));
	}
	set_key(j, object, "best_change", number_json(change->best_change));
	set_key(j, object, "worst_change", number_json(change->worst_change));
	set_key(j, object, "flag", json_boolean(change->flag));
	return object;
}

static json_t *levelling_json(
	struct maker *j, const core_comparison *m, const core_attribute_comparison *a)
{
	json_t *object = json_object(), *classes = json_object();
	for (int32_t c = 0; c < m->C; c++) {
		const core_level_change *change = &a->levelling.per_class[c];
		set_key(j, classes, m->classes[c],
			change->best < 0 ? json_null() : level_json(j, change, a));
	}
	set_key(j, object, "per_class", classes);
	set_key(j, object, "mean", level_json(j, &a->levelling.mean, a));
	return object;
}

json_t *core_report_comparison(fv_ctx *ctx, const core_comparison *comparison)
{
	struct maker maker = {false}, *j = &maker;
	json_t *report = json_object(), *attributes = json_object();
	set_metrics(j, report, CORE_METRIC_OVERALL, comparison->metric);
	for (int32_t k = 0; k < comparison->n_attributes; k++) {
		const core_attribute_comparison *a = &comparison->attribute[k];
		json_t *object = json_object();
		set_metrics(j, object, CORE_METRIC_GAP | CORE_METRIC_GROUP, a->metric);
		set_key(j, object, "tpr_difference",
			differences_json(j, comparison->C, comparison->classes, a->group,
				a->n_differences, a->tpr_difference));
		set_key(j, object, "levelling_down", levelling_json(j, comparison, a));
		set_key(j, attributes, a->name, object);
	}
	set_key(j, report, "attributes", attributes);
	return finish_report(ctx, j, report);
}

char *core_report_dump(fv_ctx *ctx, json_t *report)
{
	if (!report)
		return NULL;
	const char *text = core_json_text(ctx, report, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
	return text ? core_format(ctx, "%s\n", text) : NULL;
}
