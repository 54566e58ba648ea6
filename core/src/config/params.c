/* SPDX-License-Identifier: Apache-2.0 */
#include "config/params.h"

#include <string.h>

#include "base/file.h"
#include "base/number.h"
#include "config/loader.h"

static int32_t choice_index(const char *choices, const char *word)
{
	size_t size = strlen(word);
	for (int32_t index = 0;; index++) {
		size_t n = strcspn(choices, "|");
		if (n == size && !strncmp(choices, word, n))
			return index;
		if (!choices[n])
			return -1;
		choices += n + 1;
	}
}

static fv_status write_list(fv_ctx *ctx, const core_yaml *node, void *at)
{
	double *value = core_alloc(ctx, node->n, sizeof *value);
	if (!value)
		return FV_FAILED;
	for (size_t i = 0; i < node->n; i++)
		(void)core_parse_double(node->entry[i].value->text, &value[i]);
	const fv_list list = {value, (int64_t)node->n};
	memcpy(at, &list, sizeof list);
	return FV_OK;
}

/* A checked value: its text is known to parse. */
static fv_status write_value(fv_ctx *ctx, const fv_param *param, const core_yaml *node, void *state)
{
	void *at = (char *)state + param->offset;
	int64_t whole = 0;
	double real = 0;
	int32_t small = 0;
	const core_yaml *name;
	switch (param->type) {
	case FV_INT:
		(void)core_parse_int(node->text, &whole);
		memcpy(at, &whole, sizeof whole);
		return FV_OK;
	case FV_REAL:
		(void)core_parse_double(node->text, &real);
		memcpy(at, &real, sizeof real);
		return FV_OK;
	case FV_BOOL:
	case FV_CHOICE:
		small = param->type == FV_BOOL ? !strcmp(node->text, "true")
					       : choice_index(param->choices, node->text);
		memcpy(at, &small, sizeof small);
		return FV_OK;
	case FV_STRING:
	case FV_PATH:
		memcpy(at, &node->text, sizeof node->text);
		return FV_OK;
	case FV_LOSS_REF:
		name = node->kind == CORE_YAML_MAP ? core_yaml_get(node, "name") : node;
		memcpy(at, &name->text, sizeof name->text);
		return FV_OK;
	case FV_LIST:
		return write_list(ctx, node, at);
	}
	return fv_fail(ctx, FV_DATA, "parameter '%s' is of unknown type %d", param->name,
		(int)param->type);
}

static core_yaml *made_absolute(fv_ctx *ctx, const char *folder, const core_yaml *node)
{
	core_yaml *out = core_alloc(ctx, 1, sizeof *out);
	if (!out)
		return NULL;
	*out = *node;
	out->written = NULL;
	out->text = core_path_join(ctx, folder, node->text);
	return out->text ? out : NULL;
}

static fv_status write_json(fv_ctx *ctx, const core_yaml *params, core_plugin_spec *out)
{
	core_text json = {0};
	core_yaml_json(params, &json);
	out->params_json = json.failed ? NULL : core_strdup(ctx, json.data);
	core_text_free(&json);
	return out->params_json ? FV_OK : fv_fail(ctx, FV_FAILED, "out of memory");
}

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
		if (param->type == FV_PATH) {
			node = made_absolute(ctx, folder, node);
			if (!node)
				return FV_FAILED;
			out->paths.item[out->paths.n++] = node->text;
		}
		core_yaml_add(params, param->name, node->place, node);
		fv_status status = write_value(ctx, param, node, out->state);
		if (status)
			return status;
	}
	return write_json(ctx, params, out);
}

fv_status core_param_set(fv_ctx *ctx, const fv_param *param, void *state, const char *text)
{
	if (!text || !strcmp(text, "null") || !strcmp(text, "~")) {
		/* a number without default stays 0: the plugin asks for it */
		static const fv_list empty;
		static const char *const nothing;
		void *at = (char *)state + param->offset;
		if (param->type == FV_LIST)
			memcpy(at, &empty, sizeof empty);
		else if (param->type == FV_STRING || param->type == FV_PATH ||
			 param->type == FV_LOSS_REF)
			memcpy(at, &nothing, sizeof nothing);
		else if (text)
			return fv_fail(ctx, FV_CONFIG, "parameter '%s': '%s' is not a value",
				param->name, text);
		return FV_OK;
	}
	static const core_registry none;
	core_loader loader = {.ctx = ctx, .registry = &none};
	core_key key = core_schema_param(param, false);
	if (key.type == CORE_KEY_LOSS) /* no registry to look it up in */
		key.type = CORE_KEY_TEXT;
	core_yaml *node =
		core_default(&loader, &key, (core_place){0}, CORE_FROM_COMMAND, NULL, text);
	if (node)
		node = core_check(&loader, &key, param->name, node);
	return node ? write_value(ctx, param, node, state) : core_loader_close(&loader);
}

fv_status core_params_default(
	fv_ctx *ctx, const fv_descriptor *descriptor, const char *profile, void *state)
{
	fv_status first = FV_OK;
	for (uint32_t i = 0; i < descriptor->n_params; i++) {
		const fv_param *param = &descriptor->params[i];
		const core_key key = core_schema_param(param, !strcmp(profile, "official"));
		fv_status status = core_param_set(ctx, param, state, key.def);
		if (!first)
			first = status;
	}
	return first;
}
