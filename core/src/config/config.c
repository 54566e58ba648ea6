/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/path.h"
#include "base/utf8.h"
#include "config/loader.h"

#define FAILURES_ENOUGH 100

/* The part of a block that decides results, without the folds and training seeds that make runs
 * inside the variant; NULL for `eval`, which trains nothing. */
static core_yaml *copy_trained_part(fv_ctx *ctx, const core_entry *entry, bool *failed)
{
	core_yaml *value = entry->value;
	if (!strcmp(entry->key, "eval"))
		return NULL;
	if (!strcmp(entry->key, "corpus"))
		value = core_yaml_copy_without(ctx, value, "folds");
	else if (!strcmp(entry->key, "train"))
		value = core_yaml_copy_without(ctx, value, "seed");
	*failed = *failed || !value;
	return value;
}

/* SHA-256 of all settings that decide results; files count by their written names. */
static fv_status hash_trained_settings(
	fv_ctx *ctx, const core_yaml *tree, char hex[CORE_SHA256_HEX])
{
	core_yaml *out = core_yaml_map(ctx, tree->place, tree->origin, tree->n);
	bool failed = !out;
	for (size_t i = 0; i < tree->n && !failed; i++) {
		const core_entry *entry = &tree->entry[i];
		core_yaml *value = copy_trained_part(ctx, entry, &failed);
		if (value)
			core_yaml_add(out, entry->key, entry->key_place, value);
	}
	const char *key = failed ? NULL : core_yaml_canonical_text(ctx, out, NULL);
	return key ? core_sha256_bytes(ctx, key, strlen(key), hex) : FV_FAILED;
}

static fv_status write_text(core_loader *loader, const core_yaml *tree, core_variant *variant)
{
	core_text text = {0};
	fv_status status = core_yaml_write(loader->ctx, tree, loader->folder, &text);
	if (!status)
		variant->yaml = core_strdup(loader->ctx, text.data);
	core_text_free(&text);
	return status || variant->yaml ? status : FV_FAILED;
}

/* ---- variants from combinations ---- */

struct builder {
	core_loader *loader;
	core_config *config;
	const core_matrix *matrix;
	const core_yaml **tree; /* [n_variants] */
	size_t *number;         /* [n_variants] number of the combination it came from, from 1 */
};

/* "loss.name rw, grouper kmeans16" */
static const char *describe_combination(struct builder *b, const core_combination *c)
{
	const char *text = c->extra ? c->extra : "";
	for (size_t i = b->matrix->n_axes; i-- > 0 && text;)
		text = core_format(b->loader->ctx, *text ? "%s %s, %s" : "%s %s%s",
			b->matrix->axis[i].key, *c->value[i] ? c->value[i] : "none", text);
	return text ? text : "";
}

static bool is_same_value(const core_yaml *a, const core_yaml *b, const char *key)
{
	const core_yaml *x = core_yaml_get(a, key), *y = core_yaml_get(b, key);
	return (x == NULL) == (y == NULL) && (!x || core_yaml_equal(x, y));
}

/* True when two otherwise equal variants have the same folds, seeds and eval settings. */
static bool have_same_runs(const core_yaml *a, const core_yaml *b)
{
	return is_same_value(core_yaml_get(a, "corpus"), core_yaml_get(b, "corpus"), "folds") &&
	       is_same_value(core_yaml_get(a, "train"), core_yaml_get(b, "train"), "seed") &&
	       is_same_value(a, b, "eval");
}

/* True when an earlier variant is equal, so that this one is not added. */
static bool merge_equal_variant(
	struct builder *b, size_t number, const core_yaml *tree, const char *key)
{
	core_config *config = b->config;
	for (size_t i = 0; i < config->n_variants; i++) {
		if (strcmp(config->variants[i].key, key) != 0)
			continue;
		const char *words = describe_combination(b, &b->matrix->combination[number - 1]);
		if (have_same_runs(b->tree[i], tree))
			core_loader_note(b->loader, CORE_NOTE_MERGED, tree->place,
				"combination %zu (%s) is the same variant as combination %zu: "
				"merged",
				number, words, b->number[i]);
		else
			core_loader_fail(b->loader, FV_CONFIG, tree->place,
				"combination %zu (%s) differs from combination %zu only in folds, "
				"seeds or eval: these cannot be axes",
				number, words, b->number[i]);
		config->n_merged++;
		return true;
	}
	return false;
}

