/* SPDX-License-Identifier: Apache-2.0 */
#include "run/evaluation.h"

#include <string.h>

#include <jansson.h>

#include "base/json.h"
#include "base/number.h"
#include "config/yaml.h"
#include "eval/attribute_columns.h"
#include "eval/metric.h"

static bool is_raw_number(const core_attribute *a)
{
	return core_attribute_is_raw_number(a->n_values, (const char *const *)a->value);
}

/* Where the configuration names an attribute: `key` of the block eval, and `item` of its list. */
struct named {
	fv_ctx *ctx;
	const core_corpus *corpus;
	core_key_ref at;
	const char *key; /* for messages: "eval.attributes" */
};

/* Refuses an attribute of numbers that was asked for as groups. */
static fv_status check_groups(const struct named *named, const char *name)
{
	fv_status status =
		core_corpus_check_attribute(named->ctx, named->corpus, named->at, named->key, name);
	const core_attribute *a = status ? NULL : core_corpus_attribute(named->corpus, name);
	if (!a || !is_raw_number(a))
		return status;
	return core_fail_key(named->ctx, FV_CONFIG, named->at,
		"%s: '%s' has %d numeric values, too many for groups: bin them with "
		"corpus.bins, or write {%s: {numeric: true}} for the slope of the recall on it",
		named->key, name, a->n_values, name);
}

/* Checks an attribute, or every factor of a product. */
static fv_status check_attribute(const struct named *named, const char *name)
{
	const char **factor;
	if (core_corpus_attribute(named->corpus, name))
		return check_groups(named, name);
	int32_t n = core_attribute_factors(named->ctx, name, &factor);
	fv_status status = n ? FV_OK : FV_FAILED;
	for (int32_t k = 0; k < n && !status; k++)
		status = check_groups(named, factor[k]);
	return status;
}

static fv_status check_numeric(const struct named *named, const char *name)
{
	fv_status status =
		core_corpus_check_attribute(named->ctx, named->corpus, named->at, named->key, name);
	const core_attribute *a = status ? NULL : core_corpus_attribute(named->corpus, name);
	double number;
	for (int32_t v = 0; a && v < a->n_values; v++)
		if (!core_parse_double(a->value[v], &number))
			return core_fail_key(named->ctx, FV_CONFIG, named->at,
				"%s: '%s' has the value '%s', which is no number", named->key, name,
				a->value[v]);
	return status;
}

/* Checks the attributes that the block names. */
static fv_status check_named(
	fv_ctx *ctx, const core_corpus *corpus, const core_yaml *eval, const core_evaluation *e)
{
	fv_status status = FV_OK;
	for (int32_t i = 0; i < e->attributes.n && !status; i++) {
		const char *name = e->attributes.item[i];
		const struct named at = {
			ctx, corpus, {eval, "attributes", name}, "eval.attributes"};
		status = check_attribute(&at, name);
	}
	for (int32_t i = 0; i < e->numeric.n && !status; i++) {
		const char *name = e->numeric.item[i];
		const struct named at = {ctx, corpus, {eval, "numeric", name}, "eval.numeric"};
		status = check_numeric(&at, name);
	}
	return status;
}

static fv_status list_attributes(
	fv_ctx *ctx, const core_corpus *corpus, bool warn, core_strings *out)
{
	*out = (core_strings){0, core_alloc(ctx, (size_t)corpus->n_attributes, sizeof *out->item)};
	if (!out->item)
		return FV_FAILED;
	for (int32_t i = 0; i < corpus->n_attributes; i++) {
		const core_attribute *a = &corpus->attribute[i];
		bool raw = is_raw_number(a);
		if (!raw)
			out->item[out->n++] = a->name;
		else if (warn)
			core_log(ctx, CORE_INFO,
				"attribute '%s' has %d numeric values and is left out of the "
				"metrics: bin them with corpus.bins, or add {%s: {numeric: true}} "
				"to eval.attributes",
				a->name, a->n_values, a->name);
	}
	return FV_OK;
}

/* Finds the attribute of a gap metric: the one that is named, the attribute of the bias if it is
 * reported, or the first. */
static fv_status find_compared(fv_ctx *ctx, const core_variant *variant, const core_yaml *eval,
	const core_corpus *corpus, core_evaluation *e)
{
	const char *named = variant->eval.compare_attribute;
	const struct named at = {
		ctx, corpus, {eval, "compare.attribute", NULL}, "eval.compare.attribute"};
	e->compare_metric = variant->eval.compare_metric;
	core_metric_id id;
	if (!e->compare_metric || !core_metric_find(e->compare_metric, &id) ||
		core_metric_is_overall(id))
		return FV_OK;
	e->compare_attribute = named;
	for (int32_t i = 0; i < e->attributes.n && !named && variant->bias.on; i++)
		if (!strcmp(e->attributes.item[i], variant->bias.attribute))
			e->compare_attribute = variant->bias.attribute;
	if (e->compare_attribute)
		return check_attribute(&at, e->compare_attribute);
	if (!e->attributes.n)
		return core_fail_key(ctx, FV_CONFIG, (core_key_ref){eval, "compare.metric", NULL},
			"eval.compare.metric %s: %s has no attribute whose groups could be "
			"compared: leave eval.compare out, or add attributes to the corpus",
			e->compare_metric, corpus->labels);
	e->compare_attribute = e->attributes.item[0];
	return FV_OK;
}

/* Writes the block `eval` with its defaults filled in. */
static fv_status make_json(fv_ctx *ctx, const core_yaml *block, core_evaluation *e)
{
	const char *text = block ? core_yaml_canonical_text(ctx, block, NULL) : NULL;
	json_t *root = text ? json_loads(text, 0, NULL) : json_object();
	json_t *names = json_array(), *numeric = json_array(), *compare = json_null();
	for (int32_t i = 0; i < e->numeric.n; i++)
		json_array_append_new(numeric, json_string(e->numeric.item[i]));
	for (int32_t i = 0; i < e->attributes.n; i++)
		json_array_append_new(names, json_string(e->attributes.item[i]));
	if (e->compare_metric)
		compare = json_pack("{s:s, s:s?}", "metric", e->compare_metric, "attribute",
			e->compare_attribute);
	json_object_set_new(root, "attributes", names);
	json_object_set_new(root, "numeric", numeric);
	json_object_set_new(root, "compare", compare);
	json_object_set_new(root, "metrics", json_integer(CORE_EVAL_METRICS));
	e->json = core_json_text(ctx, root, JSON_COMPACT | JSON_SORT_KEYS);
	return e->json ? FV_OK : FV_FAILED;
}

fv_status core_evaluation_make(fv_ctx *ctx, const core_variant *variant, const core_yaml *resolved,
	const core_corpus *corpus, bool warn, const core_evaluation **out)
{
	const core_yaml *eval = core_yaml_get(resolved, "eval");
	core_evaluation *e = core_alloc(ctx, 1, sizeof *e);
	fv_status status = e ? FV_OK : FV_FAILED;
	if (status)
		return status;
	*out = e;
	e->attributes = variant->eval.attributes;
	e->dev_threshold = variant->eval.dev_threshold;
	e->majority_only = variant->eval.majority_only;
	e->numeric = variant->eval.numeric;
	status = check_named(ctx, corpus, eval, e);
	if (!status && !e->attributes.n && !e->numeric.n)
		status = list_attributes(ctx, corpus, warn, &e->attributes);
	if (!status)
		status = find_compared(ctx, variant, eval, corpus, e);
	return status ? status : make_json(ctx, eval, e);
}
