/* SPDX-License-Identifier: Apache-2.0 */
#include "report/settings.h"

#include <string.h>

#include "base/file.h"
#include "base/nearest.h"
#include "base/number.h"
#include "base/text.h"
#include "config/loader.h"

enum { MOST_KEYS = 256 };

/* Returns a value as JSON: a new reference; null for none. */
static json_t *make_json(const core_yaml *node)
{
	double number;
	int64_t whole;
	if (!node || core_yaml_is_null(node))
		return json_null();
	if (node->kind == CORE_YAML_SCALAR) {
		if (node->plain && core_parse_int(node->text, &whole))
			return json_integer((json_int_t)whole);
		if (node->plain && core_parse_double(node->text, &number))
			return json_real(number);
		if (core_yaml_is_word(node, "true") || core_yaml_is_word(node, "false"))
			return json_boolean(*node->text == 't');
		return json_string(node->text);
	}
	json_t *out = node->kind == CORE_YAML_LIST ? json_array() : json_object();
	for (size_t i = 0; i < node->n; i++) {
		json_t *value = make_json(node->entry[i].value);
		if (node->kind == CORE_YAML_LIST)
			json_array_append_new(out, value);
		else
			json_object_set_new(out, node->entry[i].key, value);
	}
	return out;
}

/* Reads the resolved configuration of a variant; *out is NULL if no run is done. */
static fv_status read_config(fv_ctx *ctx, const core_variant_result *variant, core_yaml **out)
{
	*out = NULL;
	if (!variant->n_folds)
		return FV_OK;
	char *path = core_path_join(ctx, variant->used[0]->dir, "config.yaml");
	if (!path)
		return FV_FAILED;
	return core_is_file(path) ? core_yaml_read(ctx, path, out) : FV_OK;
}

/* The keys of a block. */
struct keys {
	size_t n;
	const char *key[MOST_KEYS];
};

static void add_keys(fv_ctx *ctx, const core_yaml *block, struct keys *keys)
{
	for (size_t i = 0; block && block->kind == CORE_YAML_MAP && i < block->n; i++) {
		bool known = keys->n == MOST_KEYS;
		for (size_t k = 0; k < keys->n && !known; k++)
			known = !strcmp(keys->key[k], block->entry[i].key);
		if (!known && (keys->key[keys->n] = core_strdup(ctx, block->entry[i].key)))
			keys->n++;
	}
}

/* Reads a key of all variants, and the keys beside it. *found: a variant has it. */
static fv_status read_values(fv_ctx *ctx, const core_results *results, const char *key,
	json_t *values, struct keys *beside, bool *found)
{
	const char *last = strrchr(key, '.');
	const char *block = core_strndup(ctx, key, (size_t)(last - key));
	fv_status status = block ? FV_OK : FV_FAILED;
	for (size_t i = 0; i < results->n && !status; i++) {
		fv_ctx *own = core_ctx_aside(ctx); /* holds the text of the file */
		core_yaml *root;
		if (!own)
			return FV_FAILED;
		status = read_config(own, &results->variant[i], &root);
		if (!status) {
			const core_yaml *value = core_key_find(root, key);
			*found |= value != NULL;
			add_keys(ctx, core_key_find(root, block), beside);
			if (json_array_append_new(values, make_json(value)))
				status = fv_fail(own, FV_FAILED, "out of memory");
		}
		status = core_ctx_rejoin(ctx, own, status);
	}
	return status;
}

static fv_status refuse_key(fv_ctx *ctx, const char *option, const char *key, struct keys *beside)
{
	core_text text = {0};
	const char *last = strrchr(key, '.');
	for (size_t i = 0; i < beside->n; i++)
		core_text_add(&text, "%s%s", i ? ", " : "", beside->key[i]);
	fv_status status =
		fv_fail(ctx, FV_CONFIG, "%s: no variant has the key '%s'%s: keys of %.*s: %s",
			option, key, core_suggest_name(ctx, last + 1, beside->key, beside->n),
			(int)(last - key), key, beside->n ? text.data : "none");
	core_text_free(&text);
	return status;
}

/* Is it a key of one of the blocks of a configuration? */
static bool is_key(const char *name)
{
	size_t n = strcspn(name, ".");
	for (size_t i = 0; i < core_n_blocks && name[n]; i++)
		if (strlen(core_blocks[i].name) == n && !strncmp(core_blocks[i].name, name, n))
			return true;
	return false;
}

static fv_status add_key(fv_ctx *ctx, const core_results *results, const char *option,
	const char *key, core_variant_axes *axes)
{
	struct keys beside = {0};
	bool found = false;
	json_t *values = json_array();
	fv_status status = values ? read_values(ctx, results, key, values, &beside, &found)
				  : fv_fail(ctx, FV_FAILED, "out of memory");
	if (!status && !found)
		status = refuse_key(ctx, option, key, &beside);
	if (!status)
		return core_axes_add(ctx, results, key, values, axes);
	json_decref(values);
	return status;
}

fv_status core_settings_add(fv_ctx *ctx, const core_results *results, const char *option,
	const char *list, core_variant_axes *axes)
{
	char *copy = core_strdup(ctx, list), *rest = NULL;
	fv_status status = copy ? FV_OK : FV_FAILED;
	for (char *name = copy ? strtok_r(copy, ",", &rest) : NULL; name && !status;
		name = strtok_r(NULL, ",", &rest))
		if (is_key(name) && core_axes_index(axes, name) < 0)
			status = add_key(ctx, results, option, name, axes);
	return status;
}
