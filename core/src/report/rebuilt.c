/* SPDX-License-Identifier: Apache-2.0 */
#include "report/rebuilt.h"

#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "run/plugin_list.h"

enum { SHORT_HASH = 8 };

/* Reads `variant` of env.json of a finished run of a variant's folder; *out is NULL if none can be read. */
static fv_status read_variant(fv_ctx *ctx, const char *dir, json_t **out)
{
	const char **name;
	size_t n;
	int64_t fold, seed;
	*out = NULL;
	fv_status status = core_list_folder(ctx, dir, &name, &n);
	for (size_t i = 0; i < n && !status && !*out; i++) {
		char *run = core_path_join(ctx, dir, name[i]);
		char *done = run ? core_path_join(ctx, run, "done") : NULL;
		json_t *env = NULL;
		if (!done)
			return FV_FAILED;
		if (!core_is_run_name(name[i], &fold, &seed) || !core_is_file(done))
			continue;
		if (core_json_read(ctx, run, "env.json", &env))
			core_error_clear(ctx); /* a table tells of damaged runs */
		*out = json_incref(json_object_get(env, "variant"));
		json_decref(env);
	}
	return status;
}

/* Returns the file of the plugin in a list. */
static const char *find_file(const json_t *list, const json_t *plugin)
{
	const json_t *name = json_object_get(plugin, "name");
	size_t i;
	json_t *other;
	json_array_foreach(list, i, other)
	{
		if (json_equal(json_object_get(other, "name"), name))
			return json_string_value(json_object_get(other, "sha256"));
	}
	return NULL;
}

/* Lists the plugins of which two variants have different files: "a, b". NULL: out of memory. */
static const char *list_differing(fv_ctx *ctx, const json_t *own, const json_t *other)
{
	const char *text = "";
	size_t i;
	json_t *plugin;
	json_array_foreach(own, i, plugin)
	{
		const char *file = find_file(other, plugin);
		const char *name = json_string_value(json_object_get(plugin, "name"));
		const char *sha256 = json_string_value(json_object_get(plugin, "sha256"));
		if (text && file && strcmp(file, sha256) != 0)
			text = core_format(ctx, "%s%s%s", text, *text ? ", " : "", name);
	}
	return text;
}

/* Compares a variant that is none of the study with those that lack finished runs. */
static fv_status compare_variant(
	fv_ctx *ctx, const core_study *study, const json_t *other, core_results *results)
{
	const char *settings = json_string_value(json_object_get(other, "settings"));
	for (size_t i = 0; i < results->n && settings; i++) {
		core_variant_result *own = &results->variant[i];
		bool planned = own->index < (int64_t)study->config->n_variants;
		if (own->n_folds || !planned ||
			strncmp(study->identity[own->index].settings, settings, SHORT_HASH) != 0)
			continue;
		json_t *plugins =
			core_plugin_list(study->config, &study->config->variants[own->index]);
		own->rebuilt = list_differing(ctx, plugins, json_object_get(other, "plugins"));
		json_decref(plugins);
		if (!own->rebuilt)
			return FV_FAILED;
		own->rebuilt = *own->rebuilt ? own->rebuilt : NULL;
	}
	return FV_OK;
}

static bool is_of_study(const core_study *study, const char *name)
{
	for (size_t i = 0; i < study->config->n_variants; i++)
		if (study->identity[i].dir && !strcmp(core_path_base(study->identity[i].dir), name))
			return true;
	return false;
}

fv_status core_rebuilt_find(fv_ctx *ctx, const core_study *study, core_results *results)
{
	bool any = false;
	const char **name;
	size_t n;
	for (size_t i = 0; i < results->n; i++)
		any |= !results->variant[i].n_folds;
	if (!any)
		return FV_OK;
	fv_ctx *own = core_ctx_aside(ctx); /* holds the texts of the files */
	if (!own)
		return FV_FAILED;
	fv_status status = core_list_folder(own, study->results, &name, &n);
	for (size_t i = 0; i < n && !status; i++) {
		json_t *other = NULL;
		char *dir = core_path_join(own, study->results, name[i]);
		if (!dir)
			status = FV_FAILED;
		else if (core_is_variant_name(name[i]) && !is_of_study(study, name[i]))
			status = read_variant(own, dir, &other);
		if (!status && other)
			status = compare_variant(ctx, study, other, results);
		json_decref(other);
	}
	return core_ctx_rejoin(ctx, own, status);
}