static fv_status add_variant(struct builder *b, size_t number, const core_yaml *tree)
{
	core_loader *loader = b->loader;
	core_config *config = b->config;
	size_t at = config->n_variants;
	const core_combination *c = &b->matrix->combination[number - 1];
	core_variant *variant = &config->variants[at];
	fv_status status = hash_trained_settings(loader->ctx, tree, variant->key);
	if (status || merge_equal_variant(b, number, tree, variant->key))
		return status;
	variant->n_axes = (int32_t)b->matrix->n_axes;
	variant->axis = config->axis;
	variant->axis_value = c->value;
	for (size_t i = 0; i < b->matrix->n_axes; i++)
		if (!core_yaml_get(tree, "grouper") &&
			core_key_under(b->matrix->axis[i].key, "grouper"))
			c->value[i] = "";
	variant->slug = core_make_slug(loader, b->matrix, c, tree);
	variant->axes_json = core_axes_json(loader, b->matrix, c, tree);
	status = variant->axes_json ? core_variant_fill(loader, tree, variant) : FV_FAILED;
	if (status)
		return loader->n_failed ? FV_OK : status; /* go on, to report further faults too */
	b->tree[at] = tree;
	b->number[at] = number;
	config->n_variants++;
	return write_text(loader, tree, variant);
}

static fv_status build_variants(core_loader *loader, const core_matrix *matrix, core_config *config)
{
	fv_ctx *ctx = loader->ctx;
	struct builder b = {loader, config, matrix, core_alloc(ctx, matrix->n, sizeof *b.tree),
		core_alloc(ctx, matrix->n, sizeof *b.number)};
	config->variants = core_alloc(ctx, matrix->n, sizeof *config->variants);
	config->axis = core_alloc(ctx, matrix->n_axes, sizeof *config->axis);
	if (!b.tree || !b.number || !config->variants || !config->axis)
		return FV_FAILED;
	config->trees = (const core_yaml *const *)b.tree;
	config->n_axes = matrix->n_axes;
	for (size_t i = 0; i < matrix->n_axes; i++)
		config->axis[i] = matrix->axis[i].key;
	fv_status status = FV_OK;
	for (size_t i = 0; i < matrix->n && !status && loader->n_failed < FAILURES_ENOUGH; i++) {
		const core_yaml *tree = core_resolve_tree(loader, matrix->combination[i].tree);
		if (tree)
			status = add_variant(&b, i + 1, tree);
		else if (!loader->n_failed)
			status = FV_FAILED;
	}
	return loader->n_failed ? loader->status : status;
}

static fv_status load_variants(
	core_loader *loader, char *const *overrides, size_t n_overrides, core_config *config)
{
	core_override *override;
	core_matrix matrix;
	core_yaml *root;
	fv_status read =
		core_overrides_read(loader, overrides, n_overrides, &override, &n_overrides);
	fv_status status = core_compose(loader, config->path, &root);
	if (status || read)
		return status ? status : read;
	status = core_matrix_expand(loader, root, override, n_overrides, &matrix);
	if (status)
		return status;
	config->n_combinations = matrix.n_crossed;
	config->n_excluded = matrix.n_excluded;
	config->n_included = matrix.n + matrix.n_excluded - matrix.n_crossed;
	return build_variants(loader, &matrix, config);
}

fv_status core_config_load(fv_ctx *ctx, const core_registry *registry, const char *path,
	char *const *overrides, size_t n_overrides, unsigned needs, core_config **out)
{
	if (!core_is_utf8(path)) /* the paths in the resolved configuration start with it */
		return fv_fail(ctx, FV_CONFIG, "%s: the name is not UTF-8", path);
	core_loader loader;
	core_config *config = core_alloc(ctx, 1, sizeof *config);
	fv_status status = config ? core_loader_open(&loader, ctx, registry, needs) : FV_FAILED;
	if (status)
		return status;
	config->path = core_strdup(ctx, path);
	status = config->path ? load_variants(&loader, overrides, n_overrides, config) : FV_FAILED;
	if (loader.n_failed)
		return core_loader_close(&loader);
	if (status)
		return status;
	config->notes = loader.note;
	config->n_notes = loader.n_notes;
	*out = config;
	return FV_OK;
}

/* ---- origins ---- */

static bool is_leaf(const core_yaml *node)
{
	for (size_t i = 0; i < node->n; i++)
		if (node->kind == CORE_YAML_MAP || node->entry[i].value->kind == CORE_YAML_MAP)
			return false;
	return true;
}

static void list_origins(fv_ctx *ctx, const char *path, const core_yaml *node, core_text *out)
{
	if (is_leaf(node)) {
		core_text value = {0};
		bool written = node->origin == CORE_FROM_FILE || node->origin == CORE_FROM_COMMAND;
		const char *origin =
			written || !node->source ? core_place_text(ctx, node->place) : node->source;
		core_yaml_write_flow(node, &value);
		core_text_add(out, "%-32s %-32s %s\n", path, value.data ? value.data : "", origin);
		core_text_free(&value);
		return;
	}
	for (size_t i = 0; i < node->n; i++) {
		const char *key = node->kind == CORE_YAML_LIST
					  ? core_format(ctx, "%s[%zu]", path, i)
					  : core_format(ctx, *path ? "%s.%s" : "%s%s", path,
						    node->entry[i].key);
		if (key)
			list_origins(ctx, key, node->entry[i].value, out);
	}
}

void core_config_origins(fv_ctx *ctx, const core_config *config, size_t variant, core_text *out)
{
	list_origins(ctx, "", config->trees[variant], out);
}
