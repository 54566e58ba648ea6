/* SPDX-License-Identifier: Apache-2.0 */
#include "run/fingerprint.h"

#include <string.h>

#include <jansson.h>

#include "base/file.h"
#include "base/json.h"
#include "base/numerics.h"
#include "run/identity.h"
#include "run/params.h"
#include "run/training_device.h"
#include "run/tune.h"

static json_t *make_plugin_json(fv_ctx *ctx, const core_plugin_spec *use)
{
	json_t *params;
	if (core_params_by_content(ctx, use, &params))
		return NULL;
	for (int32_t i = 0; i < use->n_delegates; i++) {
		json_t *to = make_plugin_json(ctx, &use->delegate[i].use);
		if (!to) {
			json_decref(params);
			return NULL;
		}
		json_object_set_new(params, use->delegate[i].param, to);
	}
	return json_pack("{s:s, s:s, s:o}", "name", use->plugin->descriptor->name, "sha256",
		use->plugin->sha256, "params", params);
}

static json_t *make_groupers_json(fv_ctx *ctx, const core_study *study, const core_run *run)
{
	const core_variant *variant = core_run_variant(study, run);
	json_t *list = json_array();
	for (int32_t i = 0; i < variant->n_groupers; i++) {
		json_t *one = make_plugin_json(ctx, &variant->groupers[i].use);
		if (!one) {
			json_decref(list);
			return NULL;
		}
		if (run->group_encoding[i] >= 0)
			json_object_set_new(one, "features",
				json_string(study->encoding[run->group_encoding[i]].encoder->key));
		json_array_append_new(list, one);
	}
	return list;
}

/* Hashes the content of train.init or train.order; null if it is not given. */
static fv_status hash_file(
	fv_ctx *ctx, core_study *study, const char *pattern, int64_t fold, json_t **out)
{
	*out = json_null();
	if (!pattern)
		return FV_OK;
	const char *hex;
	char *path = core_expand_fold(ctx, pattern, fold);
	if (!path)
		return FV_FAILED;
	fv_status status = core_content_sha256(ctx, study, (core_place){0}, path, &hex);
	if (!status)
		*out = json_string(hex);
	return status;
}

static fv_status add_parts(fv_ctx *ctx, core_study *study, const core_run *run, json_t *root)
{
	const core_variant *variant = core_run_variant(study, run);
	int64_t fold = study->fold[run->fold].fold;
	json_t *init, *order, *loss = make_plugin_json(ctx, &variant->loss);
	json_t *groupers = make_groupers_json(ctx, study, run);
	fv_status status = hash_file(ctx, study, variant->train.init, fold, &init);
	if (!status)
		status = hash_file(ctx, study, variant->train.order, fold, &order);
	else
		order = json_null();
	json_object_set_new(root, "loss", loss);
	json_object_set_new(root, "groupers", groupers);
	json_object_set_new(root, "init", init);
	json_object_set_new(root, "order", order);
	return loss && groupers ? status : core_error_status(ctx);
}

static json_t *list_classes(const core_corpus *corpus)
{
	json_t *list = json_array();
	for (int32_t k = 0; k < corpus->classes; k++)
		json_array_append_new(list, json_string(corpus->class_name[k]));
	return list;
}

fv_status core_run_make_fingerprint(fv_ctx *ctx, core_study *study, core_run *run)
{
	const core_fold *fold = &study->fold[run->fold];
	if (core_run_variant(study, run)->tune)
		return core_tune_make_fingerprint(ctx, study, run);
	json_t *root = json_pack("{s:i, s:i, s:s, s:I, s:I, s:s, s:s, s:s, s:s}", "schema_version",
		CORE_RESULTS_SCHEMA, "numerics", CORE_NUMERICS, "variant",
		study->identity[run->variant].sha256, "fold", (json_int_t)fold->fold, "seed",
		(json_int_t)run->seed, "labels", fold->labels_sha256, "attributes",
		fold->attributes_sha256, "audio",
		core_run_reads_audio(study, run) ? fold->audio_sha256 : "", "features",
		study->encoding[run->encoding].encoder->key);
	fv_status status =
		root ? add_parts(ctx, study, run, root) : fv_fail(ctx, FV_FAILED, "out of memory");
	if (status) {
		json_decref(root);
		return status;
	}
	if (fold->classes_moved)
		json_object_set_new(root, "classes", list_classes(fold->corpus));
	if (core_run_trains_on_device(study, run))
		json_object_set_new(root, "trained_on", json_string(study->device->numerics));
	const char *text = core_json_text(ctx, root, JSON_SORT_KEYS | JSON_INDENT(1));
	run->fingerprint = text ? core_format(ctx, "%s\n", text) : NULL;
	return run->fingerprint ? FV_OK : FV_FAILED;
}
