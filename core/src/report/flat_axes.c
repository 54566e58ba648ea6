/* SPDX-License-Identifier: Apache-2.0 */
#include "report/flat_axes.h"

#include <string.h>

/* The values of a tuned variant's run on the axes of `tune:`, those of the trial it took; NULL: not tuned. */
static json_t *find_tuned_axes(const core_run_result *run)
{
	return json_object_get(json_object_get(run->metrics, "chosen"), "axes");
}

/* Adds the columns of one value. Returns false if memory runs out. */
static bool add_columns(json_t *columns, const char *key, json_t *value)
{
	const char *name;
	json_t *item;
	bool added = true;
	if (json_is_null(value))
		return true;
	if (!json_is_object(value))
		return !json_object_set_new(columns, key, json_null());
	json_object_foreach(value, name, item)
	{
		core_text below = {0};
		core_text_add(&below, "%s.%s", key, name);
		added = added && !below.failed && add_columns(columns, below.data, item);
		core_text_free(&below);
	}
	return added;
}

static bool add_all(json_t *columns, const json_t *axes)
{
	const char *key;
	json_t *value;
	bool added = true;
	json_object_foreach((json_t *)axes, key, value) added =
		added && add_columns(columns, key, value);
	return added;
}

json_t *core_flat_axes_find(const core_results *results)
{
	json_t *columns = json_pack("{s:n, s:n, s:n}", "loss.name", "grouper.name", "encoder.name");
	bool added = columns != NULL;
	for (size_t i = 0; i < results->n && added; i++) {
		const core_run_facts *facts = core_variant_facts(&results->variant[i]);
		if (facts && facts->bias)
			added = add_columns(columns, "bias", (json_t *)facts->bias);
	}
	if (added)
		json_object_del(columns, "bias.seed"); /* bias_seed */
	for (size_t i = 0; i < results->n && added; i++) {
		const core_variant_result *v = &results->variant[i];
		const core_run_facts *facts = core_variant_facts(v);
		added = add_all(columns, facts ? facts->axes : NULL) &&
			add_all(columns, v->n_folds ? find_tuned_axes(v->used[0]) : NULL);
	}
	if (added)
		return columns;
	json_decref(columns);
	return NULL;
}

json_t *core_flat_axes_value(const json_t *axes, const char *key)
{
	const char *name;
	json_t *value, *found = json_object_get(axes, key);
	if (found)
		return found;
	json_object_foreach((json_t *)axes, name, value)
	{
		size_t n = strlen(name);
		if (!strncmp(key, name, n) && key[n] == '.')
			found = found ? found : core_flat_axes_value(value, key + n + 1);
	}
	return found;
}

/* Returns the name of what no axis of the study tells; NULL: it is not a name, or there is none. */
static const char *find_fact(fv_ctx *ctx, const core_run_facts *facts, const char *key)
{
	core_text text = {0};
	if (!strcmp(key, "loss.name"))
		return facts->loss;
	if (!strcmp(key, "encoder.name"))
		return facts->encoder;
	if (strcmp(key, "grouper.name") != 0)
		return NULL;
	for (int32_t i = 0; i < facts->n_groupers; i++)
		core_text_add(&text, "%s%s", i ? " x " : "", facts->grouper[i].name);
	return core_text_move(ctx, &text);
}

fv_status core_flat_axis_read(
	fv_ctx *ctx, const core_run_result *run, const char *key, core_table_value *out)
{
	const json_t *own = core_flat_axes_value(run->facts->axes, key);
	if (!own)
		own = core_flat_axes_value(find_tuned_axes(run), key);
	if (!own && !strncmp(key, "bias.", 5))
		own = core_flat_axes_value(run->facts->bias, key + 5);
	if (own) {
		*out = json_is_null(own) ? core_value_text(NULL) : core_value_json(own);
		return FV_OK;
	}
	size_t errors = core_error_lines(ctx);
	*out = core_value_text(find_fact(ctx, run->facts, key));
	return core_error_lines(ctx) > errors ? FV_FAILED : FV_OK;
}
