/* SPDX-License-Identifier: Apache-2.0 */
#include "run/inputs.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/numerics.h"

char *core_fold_path(fv_ctx *ctx, const char *pattern, int64_t fold)
{
	const char *mark = strstr(pattern, "{fold}");
	if (!mark)
		return core_strdup(ctx, pattern);
	return core_format(ctx, "%.*s%lld%s", (int)(mark - pattern), pattern, (long long)fold,
		mark + strlen("{fold}"));
}

static json_t *file_hashes(fv_ctx *ctx, const core_strings *paths)
{
	json_t *files = json_array();
	for (int32_t i = 0; i < paths->n; i++) {
		char hex[CORE_SHA256_HEX];
		if (core_sha256_file(ctx, paths->item[i], hex)) {
			json_decref(files);
			return NULL;
		}
		json_array_append_new(files, json_string(hex));
	}
	return files;
}

json_t *core_plugin_inputs(fv_ctx *ctx, const core_plugin_spec *use)
{
	const fv_descriptor *d = use->plugin->descriptor;
	json_t *files = file_hashes(ctx, &use->paths);
	json_t *params = json_loads(use->params_json, 0, NULL);
	for (uint32_t i = 0; i < d->n_params; i++)
		if (d->params[i].type == FV_PATH)
			json_object_del(params, d->params[i].name);
	json_t *root = files && params
			       ? json_pack("{s:s, s:s, s:O, s:O}", "name", d->name, "sha256",
					 use->plugin->sha256, "params", params, "files", files)
			       : NULL;
	json_decref(files);
	json_decref(params);
	if (!root && !core_error_count(ctx))
		(void)fv_fail(ctx, FV_FAILED, "out of memory");
	return root;
}

static json_t *groupers_json(fv_ctx *ctx, const core_study *study, const core_run *run)
{
	const core_cell *cell = core_run_cell(study, run);
	json_t *list = json_array();
	for (int32_t i = 0; i < cell->n_groupers; i++) {
		json_t *one = core_plugin_inputs(ctx, &cell->groupers[i].use);
		if (!one) {
			json_decref(list);
			return NULL;
		}
		if (run->group_table[i] >= 0)
			json_object_set_new(one, "features",
				json_string(study->table[run->group_table[i]].encoder->key));
		json_array_append_new(list, one);
	}
	return list;
}

/* train.init and train.order by content; null when not given. */
static fv_status file_hash(fv_ctx *ctx, const char *pattern, int64_t fold, json_t **out)
{
	*out = json_null();
	if (!pattern)
		return FV_OK;
	char hex[CORE_SHA256_HEX], *path = core_fold_path(ctx, pattern, fold);
	if (!path)
		return FV_FAILED;
	fv_status status = core_sha256_file(ctx, path, hex);
	if (!status)
		*out = json_string(hex);
	return status;
}

fv_status core_run_inputs(fv_ctx *ctx, const core_study *study, core_run *run)
{
	const core_cell *cell = core_run_cell(study, run);
	const core_fold *fold = &study->fold[run->fold];
	const core_set *set = &study->set[fold->set];
	json_t *init, *order;
	fv_status status = file_hash(ctx, cell->train.init, fold->fold, &init);
	if (!status)
		status = file_hash(ctx, cell->train.order, fold->fold, &order);
	if (status)
		return status;
	json_t *loss = core_plugin_inputs(ctx, &cell->loss), *groupers = groupers_json(ctx, study, run);
	json_t *root = loss && groupers
			       ? json_pack("{s:i, s:i, s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:o, s:o, s:o, "
					   "s:o}",
					 "schema_version", 1, "numerics", CORE_NUMERICS, "config",
					 cell->hash, "fold", (json_int_t)fold->fold, "seed",
					 (json_int_t)run->seed, "labels", fold->labels_sha256,
					 "attributes", fold->attributes_sha256, "audio",
					 set->audio_sha256, "features",
					 study->table[run->table].encoder->key, "loss", loss,
					 "groupers", groupers, "init", init, "order", order)
			       : NULL;
	char *text = root ? json_dumps(root, JSON_SORT_KEYS | JSON_INDENT(1)) : NULL;
	json_decref(root);
	if (!text)
		return core_error_count(ctx) ? core_error_status(ctx)
					     : fv_fail(ctx, FV_FAILED, "out of memory");
	run->inputs = core_format(ctx, "%s\n", text);
	free(text);
	return run->inputs ? FV_OK : FV_FAILED;
}
