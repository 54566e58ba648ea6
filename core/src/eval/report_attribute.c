/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/report_attribute.h"

#include "base/json.h"

json_t *core_threshold_free_json(
	core_json_maker *j, const core_metrics *m, const core_threshold_free_metrics *s)
{
	json_t *object = json_object(), *classes = json_object();
	core_json_set(j, object, "labels_predicted", core_json_number(s->labels_predicted));
	core_json_set(j, object, "labels_true", core_json_number(s->labels_true));
	core_json_set(j, object, "auc", core_json_number(s->auc));
	core_json_set(j, object, "average_precision", core_json_number(s->ap));
	for (int32_t c = 0; c < m->C; c++) {
		json_t *one = json_object();
		core_json_set(j, one, "auc", core_json_number(s->class_auc[c]));
		core_json_set(j, one, "average_precision", core_json_number(s->class_ap[c]));
		core_json_set(j, classes, m->classes[c], one);
	}
	core_json_set(j, object, "classes", classes);
	return object;
}

static json_t *counts_json(
	core_json_maker *j, const core_attribute_metrics *a, const int64_t *count)
{
	json_t *object = json_object();
	for (int32_t g = 0; g < a->G; g++)
		core_json_set(j, object, a->group[g], json_integer(count[g]));
	return object;
}

/* {group: value} for the groups that have rows */
static json_t *by_group_json(
	core_json_maker *j, const core_attribute_metrics *a, const double *value)
{
	json_t *object = json_object();
	for (int32_t g = 0; g < a->G; g++)
		if (a->rows[g])
			core_json_set(j, object, a->group[g], core_json_number(value[g]));
	return object;
}

/* {class: {group: R}} for the groups that have rows */
static json_t *rates_table(core_json_maker *j, const core_metrics *m,
	const core_attribute_metrics *a, const core_estimate *rate)
{
	json_t *table = json_object();
	for (int32_t c = 0; c < m->C; c++) {
		json_t *row = json_object();
		for (int32_t g = 0; g < a->G; g++)
			if (a->rows[g])
				core_json_set(j, row, a->group[g],
					core_estimate_json(j, &rate[c * a->G + g]));
		core_json_set(j, table, m->classes[c], row);
	}
	return table;
}

static json_t *fpr_table(core_json_maker *j, const core_metrics *m, const core_attribute_metrics *a)
{
	json_t *table = json_object();
	for (int32_t c = 0; c < m->C; c++)
		core_json_set(j, table, m->classes[c], by_group_json(j, a, a->fpr + c * a->G));
	return table;
}

/* {class: {group: count}} */
static json_t *positives_table(core_json_maker *j, const core_metrics *m,
	const core_attribute_metrics *a, const int64_t *positives)
{
	json_t *table = json_object();
	for (int32_t c = 0; c < m->C; c++)
		core_json_set(j, table, m->classes[c], counts_json(j, a, positives + c * a->G));
	return table;
}

/* {true class: {predicted class: count}}, and the same divided by the row's sum */
json_t *core_confusion_json(core_json_maker *j, const core_metrics *m, const int64_t *count)
{
	json_t *object = json_object(), *counts = json_object(), *normalized = json_object();
	for (int32_t c = 0; c < m->C; c++) {
		json_t *row = json_object(), *shares = json_object();
		int64_t sum = 0;
		for (int32_t k = 0; k < m->C; k++)
			sum += count[c * m->C + k];
		for (int32_t k = 0; k < m->C; k++) {
			int64_t n = count[c * m->C + k];
			core_json_set(j, row, m->classes[k], json_integer((json_int_t)n));
			core_json_set(j, shares, m->classes[k],
				core_json_number(core_divide_counts(n, sum)));
		}
		core_json_set(j, counts, m->classes[c], row);
		core_json_set(j, normalized, m->classes[c], shares);
	}
	core_json_set(j, object, "counts", counts);
	core_json_set(j, object, "normalized", normalized);
	return object;
}

