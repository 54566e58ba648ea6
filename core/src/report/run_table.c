/* SPDX-License-Identifier: Apache-2.0 */
/* The long form for CSV: one row per test set of a done run and per reading of it (thresholds), and one
 * for its development rows, with a figure for every metric and rate. The first columns are those to group
 * by: the values on the axes, seeds and selection. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "eval/report_json.h"
#include "report/builds.h"
#include "report/flat_axes.h"
#include "report/grid_tables.h"
#include "report/low_support.h"
#include "report/run_places.h"
#include "run/measure.h"

enum {
	VARIANT,
	FOLD,
	SEED,
	SPLIT,
	SELECT,
	CHOSEN_ON,
	GROUPER_SEED,
	BIAS_SEED,
	TRIAL,
	THRESHOLD,
	BUILD,
	OLDER,
	AXES
};

/* What a row shows: one reading of one set of rows of a run. */
struct reading {
	const core_variant_result *variant;
	const core_run_result *run;
	const char *split, *threshold;
	const json_t *metrics;
};

struct readings {
	size_t n;
	struct reading *reading;
};

static void add_reading(struct readings *list, const core_variant_result *variant,
	const core_run_result *run, const char *split, const json_t *metrics)
{
	const json_t *dev = json_object_get(metrics, "dev_threshold");
	list->reading[list->n++] = (struct reading){variant, run, split, "fixed", metrics};
	if (dev)
		list->reading[list->n++] = (struct reading){variant, run, split, "dev", dev};
}

/* Computes the metrics of a run's development rows; *out is NULL if its predictions have none. */
static fv_status measure_dev(fv_ctx *ctx, const core_run_result *run, json_t **out)
{
	fv_ctx *own = core_ctx_aside(ctx); /* holds the text of the file, released below */
	core_predictions p;
	core_measured_names names;
	*out = NULL;
	char *path = own ? core_path_join(own, run->dir, "predictions.csv") : NULL;
	if (!path)
		return FV_FAILED;
	fv_status status = core_predictions_read_split(own, path, NULL, "dev", &p);
	if (status == FV_CONFIG) { /* no such split */
		core_ctx_free(own);
		return FV_OK;
	}
	if (!status)
		status = core_report_read_options(own, run->metrics, &p);
	if (!status)
		status = core_measured_names_read(own, run->metrics, &names);
	if (!status)
		status = core_measure_values(own, &p, &names, out);
	return core_ctx_rejoin(ctx, own, status);
}

/* Lists the rows of the table. */
static fv_status find_readings(
	fv_ctx *ctx, const core_results *results, core_document *document, struct readings *out)
{
	const char *name;
	json_t *set, *dev;
	size_t n = 0;
	for (size_t i = 0; i < results->n; i++)
		for (size_t k = 0; k < results->variant[i].n; k++)
			n += 3 + 2 * json_object_size(json_object_get(
					     results->variant[i].run[k].metrics, "tests"));
	*out = (struct readings){.reading = core_alloc(ctx, n, sizeof *out->reading)};
	fv_status status = out->reading ? FV_OK : FV_FAILED;
	for (size_t i = 0; i < results->n; i++)
		for (size_t k = 0; k < results->variant[i].n && !status; k++) {
			const core_variant_result *variant = &results->variant[i];
			const core_run_result *run = &variant->run[k];
			if (run->status != CORE_RUN_DONE)
				continue;
			add_reading(out, variant, run, "test", run->metrics);
			json_object_foreach(json_object_get(run->metrics, "tests"), name, set)
				add_reading(out, variant, run, name, set);
			status = measure_dev(ctx, run, &dev);
			if (dev && !core_document_own(ctx, document, dev))
				status = FV_FAILED;
			if (!status && dev)
				add_reading(out, variant, run, "dev", dev);
		}
	return status;
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
	e.null_p05 = read_number(r, "null_p05");
	e.p = read_number(r, "p");
	e.excess = read_number(r, "excess");
	e.low = read_number(r, "low");
	e.high = read_number(r, "high");
	return core_figure_of(e);
}

/* Does a rate of a class and group rest on too few rows? */
static bool rate_has_low_support(
	const json_t *attribute, const core_run_place *place, int64_t min_support)
{
	bool argmax = !strcmp(place->metric, "recall");
	const json_t *rows = json_object_get(
		json_object_get(attribute, argmax ? "argmax_groups" : "groups"), place->group);
	const json_t *positives = json_object_get(
		json_object_get(
			json_object_get(attribute, argmax ? "argmax_positives" : "positives"),
			place->class_name),
		place->group);
	core_metric_id id = !strcmp(place->metric, "tpr")   ? CORE_TPR_GAP
			    : !strcmp(place->metric, "fpr") ? CORE_FPR_GAP
							    : CORE_ARGMAX_TPR_GAP;
	return core_metric_low_support(
		id, json_integer_value(rows), json_integer_value(positives), min_support);
}

