/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/report_json.h"

#include <math.h>

#include "base/json.h"

/* Every addition is checked: a key that did not fit in memory, or that is no UTF-8, must not be
 * missing from a report in silence. */
struct maker {
	bool failed;
};

static void put(struct maker *j, json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, value))
		j->failed = true;
}

static void append(struct maker *j, json_t *array, json_t *value)
{
	if (json_array_append_new(array, value))
		j->failed = true;
}

static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

/* A key for what was computed, nothing for what was not. */
static void put_known(struct maker *j, json_t *object, const char *key, double value)
{
	if (!isnan(value))
		put(j, object, key, json_real(value));
}

static json_t *estimate(struct maker *j, const core_estimate *e)
{
	json_t *r = json_object();
	put(j, r, "value", number(e->value));
	put_known(j, r, "null_mean", e->null_mean);
	put_known(j, r, "null_p95", e->null_p95);
	put_known(j, r, "p", e->p);
	put_known(j, r, "excess", e->excess);
	put_known(j, r, "low", e->low);
	put_known(j, r, "high", e->high);
	put_known(j, r, "level", e->level);
	return r;
}

static void put_metrics(
	struct maker *j, json_t *object, unsigned kinds, const core_estimate *metric)
{
	for (int k = 0; k < CORE_METRICS; k++) {
		const core_metric *m = core_metric_at((core_metric_id)k);
		if (m->kind & kinds)
			put(j, object, m->name, estimate(j, &metric[k]));
	}
}

