/* SPDX-License-Identifier: Apache-2.0 */
#include "report/few.h"

#include <string.h>

bool core_few_gap(const core_attribute_metrics *a, int32_t C, core_metric_id stat, int64_t least)
{
	for (int32_t c = 0; c < C; c++)
		for (int32_t g = 0; g < a->G; g++)
			if (core_metric_low_support(
				    stat, a->rows[g], a->positives[c * a->G + g], least))
				return true;
	return false;
}

/* Groups with rows in a fold: with fewer than two the fold has no gap. */
static int32_t present(const core_scores *s, int32_t fold)
{
	int32_t n = 0;
	for (int32_t g = 0; g < s->G; g++)
		n += s->rows[g * s->n_folds + fold] > 0;
	return n;
}

static bool few_group(
	const core_scores *s, int32_t c, int32_t g, core_metric_id stat, int64_t least, bool pooled)
{
	int64_t rows = 0, positives = 0;
	for (int32_t f = 0; f < s->n_folds; f++) {
		int64_t n = s->rows[g * s->n_folds + f];
		int64_t own = s->positives[(c * s->G + g) * s->n_folds + f];
		rows += n;
		positives += own;
		if (!pooled && present(s, f) > 1 && core_metric_low_support(stat, n, own, least))
			return true;
	}
	return pooled && core_metric_low_support(stat, rows, positives, least);
}

bool core_few_column(const core_grid *grid, const core_grid_row *row, size_t column, bool pooled)
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
				if (few_group(
					    s, c, g, own->stat, grid->options.min_support, pooled))
					return true;
	}
	return false;
}

bool core_few_metric(const json_t *attribute, const char *metric, int64_t least)
{
	core_metric_id stat;
	const char *class_name, *group;
	json_t *by_group, *count;
	if (!core_metric_find(metric, &stat))
		return false;
	json_object_foreach(json_object_get(attribute, "positives"), class_name, by_group)
	{
		json_object_foreach(by_group, group, count)
		{
			const json_t *n =
				json_object_get(json_object_get(attribute, "groups"), group);
			if (core_metric_low_support(
				    stat, json_integer_value(n), json_integer_value(count), least))
				return true;
		}
	}
	return false;
}

static void mark_rates(json_t *attribute, int64_t least)
{
	const char *class_name, *group;
	json_t *by_group, *rate;
	json_object_foreach(json_object_get(attribute, "tpr"), class_name, by_group)
	{
		const json_t *positives =
			json_object_get(json_object_get(attribute, "positives"), class_name);
		json_object_foreach(by_group, group, rate)
		{
			int64_t n = json_integer_value(json_object_get(positives, group));
			json_object_set_new(rate, "few",
				json_boolean(core_metric_low_support(CORE_TPR_GAP, n, n, least)));
		}
	}
}

void core_few_mark(json_t *report, int64_t least)
{
	const char *name;
	json_t *attribute;
	json_object_set_new(report, "min_support", json_integer((json_int_t)least));
	json_object_foreach(json_object_get(report, "attributes"), name, attribute)
	{
		for (int k = CORE_TPR_GAP; k < CORE_METRICS; k++) {
			const char *metric = core_metric_at((core_metric_id)k)->name;
			json_object_set_new(json_object_get(attribute, metric), "few",
				json_boolean(core_few_metric(attribute, metric, least)));
		}
		mark_rates(attribute, least);
	}
}
