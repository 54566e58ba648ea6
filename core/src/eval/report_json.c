/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/report_json.h"

#include "base/json.h"
#include "eval/report_attribute.h"
#include "eval/slope.h"

#define PREDICTION_THRESHOLD "prediction_threshold"
#define MAJORITY_ONLY "majority_only"

static json_t *undefined_list(core_json_maker *j, const core_metrics *m)
{
	json_t *list = json_array();
	for (int32_t i = 0; i < m->n_undefined; i++) {
		const core_undefined *u = &m->undefined[i];
		json_t *entry = json_object();
		core_json_set(j, entry, "metric", core_json_name(u->metric));
		core_json_set(j, entry, "attribute", core_json_name(u->attribute));
		core_json_set(j, entry, "class", core_json_name(u->class_name));
		core_json_set(j, entry, "group", core_json_name(u->group));
		core_json_set(j, entry, "reason", core_json_name(u->reason));
		core_json_append(j, list, entry);
	}
	return list;
}

static json_t *finish_report(fv_ctx *ctx, const core_json_maker *j, json_t *report)
{
	if (!j->failed)
		return report;
	json_decref(report);
	(void)fv_fail(ctx, FV_FAILED,
		"cannot build the report: out of memory, or the name of a class, attribute or "
		"group is not UTF-8");
	return NULL;
}

static json_t *cut_json(core_json_maker *j, const core_metrics *m)
{
	json_t *object = json_object();
	for (int32_t c = 0; c < m->C; c++)
		core_json_set(j, object, m->classes[c], core_json_number((double)m->cut[c]));
	return object;
}

fv_status core_report_read_options(fv_ctx *ctx, const json_t *metrics, core_predictions *p)
{
	const json_t *object = json_object_get(metrics, PREDICTION_THRESHOLD);
	float *cut = core_alloc(ctx, (size_t)p->C, sizeof *cut);
	if (!cut)
		return FV_FAILED;
	p->majority_only =
		json_is_true(json_object_get(json_object_get(metrics, "argmax"), MAJORITY_ONLY));
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

/* {class: value} */
static json_t *by_class_json(core_json_maker *j, const core_metrics *m, const double *value)
{
	json_t *object = json_object();
	for (int32_t c = 0; c < m->C; c++)
		core_json_set(j, object, m->classes[c], core_json_number(value[c]));
	return object;
}

/* How many rows the argmax reading counts. */
static json_t *argmax_json(core_json_maker *j, const core_metrics *m)
{
	json_t *object = json_object();
	core_json_set(j, object, "rows", json_integer((json_int_t)m->argmax_rows));
	core_json_set(j, object, "no_majority", json_integer((json_int_t)m->no_majority));
	core_json_set(j, object, MAJORITY_ONLY, json_boolean(m->majority_only));
	return object;
}

static json_t *numeric_json(core_json_maker *j, const core_metrics *m)
{
	json_t *numeric = json_object();
	for (int32_t k = 0; k < m->n_numeric; k++) {
		const core_slope *s = &m->numeric[k];
		json_t *one = json_object();
		core_json_set(j, one, "speakers", json_integer(s->speakers));
		core_json_set(j, one, "unknown", json_integer((json_int_t)s->unknown_rows));
		core_json_set(j, one, "smallest", core_json_number(s->low));
		core_json_set(j, one, "largest", core_json_number(s->high));
		core_json_set(j, one, CORE_SLOPE_NAME, core_estimate_json(j, &s->slope));
		core_json_set(j, numeric, s->name, one);
	}
	return numeric;
}

json_t *core_report_metrics(fv_ctx *ctx, const core_metrics *m)
{
	core_json_maker maker = {false}, *j = &maker;
	json_t *report = json_object(), *attributes = json_object();
	core_json_set(j, report, "schema_version", json_integer(2));
	core_json_set(j, report, "n", json_integer(m->n));
	if (m->n_speakers)
		core_json_set(j, report, "speakers", json_integer(m->n_speakers));
	core_json_set(j, report, "threshold", core_json_number((double)m->threshold));
	if (m->cut)
		core_json_set(j, report, PREDICTION_THRESHOLD, cut_json(j, m));
	if (m->draws)
		core_json_set(j, report, "draws", json_integer(m->draws));
	core_json_set_metrics(j, report, CORE_METRIC_OVERALL | CORE_METRIC_ROWS, m->metric);
	if (m->n_speakers)
		core_json_set_metrics(j, report, CORE_METRIC_SPEAKERS, m->metric);
	core_json_set(
		j, report, "threshold_free", core_threshold_free_json(j, m, &m->threshold_free));
	for (int32_t k = 0; k < m->n_attributes; k++)
		core_json_set(j, attributes, m->attribute[k].name,
			core_attribute_json(j, m, &m->attribute[k]));
	core_json_set(j, report, "argmax", argmax_json(j, m));
	core_json_set(j, report, "recall", by_class_json(j, m, m->class_recall));
	core_json_set(j, report, "confusion", core_confusion_json(j, m, m->confusion));
	core_json_set(j, report, "attributes", attributes);
	if (m->n_numeric)
		core_json_set(j, report, "numeric", numeric_json(j, m));
	core_json_set(j, report, "undefined", undefined_list(j, m));
	return finish_report(ctx, j, report);
}

static json_t *level_json(
	core_json_maker *j, const core_level_change *change, const core_attribute_comparison *a)
{
	json_t *object = json_object();
	if (change->best >= 0) {
		core_json_set(j, object, "best", core_json_name(a->group[change->best]));
		core_json_set(j, object, "worst", core_json_name(a->group[change->worst]));
	}
	core_json_set(j, object, "best_change", core_json_number(change->best_change));
	core_json_set(j, object, "worst_change", core_json_number(change->worst_change));
	core_json_set(j, object, "flag", json_boolean(change->flag));
	return object;
}

static json_t *levelling_json(
	core_json_maker *j, const core_comparison *m, const core_attribute_comparison *a)
{
	json_t *object = json_object(), *classes = json_object();
	for (int32_t c = 0; c < m->C; c++) {
		const core_level_change *change = &a->levelling.per_class[c];
		core_json_set(j, classes, m->classes[c],
			change->best < 0 ? json_null() : level_json(j, change, a));
	}
	core_json_set(j, object, "per_class", classes);
	core_json_set(j, object, "mean", level_json(j, &a->levelling.mean, a));
	return object;
}

json_t *core_report_comparison(fv_ctx *ctx, const core_comparison *comparison)
{
	core_json_maker maker = {false}, *j = &maker;
	json_t *report = json_object(), *attributes = json_object();
	core_json_set_metrics(j, report, CORE_METRIC_OVERALL, comparison->metric);
	for (int32_t k = 0; k < comparison->n_attributes; k++) {
		const core_attribute_comparison *a = &comparison->attribute[k];
		json_t *object = json_object();
		core_json_set_metrics(j, object, CORE_METRIC_GAP | CORE_METRIC_GROUP, a->metric);
		core_json_set(j, object, "tpr_difference",
			core_differences_json(j, comparison->C, comparison->classes, a->group,
				a->n_differences, a->tpr_difference));
		core_json_set(j, object, "levelling_down", levelling_json(j, comparison, a));
		core_json_set(j, attributes, a->name, object);
	}
	core_json_set(j, report, "attributes", attributes);
	return finish_report(ctx, j, report);
}

char *core_report_dump(fv_ctx *ctx, json_t *report)
{
	if (!report)
		return NULL;
	const char *text = core_json_text(ctx, report, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
	return text ? core_format(ctx, "%s\n", text) : NULL;
}
