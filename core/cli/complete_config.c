/* SPDX-License-Identifier: Apache-2.0 */
/* Which plugins the configuration and the overrides of a command line name. */
#include <string.h>

#include "complete.h"
#include "config/loader.h"

bool cli_has_name(const cli_names *names, const char *name)
{
	for (size_t i = 0; i < names->n; i++)
		if (!strcmp(names->name[i], name))
			return true;
	return false;
}

/* Adds a name once. */
static void add_name(cli_names *names, const core_yaml *node)
{
	bool more = node && node->kind == CORE_YAML_SCALAR && names->n < CLI_NAMES;
	if (more && !cli_has_name(names, node->text))
		names->name[names->n++] = node->text;
}

/* Adds the name of a block, or those of a product of blocks. */
static void add_block(cli_names *names, const core_yaml *block)
{
	const core_yaml *product = core_yaml_get(block, "product");
	add_name(names, core_yaml_get(block, "name"));
	for (size_t i = 0; product && i < product->n; i++)
		add_name(names, core_yaml_get(product->entry[i].value, "name"));
}

/* Adds what a key says of the block: "loss" or "loss.name", with one value or several. */
static void add_key(cli_names *names, const char *block, const char *key, const core_yaml *value)
{
	size_t n = strlen(block);
	bool whole = !strcmp(key, block);
	bool several = value->kind == CORE_YAML_LIST;
	if (!whole && (strncmp(key, block, n) != 0 || strcmp(key + n, ".name") != 0))
		return;
	for (size_t i = 0; i < (several ? value->n : 1); i++) {
		const core_yaml *one = several ? value->entry[i].value : value;
		if (whole)
			add_block(names, one);
		else
			add_name(names, one);
	}
}

/* Adds what the keys of a map say of the block, and those of maps in it: matrix, include, tune, axes. */
static void add_keys(cli_names *names, const char *block, const core_yaml *map)
{
	for (size_t i = 0; map && i < map->n; i++) {
		const char *key = map->entry[i].key;
		const core_yaml *value = map->entry[i].value;
		if (key)
			add_key(names, block, key, value);
		if (!key || !strcmp(key, "include") || !strcmp(key, "axes"))
			add_keys(names, block, value);
	}
}

static core_yaml *read_config(core_loader *loader, const char *path)
{
	core_yaml *root;
	return path && !core_compose(loader, path, &root) ? root : NULL;
}

void cli_find_names(fv_ctx *ctx, const core_registry *r, const cli_config_words *words,
	const char *block, cli_names *out)
{
	core_loader loader;
	core_override *override;
	size_t n;
	*out = (cli_names){0};
	if (core_loader_open(&loader, ctx, r, 0))
		return;
	for (size_t i = 0; i < words->n_overrides; i++) /* one that is wrong hides no other */
		if (!core_overrides_read(&loader, &words->override[i], 1, &override, &n) && n)
			add_key(out, block, override->key, override->values);
	const core_yaml *root = out->n ? NULL : read_config(&loader, words->config);
	add_keys(out, block, core_yaml_get(root, "matrix"));
	add_keys(out, block, core_yaml_get(root, "tune"));
	if (!out->n)
		add_keys(out, block, root);
	core_error_clear(ctx);
}