static json_t *text(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *undefined_list(struct maker *j, const core_metrics *m)
{
	json_t *list = json_array();
	for (int32_t i = 0; i < m->n_undefined; i++) {
		const core_undefined *u = &m->undefined[i];
		json_t *entry = json_object();
		put(j, entry, "metric", text(u->metric));
		put(j, entry, "attribute", text(u->attribute));
		put(j, entry, "class", text(u->class_name));
		put(j, entry, "group", text(u->group));
		put(j, entry, "reason", text(u->reason));
		append(j, list, entry);
	}
	return list;
}

static json_t *sharpness(struct maker *j, const core_sharpness *s)
{
	json_t *object = json_object();
	put(j, object, "labels_predicted", number(s->labels_predicted));
	put(j, object, "labels_true", number(s->labels_true));
	put(j, object, "auc", number(s->auc));
	put(j, object, "average_precision", number(s->ap));
	return object;
}

static json_t *counts(struct maker *j, const core_attribute_metrics *a, const int64_t *count)
{
	json_t *object = json_object();
	for (int32_t g = 0; g < a->G; g++)
		put(j, object, a->group[g], json_integer(count[g]));
	return object;
}

/* {group: value} of the groups that are there */
static json_t *by_group(struct maker *j, const core_attribute_metrics *a, const double *value)
{
	json_t *object = json_object();
	for (int32_t g = 0; g < a->G; g++)
		if (a->rows[g])
			put(j, object, a->group[g], number(value[g]));
	return object;
}

static json_t *tpr_table(struct maker *j, const core_metrics *m, const core_attribute_metrics *a)
{
	json_t *table = json_object();
	for (int32_t c = 0; c < m->C; c++) {
		json_t *row = json_object();
		for (int32_t g = 0; g < a->G; g++)
			if (a->rows[g])
				put(j, row, a->group[g], estimate(j, &a->tpr[c * a->G + g]));
		put(j, table, m->classes[c], row);
	}
	return table;
}

static json_t *fpr_table(struct maker *j, const core_metrics *m, const core_attribute_metrics *a)
{
	json_t *table = json_object();
	for (int32_t c = 0; c < m->C; c++)
		put(j, table, m->classes[c], by_group(j, a, a->fpr + c * a->G));
	return table;
}

static json_t *positives_table(
	struct maker *j, const core_metrics *m, const core_attribute_metrics *a)
{
	json_t *table = json_object();
	for (int32_t c = 0; c < m->C; c++)
		put(j, table, m->classes[c], counts(j, a, a->positives + c * a->G));
	return table;
}

static json_t *differences(struct maker *j, int32_t C, const char *const *classes,
	const char *const *group, int32_t n, const core_tpr_difference *difference)
{
	json_t *list = json_array();
	for (int32_t k = 0; k < n; k++) {
		const core_tpr_difference *d = &difference[k];
		json_t *entry = json_object(), *by_class = json_object();
		put(j, entry, "group", text(group[d->g]));
		put(j, entry, "minus", text(group[d->h]));
		put(j, entry, "few_speakers", json_boolean(d->few));
		put(j, entry, "one_speaker", json_boolean(d->one_speaker));
		for (int32_t c = 0; c < C; c++)
			put(j, by_class, classes[c], estimate(j, &d->value[c]));
		put(j, entry, "classes", by_class);
		append(j, list, entry);
	}
	return list;
}

static json_t *attribute(struct maker *j, const core_metrics *m, const core_attribute_metrics *a)
{
	json_t *object = json_object(), *sharp = json_object();
	put(j, object, "groups", counts(j, a, a->rows));
	if (a->speakers)
		put(j, object, "speakers", counts(j, a, a->speakers));
	put(j, object, "unknown", json_integer(a->unknown_rows));
	put_metrics(j, object, CORE_METRIC_GAP | CORE_METRIC_GROUP, a->metric);
	put(j, object, "tpr_pairs", json_integer(a->tpr_pairs));
	put(j, object, "fpr_pairs", json_integer(a->fpr_pairs));
	put(j, object, "group_f1", by_group(j, a, a->group_f1));
	put(j, object, "group_acc", by_group(j, a, a->group_acc));
	for (int32_t g = 0; g < a->G; g++)
		if (a->rows[g])
			put(j, sharp, a->group[g], sharpness(j, &a->sharpness[g]));
	put(j, object, "threshold_free", sharp);
	put(j, object, "tpr", tpr_table(j, m, a));
	put(j, object, "fpr", fpr_table(j, m, a));
	put(j, object, "positives", positives_table(j, m, a));
	if (a->n_differences)
		put(j, object, "tpr_difference",
			differences(
				j, m->C, m->classes, a->group, a->n_differences, a->difference));
	return object;
}

static json_t *finish(fv_ctx *ctx, const struct maker *j, json_t *report)
{
	if (!j->failed)
		return report;
	json_decref(report);
	(void)fv_fail(ctx, FV_FAILED,
		"the report cannot be made: memory is out, or the name of a "
		"class, attribute or group is not UTF-8");
	return NULL;
}

json_t *core_report_metrics(fv_ctx *ctx, const core_metrics *m)
{
	struct maker maker = {false}, *j = &maker;
	json_t *report = json_object(), *attributes = json_object();
	put(j, report, "schema_version", json_integer(2));
	put(j, report, "n", json_integer(m->n));
	if (m->n_speakers)
		put(j, report, "speakers", json_integer(m->n_speakers));
	put(j, report, "threshold", number((double)m->threshold));
	if (m->draws)
		put(j, report, "draws", json_integer(m->draws));
	put_metrics(j, report, CORE_METRIC_OVERALL, m->metric);
	put(j, report, "threshold_free", sharpness(j, &m->sharpness));
	for (int32_t k = 0; k < m->n_attributes; k++)
		put(j, attributes, m->attribute[k].name, attribute(j, m, &m->attribute[k]));
	put(j, report, "attributes", attributes);
	put(j, report, "undefined", undefined_list(j, m));
	return finish(ctx, j, report);
}

static json_t *level(
	struct maker *j, const core_level_change *change, const core_attribute_comparison *a)
{
	json_t *object = json_object();
	if (change->best >= 0) {
		put(j, object, "best", text(a->group[change->best]));
		put(j, object, "worst", text(a->group[change->worst]));
	}
	put(j, object, "best_change", number(change->best_change));
	put(j, object, "worst_change", number(change->worst_change));
	put(j, object, "flag", json_boolean(change->flag));
	return object;
}

static json_t *levelling(
	struct maker *j, const core_comparison *m, const core_attribute_comparison *a)
{
	json_t *object = json_object(), *classes = json_object();
	for (int32_t c = 0; c < m->C; c++) {
		const core_level_change *change = &a->levelling.per_class[c];
		put(j, classes, m->classes[c],
			change->best < 0 ? json_null() : level(j, change, a));
	}
	put(j, object, "per_class", classes);
	put(j, object, "mean", level(j, &a->levelling.mean, a));
	return object;
}

json_t *core_report_comparison(fv_ctx *ctx, const core_comparison *comparison)
{
	struct maker maker = {false}, *j = &maker;
	json_t *report = json_object(), *attributes = json_object();
	put_metrics(j, report, CORE_METRIC_OVERALL, comparison->metric);
	for (int32_t k = 0; k < comparison->n_attributes; k++) {
		const core_attribute_comparison *a = &comparison->attribute[k];
		json_t *object = json_object();
		put_metrics(j, object, CORE_METRIC_GAP | CORE_METRIC_GROUP, a->metric);
		put(j, object, "tpr_difference",
			differences(j, comparison->C, comparison->classes, a->group,
				a->n_differences, a->tpr_difference));
		put(j, object, "levelling_down", levelling(j, comparison, a));
		put(j, attributes, a->name, object);
	}
	put(j, report, "attributes", attributes);
	return finish(ctx, j, report);
}

char *core_report_dump(fv_ctx *ctx, json_t *report)
{
	if (!report)
		return NULL;
	const char *text = core_json_text(ctx, report, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
	return text ? core_format(ctx, "%s\n", text) : NULL;
}
