/* SPDX-License-Identifier: Apache-2.0 */
#include "report/low_support.h"

#include <string.h>

bool core_metric_has_low_support(
	const core_attribute_metrics *a, int32_t C, core_metric_id id, int64_t min_support)
{
	bool argmax = core_metric_at(id)->reading == CORE_ARGMAX;
	const int64_t *rows = argmax ? a->argmax_rows : a->rows;
	const int64_t *positives = argmax ? a->argmax_positives : a->positives;
	for (int32_t c = 0; c < C; c++)
		for (int32_t g = 0; g < a->G; g++)
			if (core_metric_low_support(
				    id, rows[g], positives[c * a->G + g], min_support))
				return true;
	return false;
}

/* Counts groups with rows in a fold; a fold with fewer than two has no gap. */
static int32_t count_present(const core_scores *s, int32_t fold)
{
	int32_t n = 0;
	for (int32_t g = 0; g < s->G; g++)
		n += s->rows[g * s->n_folds + fold] > 0;
	return n;
}

static bool has_small_subgroup(const core_scores *s, int32_t c, int32_t g, core_metric_id id,
	int64_t min_support, bool pooled)
{
	int64_t rows = 0, positives = 0;
	bool argmax = core_metric_at(id)->reading == CORE_ARGMAX;
	const int64_t *all_rows = argmax ? s->argmax_rows : s->rows;
	const int64_t *all_positives = argmax ? s->argmax_positives : s->positives;
	for (int32_t f = 0; f < s->n_folds; f++) {
		int64_t n = all_rows[g * s->n_folds + f];
		int64_t own = all_positives[(c * s->G + g) * s->n_folds + f];
		rows += n;
		positives += own;
		if (!pooled && count_present(s, f) > 1 &&
			core_metric_low_support(id, n, own, min_support))
			return true;
	}
	return pooled && core_metric_low_support(id, rows, positives, min_support);
}

bool core_column_has_low_support(
	const core_grid *grid, const core_grid_row *row, size_t column, bool pooled)
{
	const core_grid_column *own = &grid->column[column];
	const core_test_set *t = row->scores.test;
	if (!t || !own->attribute)
		return false;
	for (int32_t a = 0; a < t->n_attributes; a++) {
		const core_scores *s = &row->scores.attribute[a];
		if (strcmp(t->attribute[a].name, own->attribute) != 0)
			continue;
		for (int32_t c = 0; c < t->C; c++)
			for (int32_t g = 0; g < s->G; g++)
				if (has_small_subgroup(
					    s, c, g, own->id, grid->options.min_support, pooled))
					return true;
	}
	return false;
}

bool core_json_has_low_support(const json_t *attribute, const char *metric, int64_t min_support)
{
	core_metric_id id;
	const char *class_name, *group;
	json_t *by_group, *count;
	if (!core_metric_find(metric, &id))
		return false;
	bool argmax = core_metric_at(id)->reading == CORE_ARGMAX;
	const json_t *rows = json_object_get(attribute, argmax ? "argmax_groups" : "groups");
	const char *positives = argmax ? "argmax_positives" : "positives";
	json_object_foreach(json_object_get(attribute, positives), class_name, by_group)
	{
		json_object_foreach(by_group, group, count)
		{
			const json_t *n = json_object_get(rows, group);
			if (core_metric_low_support(id, json_integer_value(n),
				    json_integer_value(count), min_support))
				return true;
		}
	}
	return false;
}

/* Marks {class: {group: rate}}, of which `positives` has the counts. */
static void mark_rates(json_t *attribute, const char *rates, const char *positives,
	core_metric_id id, int64_t min_support)
{
	const char *class_name, *group;
	json_t *by_group, *rate;
	json_object_foreach(json_object_get(attribute, rates), class_name, by_group)
	{
		const json_t *counts =
			json_object_get(json_object_get(attribute, positives), class_name);
		json_object_foreach(by_group, group, rate)
		{
			int64_t n = json_integer_value(json_object_get(counts, group));
			json_object_set_new(rate, "low_support",
				json_boolean(core_metric_low_support(id, n, n, min_support)));
		}
	}
}

void core_mark_low_support(json_t *report, int64_t min_support)
{
	const char *name;
	json_t *attribute;
	json_object_set_new(report, "min_support", json_integer((json_int_t)min_support));
	json_object_foreach(json_object_get(report, "attributes"), name, attribute)
	{
		for (int k = 0; k < CORE_METRICS; k++) {
			if (!core_metric_at((core_metric_id)k)->of_groups)
				continue;
			const char *metric = core_metric_at((core_metric_id)k)->name;
			json_object_set_new(json_object_get(attribute, metric), "low_support",
				json_boolean(
					core_json_has_low_support(attribute, metric, min_support)));
		}
		mark_rates(attribute, "tpr", "positives", CORE_TPR_GAP, min_support);
		mark_rates(
			attribute, "recall", "argmax_positives", CORE_ARGMAX_TPR_GAP, min_support);
	}
}
