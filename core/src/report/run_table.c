/* SPDX-License-Identifier: Apache-2.0 */
/* The long form for CSV: one row per done run, with a figure for every metric and rate in its
 * metrics.json. The first columns are those to group by: the values on the matrix axes, seeds and
 * selection. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/grid_tables.h"
#include "report/low_support.h"

enum { VARIANT, FOLD, SEED, SELECT, CHOSEN_ON, GROUPER_SEED, BIAS_SEED, AXES };

/* One figure of a metrics.json: its path, and what it measures. */
struct place {
	const char *attribute, *metric, *class_name, *group; /* NULL: does not apply */
};

struct places {
	fv_ctx *ctx;
	size_t n, capacity;
	struct place *place;
	bool failed;
};

static bool are_same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

static void add_place(struct places *p, struct place place)
{
	for (size_t i = 0; i < p->n; i++)
		if (are_same_text(p->place[i].metric, place.metric) &&
			are_same_text(p->place[i].attribute, place.attribute) &&
			are_same_text(p->place[i].class_name, place.class_name) &&
			are_same_text(p->place[i].group, place.group))
			return;
	if (p->n == p->capacity) {
		size_t capacity = p->capacity ? 2 * p->capacity : 256;
		struct place *grown = core_alloc(p->ctx, capacity, sizeof *grown);
		p->failed |= !grown;
		if (!grown)
			return;
		if (p->n)
			memcpy(grown, p->place, p->n * sizeof *grown);
		p->place = grown;
		p->capacity = capacity;
	}
	p->place[p->n++] = place;
}

/* {class: {group: rate}} */
static void add_rates(
	struct places *p, const char *attribute, const char *metric, const json_t *rates)
{
	const char *class_name, *group;
	json_t *by_group, *rate;
	json_object_foreach((json_t *)rates, class_name, by_group)
	{
		json_object_foreach(by_group, group, rate)
		{
			add_place(p, (struct place){attribute, metric, class_name, group});
		}
	}
}

/* Adds every object that has a value. */
static void add_metrics(struct places *p, const char *attribute, const json_t *object)
{
	const char *metric;
	json_t *r;
	json_object_foreach((json_t *)object, metric, r)
	{
		if (json_object_get(r, "value"))
			add_place(p, (struct place){attribute, metric, NULL, NULL});
	}
}

static void find_places(const core_results *results, struct places *p)
{
	for (size_t i = 0; i < results->n; i++)
		for (size_t k = 0; k < results->variant[i].n; k++) {
			const json_t *metrics = results->variant[i].run[k].metrics;
			const char *attribute;
			json_t *entry;
			add_metrics(p, NULL, metrics);
			json_object_foreach(
				json_object_get(metrics, "attributes"), attribute, entry)
			{
				add_metrics(p, attribute, entry);
				add_rates(p, attribute, "tpr", json_object_get(entry, "tpr"));
				add_rates(p, attribute, "fpr", json_object_get(entry, "fpr"));
			}
		}
}

/* Returns an object whose names are the matrix axes of all variants. */
static json_t *find_axes(const core_results *results)
{
	json_t *axes = json_object();
	for (size_t i = 0; i < results->n; i++) {
		const core_run_facts *facts = core_variant_facts(&results->variant[i]);
		const char *key;
		json_t *value;
		json_object_foreach((json_t *)(facts ? facts->axes : NULL), key, value)
			json_object_set_new(axes, key, json_null());
	}
	return axes;
}

static double read_number(const json_t *r, const char *key)
{
	const json_t *value = json_object_get(r, key);
	return json_is_number(value) ? json_number_value(value) : NAN;
}

/* Reads R of metrics.json, or a plain number. */
static core_figure read_figure(const json_t *r)
{
	core_estimate e = core_estimate_of(
		json_is_number(r) ? json_number_value(r) : read_number(r, "value"));
	e.null_mean = read_number(r, "null_mean");
	e.null_p95 = read_number(r, "null_p95");
	e.p = read_number(r, "p");
	e.excess = read_number(r, "excess");
	e.low = read_number(r, "low");
	e.high = read_number(r, "high");
	return core_figure_of(e);
}

/* Does a rate of a class and group rest on too few rows? */
static bool rate_has_low_support(
	const json_t *attribute, const struct place *place, int64_t min_support)
{
	const json_t *rows = json_object_get(json_object_get(attribute, "groups"), place->group);
	const json_t *positives = json_object_get(
		json_object_get(json_object_get(attribute, "positives"), place->class_name),
		place->group);
	core_metric_id id = strcmp(place->metric, "tpr") ? CORE_FPR_GAP : CORE_TPR_GAP;
	return core_metric_low_support(
		id, json_integer_value(rows), json_integer_value(positives), min_support);
}