/* {group: {metric: value}}: the overall metrics of each group that has rows */
static json_t *group_metrics_json(core_json_maker *j, const core_attribute_metrics *a)
{
	json_t *groups = json_object();
	for (int32_t g = 0; g < a->G; g++) {
		json_t *one = json_object();
		if (!a->rows[g]) {
			json_decref(one);
			continue;
		}
		core_json_set_metrics(
			j, one, CORE_METRIC_OVERALL, a->group_metric + (size_t)g * CORE_METRICS);
		core_json_set(j, groups, a->group[g], one);
	}
	return groups;
}

/* Adds what belongs to the argmax reading. */
static void set_argmax(
	core_json_maker *j, const core_metrics *m, const core_attribute_metrics *a, json_t *object)
{
	json_t *confusion = json_object();
	for (int32_t g = 0; g < a->G; g++)
		if (a->rows[g])
			core_json_set(j, confusion, a->group[g],
				core_confusion_json(j, m, a->confusion[g]));
	core_json_set(j, object, "recall", rates_table(j, m, a, a->recall));
	core_json_set(j, object, "argmax_groups", counts_json(j, a, a->argmax_rows));
	core_json_set(j, object, "argmax_positives", positives_table(j, m, a, a->argmax_positives));
	core_json_set(j, object, "confusion", confusion);
}

json_t *core_differences_json(core_json_maker *j, int32_t C, const char *const *classes,
	const char *const *group, int32_t n, const core_tpr_difference *difference)
{
	json_t *list = json_array();
	for (int32_t k = 0; k < n; k++) {
		const core_tpr_difference *d = &difference[k];
		json_t *entry = json_object(), *by_class = json_object();
		core_json_set(j, entry, "group", core_json_name(group[d->g]));
		core_json_set(j, entry, "minus", core_json_name(group[d->h]));
		core_json_set(j, entry, "few_speakers", json_boolean(d->few));
		core_json_set(j, entry, "one_speaker", json_boolean(d->one_speaker));
		for (int32_t c = 0; c < C; c++)
			core_json_set(j, by_class, classes[c], core_estimate_json(j, &d->value[c]));
		core_json_set(j, entry, "classes", by_class);
		core_json_append(j, list, entry);
	}
	return list;
}

/* {group: rows} of the groups of a product that are left out */
static json_t *left_out_json(core_json_maker *j, const core_attribute_metrics *a)
{
	json_t *object = json_object();
	for (int32_t k = 0; k < a->n_small; k++)
		core_json_set(j, object, a->small[k], json_integer((json_int_t)a->small_rows[k]));
	return object;
}

json_t *core_attribute_json(
	core_json_maker *j, const core_metrics *m, const core_attribute_metrics *a)
{
	json_t *object = json_object(), *sharp = json_object();
	core_json_set(j, object, "groups", counts_json(j, a, a->rows));
	if (a->speakers)
		core_json_set(j, object, "speakers", counts_json(j, a, a->speakers));
	core_json_set(j, object, "unknown", json_integer(a->unknown_rows));
	if (a->n_small)
		core_json_set(j, object, "left_out", left_out_json(j, a));
	core_json_set_metrics(j, object, CORE_METRIC_GAP | CORE_METRIC_GROUP, a->metric);
	core_json_set(j, object, "tpr_pairs", json_integer(a->tpr_pairs));
	core_json_set(j, object, "fpr_pairs", json_integer(a->fpr_pairs));
	core_json_set(j, object, "group_f1", by_group_json(j, a, a->group_f1));
	core_json_set(j, object, "group_acc", by_group_json(j, a, a->group_acc));
	for (int32_t g = 0; g < a->G; g++)
		if (a->rows[g])
			core_json_set(j, sharp, a->group[g],
				core_threshold_free_json(j, m, &a->threshold_free[g]));
	core_json_set(j, object, "threshold_free", sharp);
	core_json_set(j, object, "tpr", rates_table(j, m, a, a->tpr));
	core_json_set(j, object, "fpr", fpr_table(j, m, a));
	core_json_set(j, object, "positives", positives_table(j, m, a, a->positives));
	core_json_set(j, object, "group_metrics", group_metrics_json(j, a));
	set_argmax(j, m, a, object);
	if (a->n_differences)
		core_json_set(j, object, "tpr_difference",
			core_differences_json(
				j, m->C, m->classes, a->group, a->n_differences, a->difference));
	return object;
}
