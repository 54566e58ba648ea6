/* SPDX-License-Identifier: Apache-2.0 */
#include "report/run_places.h"

#include <string.h>

#include "eval/metric.h"
#include "eval/slope.h"

static bool are_same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static bool are_same(const core_run_place *a, const core_run_place *b)
{
	return are_same_text(a->metric, b->metric) && are_same_text(a->attribute, b->attribute) &&
	       are_same_text(a->class_name, b->class_name) && are_same_text(a->group, b->group);
}

static void grow_places(core_run_places *p)
{
	size_t capacity = p->capacity ? 2 * p->capacity : 256;
	core_run_place *grown = core_alloc(p->ctx, capacity, sizeof *grown);
	p->failed |= !grown;
	if (!grown)
		return;
	if (p->n)
		memcpy(grown, p->place, p->n * sizeof *grown);
	p->place = grown;
	p->capacity = capacity;
}

/* Adds a place unless it is listed. Runs mostly list theirs in the same order, so the search starts
 * behind the one found last. */
static void add_place(core_run_places *p, core_run_place place)
{
	for (size_t k = 0; k < p->n; k++) {
		size_t i = (p->next + k) % p->n;
		if (!are_same(&p->place[i], &place))
			continue;
		p->next = i + 1;
		return;
	}
	if (p->n == p->capacity)
		grow_places(p);
	if (p->failed)
		return;
	p->place[p->n++] = place;
	p->next = p->n;
}

/* {class: {group: rate}} */
static void add_rates(
	core_run_places *p, const char *attribute, const char *metric, const json_t *rates)
{
	const char *class_name, *group;
	json_t *by_group, *rate;
	json_object_foreach((json_t *)rates, class_name, by_group)
	{
		json_object_foreach(by_group, group, rate)
		{
			add_place(p, (core_run_place){attribute, metric, class_name, group});
		}
	}
}

/* Adds the metrics of an object. */
static void add_metrics(
	core_run_places *p, const char *attribute, const char *group, const json_t *object)
{
	const char *metric;
	core_metric_id id;
	json_t *r;
	json_object_foreach((json_t *)object, metric, r)
	{
		if (core_metric_find(metric, &id))
			add_place(p, (core_run_place){attribute, metric, NULL, group});
	}
}

static void add_attribute(core_run_places *p, const char *attribute, const json_t *entry)
{
	static const char *const rates[] = {"tpr", "fpr", "recall"};
	const char *group;
	json_t *metrics;
	add_metrics(p, attribute, NULL, entry);
	json_object_foreach(json_object_get(entry, "group_metrics"), group, metrics)
	{
		add_metrics(p, attribute, group, metrics);
	}
	for (size_t k = 0; k < sizeof rates / sizeof *rates; k++)
		add_rates(p, attribute, rates[k], json_object_get(entry, rates[k]));
}

void core_run_places_add(core_run_places *p, const json_t *metrics)
{
	const char *name;
	json_t *entry;
	add_metrics(p, NULL, NULL, metrics);
	json_object_foreach(json_object_get(metrics, "recall"), name, entry)
	{
		add_place(p, (core_run_place){NULL, "recall", name, NULL});
	}
	json_object_foreach(json_object_get(metrics, "attributes"), name, entry)
	{
		add_attribute(p, name, entry);
	}
	json_object_foreach(json_object_get(metrics, "numeric"), name, entry)
	{
		add_place(p, (core_run_place){name, CORE_SLOPE_NAME, NULL, NULL});
	}
}

const json_t *core_run_place_read(const json_t *metrics, const core_run_place *place)
{
	const json_t *at = metrics;
	if (place->attribute)
		at = json_object_get(
			json_object_get(metrics,
				strcmp(place->metric, CORE_SLOPE_NAME) ? "attributes" : "numeric"),
			place->attribute);
	if (!place->class_name && place->group)
		at = json_object_get(json_object_get(at, "group_metrics"), place->group);
	at = json_object_get(at, place->metric);
	if (place->class_name)
		at = json_object_get(at, place->class_name);
	if (place->class_name && place->group)
		at = json_object_get(at, place->group);
	return at;
}