static core_table_value read_value(
	const json_t *metrics, const struct place *place, int64_t min_support)
{
	const json_t *of = metrics;
	if (place->attribute)
		of = json_object_get(json_object_get(metrics, "attributes"), place->attribute);
	const json_t *r = json_object_get(of, place->metric);
	if (place->class_name)
		r = json_object_get(json_object_get(r, place->class_name), place->group);
	if (!r)
		return (core_table_value){.kind = CORE_NO_VALUE};
	core_table_value v = core_value_figure(read_figure(r));
	v.low_support = place->class_name
				? rate_has_low_support(of, place, min_support)
				: core_json_has_low_support(of, place->metric, min_support);
	return v;
}

static fv_status fill_run(fv_ctx *ctx, const core_variant_result *variant,
	const core_run_result *run, json_t *axes, core_result_table *t, size_t i)
{
	const core_run_facts *f = run->facts;
	const char *grouping = core_grouping_seeds(ctx, f), *bias = core_bias_seed(ctx, f), *key;
	size_t column = AXES;
	json_t *unused;
	*core_table_at(t, i, VARIANT) = core_value_text(variant->name);
	*core_table_at(t, i, FOLD) = core_value_count(run->fold);
	*core_table_at(t, i, SEED) = core_value_count(run->seed);
	*core_table_at(t, i, SELECT) = core_value_text(f->selection.rule);
	*core_table_at(t, i, CHOSEN_ON) = core_value_text(f->selection.split);
	*core_table_at(t, i, GROUPER_SEED) = core_value_text(grouping);
	*core_table_at(t, i, BIAS_SEED) = core_value_text(bias);
	json_object_foreach(axes, key, unused) * core_table_at(t, i, column++) =
		core_value_json(json_object_get(f->axes, key));
	return grouping && bias ? FV_OK : FV_FAILED;
}

static void set_columns(const struct places *places, json_t *axes, core_result_table *t)
{
	static const char *const keys[AXES] = {
		"variant", "fold", "seed", "select", "chosen_on", "grouper_seed", "bias_seed"};
	const char *key;
	json_t *unused;
	size_t column = AXES;
	for (size_t k = 0; k < AXES; k++)
		t->column[k] = core_plain_column(keys[k], keys[k], CORE_FOR_CSV);
	json_object_foreach(axes, key, unused) t->column[column++] =
		core_plain_column(key, key, CORE_FOR_CSV);
	for (size_t k = 0; k < places->n; k++) {
		const struct place *p = &places->place[k];
		t->column[column++] = (core_table_column){.path = {p->metric},
			.audience = CORE_FOR_CSV,
			.attribute = p->attribute,
			.metric = p->metric,
			.class_name = p->class_name,
			.group = p->group,
			.parts = CORE_SHOW_NULL | CORE_SHOW_INTERVAL,
			.has_support = true};
	}
}

static fv_status fill_table(fv_ctx *ctx, const core_results *results, const struct places *places,
	json_t *axes, int64_t min_support, core_result_table *t)
{
	size_t at = 0, first = AXES + json_object_size(axes);
	fv_status status = FV_OK;
	set_columns(places, axes, t);
	for (size_t i = 0; i < results->n; i++)
		for (size_t k = 0; k < results->variant[i].n && !status; k++) {
			const core_run_result *run = &results->variant[i].run[k];
			if (run->status != CORE_RUN_DONE)
				continue;
			status = fill_run(ctx, &results->variant[i], run, axes, t, at);
			for (size_t j = 0; j < places->n; j++)
				*core_table_at(t, at, first + j) =
					read_value(run->metrics, &places->place[j], min_support);
			at++;
		}
	return status;
}

fv_status core_add_runs(
	fv_ctx *ctx, const core_results *results, int64_t min_support, core_document *document)
{
	struct places places = {.ctx = ctx};
	size_t rows = 0;
	find_places(results, &places);
	json_t *axes = find_axes(results);
	if (places.failed || !axes || !core_document_own(ctx, document, axes))
		return FV_FAILED;
	for (size_t i = 0; i < results->n; i++)
		for (size_t k = 0; k < results->variant[i].n; k++)
			rows += results->variant[i].run[k].status == CORE_RUN_DONE;
	core_result_table *t = core_document_add(
		ctx, document, "runs", NULL, rows, AXES + json_object_size(axes) + places.n);
	if (!t)
		return FV_FAILED;
	t->audience = CORE_FOR_CSV;
	return fill_table(ctx, results, &places, axes, min_support, t);
}