static core_table_value read_value(
	const json_t *metrics, const core_run_place *place, int64_t min_support)
{
	const json_t *of = metrics;
	if (place->attribute)
		of = json_object_get(json_object_get(metrics, "attributes"), place->attribute);
	const json_t *r = core_run_place_read(metrics, place);
	if (!r)
		return (core_table_value){.kind = CORE_NO_VALUE};
	core_table_value v = core_value_figure(read_figure(r));
	if (place->class_name && place->group)
		v.low_support = rate_has_low_support(of, place, min_support);
	else if (place->attribute && !place->group)
		v.low_support = core_json_has_low_support(of, place->metric, min_support);
	return v;
}

/* Fills the columns of a row before its figures. */
static fv_status fill_names(
	fv_ctx *ctx, const struct reading *r, json_t *axes, core_result_table *t, size_t i)
{
	const core_run_result *run = r->run;
	const core_run_facts *f = run->facts;
	const char *grouping = core_grouping_seeds(ctx, f), *bias = core_bias_seed(ctx, f), *key;
	const char *trial = json_string_value(
		json_object_get(json_object_get(run->metrics, "chosen"), "variant"));
	const char *build = core_builds_text(ctx, r->variant);
	size_t column = AXES;
	json_t *unused;
	*core_table_at(t, i, VARIANT) = core_value_text(r->variant->name);
	*core_table_at(t, i, FOLD) = core_value_count(run->fold);
	*core_table_at(t, i, SEED) = core_value_count(run->seed);
	*core_table_at(t, i, SPLIT) = core_value_text(r->split);
	*core_table_at(t, i, SELECT) = core_value_text(f->selection.rule);
	*core_table_at(t, i, CHOSEN_ON) = core_value_text(f->selection.split);
	*core_table_at(t, i, GROUPER_SEED) = core_value_text(grouping);
	*core_table_at(t, i, BIAS_SEED) = core_value_text(bias);
	*core_table_at(t, i, TRIAL) = core_value_text(trial);
	*core_table_at(t, i, THRESHOLD) = core_value_text(r->threshold);
	*core_table_at(t, i, BUILD) = core_value_text(build);
	*core_table_at(t, i, OLDER) = core_value_flag(r->variant->older);
	json_object_foreach(axes, key, unused)
	{
		core_table_value *v = core_table_at(t, i, column++);
		if (core_flat_axis_read(ctx, run, key, v))
			return FV_FAILED;
	}
	return grouping && bias && build ? FV_OK : FV_FAILED;
}

/* Returns what CSV calls a figure: an overall metric of a group has a name of its own, so that a reader
 * who asks for f1 gets that of all rows. */
static const char *name_figure(fv_ctx *ctx, const core_run_place *p)
{
	return p->group && !p->class_name ? core_format(ctx, "group_%s", p->metric) : p->metric;
}

static fv_status set_columns(const core_run_places *places, json_t *axes, core_result_table *t)
{
	static const char *const keys[AXES] = {"variant", "fold", "seed", "split", "select",
		"chosen_on", "grouper_seed", "bias_seed", "trial", "threshold", "build",
		"older_build"};
	const char *key;
	json_t *unused;
	size_t column = AXES;
	for (size_t k = 0; k < AXES; k++)
		t->column[k] = core_plain_column(keys[k], keys[k], CORE_FOR_CSV);
	json_object_foreach(axes, key, unused) t->column[column++] =
		core_plain_column(key, key, CORE_FOR_CSV);
	for (size_t k = 0; k < places->n; k++) {
		const core_run_place *p = &places->place[k];
		const char *name = name_figure(places->ctx, p);
		if (!name)
			return FV_FAILED;
		t->column[column++] = (core_table_column){.path = {name},
			.audience = CORE_FOR_CSV,
			.attribute = p->attribute,
			.metric = name,
			.class_name = p->class_name,
			.group = p->group,
			.parts = CORE_SHOW_NULL | CORE_SHOW_INTERVAL,
			.has_support = true};
	}
	return FV_OK;
}

fv_status core_add_runs(
	fv_ctx *ctx, const core_results *results, int64_t min_support, core_document *document)
{
	core_run_places places = {.ctx = ctx};
	struct readings readings;
	fv_status status = find_readings(ctx, results, document, &readings);
	for (size_t i = 0; i < readings.n && !status; i++)
		core_run_places_add(&places, readings.reading[i].metrics);
	json_t *axes = status ? NULL : core_flat_axes_find(results);
	if (places.failed || !axes || !core_document_own(ctx, document, axes))
		return status ? status : FV_FAILED;
	size_t first = AXES + json_object_size(axes);
	core_result_table *t =
		core_document_add(ctx, document, "runs", NULL, readings.n, first + places.n);
	if (!t)
		return FV_FAILED;
	t->audience = CORE_FOR_CSV;
	status = set_columns(&places, axes, t);
	for (size_t i = 0; i < readings.n && !status; i++) {
		status = fill_names(ctx, &readings.reading[i], axes, t, i);
		for (size_t j = 0; j < places.n; j++)
			*core_table_at(t, i, first + j) = read_value(
				readings.reading[i].metrics, &places.place[j], min_support);
	}
	return status;
}
