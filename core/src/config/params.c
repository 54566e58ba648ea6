/* SPDX-License-Identifier: Apache-2.0 */
#include "config/params.h"

#include <string.h>

#include "base/path.h"
#include "config/loader.h"
#include "config/store.h"

fv_status core_params_fill(
	fv_ctx *ctx, const char *folder, const core_yaml *block, core_plugin_spec *out)
{
	const fv_descriptor *d = out->plugin->descriptor;
	core_yaml *params = core_yaml_map(ctx, block->place, block->origin, d->n_params);
	out->state = core_alloc(ctx, 1, d->state_size);
	out->paths.item = core_alloc(ctx, d->n_params, sizeof *out->paths.item);
	if (!params || !out->state || !out->paths.item)
		return FV_FAILED;
	for (uint32_t i = 0; i < d->n_params; i++) {
		const fv_param *param = &d->params[i];
		core_yaml *node = core_yaml_get(block, param->name);
		if (!node)
			continue;
		core_yaml_add(params, param->name, node->place, node);
		core_yaml value = *node;
		if (param->type == FV_PATH) {
			value.text = core_path_join(ctx, folder, node->text);
			if (!value.text)
				return FV_FAILED;
			out->paths.item[out->paths.n++] = value.text;
		}
		const core_key key = core_schema_from_param(param, false);
		if (!core_store_value(ctx, &key, &value, out->state))
			return FV_FAILED;
	}
	out->params_json = core_yaml_canonical_text(ctx, params, folder);
	return out->params_json ? FV_OK : FV_FAILED;
}

/* Writes "no value" into the field of a text, path, list or loss. */
static void clear_field(const fv_param *param, void *state)
{
	static const fv_list empty;
	static const char *const nothing;
	void *at = (char *)state + param->offset;
	if (param->type == FV_LIST)
		memcpy(at, &empty, sizeof empty);
	else
		memcpy(at, &nothing, sizeof nothing);
}

fv_status core_param_set(
	fv_ctx *ctx, const fv_param *param, const char *path, void *state, const char *text)
{
	static const core_registry none;
	core_loader loader = {.ctx = ctx, .registry = &none};
	core_key key = core_schema_from_param(param, false);
	bool number = key.type == CORE_KEY_INT || key.type == CORE_KEY_REAL ||
		      key.type == CORE_KEY_BOOL || key.type == CORE_KEY_CHOICE;
	if ((!strcmp(text, "null") || !strcmp(text, "~")) && !key.required && !number) {
		clear_field(param, state);
		return FV_OK;
	}
	if (key.type == CORE_KEY_LOSS) /* there is no registry to look it up in */
		key.type = CORE_KEY_TEXT;
	core_yaml *node =
		core_make_default(&loader, &key, (core_place){0}, CORE_FROM_COMMAND, NULL, text);
	if (node)
		node = core_check_value(&loader, &key, path, node);
	if (!node)
		return core_loader_close(&loader);
	return core_store_value(ctx, &key, node, state) ? FV_OK : FV_FAILED;
}

fv_status core_param_default(fv_ctx *ctx, const fv_param *param, const char *profile, void *state)
{
	const core_key key = core_schema_from_param(param, !strcmp(profile, "official"));
	return key.def ? core_param_set(ctx, param, param->name, state, key.def) : FV_OK;
}

fv_status core_params_default(
	fv_ctx *ctx, const fv_descriptor *descriptor, const char *profile, void *state)
{
	fv_status first = FV_OK;
	for (uint32_t i = 0; i < descriptor->n_params; i++) {
		fv_status status = core_param_default(ctx, &descriptor->params[i], profile, state);
		if (!first)
			first = status;
	}
	return first;
}

fv_status core_preset_check(fv_ctx *ctx, const fv_preset *preset)
{
	const core_block *train = core_schema_block("train");
	const char *dot = strchr(preset->key, '.');
	const core_key *key = dot ? core_schema_key(train->keys, train->n_keys, dot + 1) : NULL;
	if (!key)
		return fv_fail(
			ctx, FV_CONFIG, "presets '%s', which is not a key of train", preset->key);
	static const core_registry none;
	core_loader loader = {.ctx = ctx, .registry = &none};
	core_yaml *node = core_make_default(
		&loader, key, (core_place){0}, CORE_FROM_COMMAND, NULL, preset->value);
	if (node)
		node = core_check_value(&loader, key, preset->key, node);
	return node ? FV_OK : core_loader_close(&loader);
}
