/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/path.h"
#include "base/utf8.h"
#include "config/loader.h"

#define FAILURES_ENOUGH 100

/* Copies a grouper block, or a product of groupers, without the seeds. */
static core_yaml *copy_without_seeds(fv_ctx *ctx, const core_yaml *grouper)
{
	core_yaml *out = core_yaml_copy_without(ctx, grouper, "seed");
	for (size_t i = 0; out && i < out->n; i++) {
		if (strcmp(out->entry[i].key, "product") != 0)
			continue;
		const core_yaml *list = out->entry[i].value;
		core_yaml *copy = core_yaml_map(ctx, list->place, list->origin, list->n);
		if (!copy)
			return NULL;
		copy->kind = list->kind;
		for (size_t k = 0; k < list->n; k++) {
			core_yaml *factor =
				core_yaml_copy_without(ctx, list->entry[k].value, "seed");
			if (!factor)
				return NULL;
			core_yaml_add(copy, NULL, factor->place, factor);
		}
		out->entry[i].value = copy;
	}
	return out;
}

/* The part of a block that identifies a variant: folds and training seeds are left out, because
 * they make runs inside the variant. With `no_seeds`, the seeds of bias and grouper are left out
 * too. */
static core_yaml *copy_identity(fv_ctx *ctx, const core_entry *entry, bool no_seeds)
{
	core_yaml *value = entry->value;
	if (!strcmp(entry->key, "corpus"))
		return core_yaml_copy_without(ctx, value, "folds");
	if (!strcmp(entry->key, "train"))
		return core_yaml_copy_without(ctx, value, "seed");
	if (no_seeds && !strcmp(entry->key, "bias"))
		return core_yaml_copy_without(ctx, value, "seed");
	if (no_seeds && !strcmp(entry->key, "grouper"))
		return copy_without_seeds(ctx, value);
	return value;
}

/* SHA-256 of a variant's identity. Variants that differ only in the seeds of grouping and bias have
 * the same hash with `no_seeds`. */
static fv_status hash_identity(
	fv_ctx *ctx, const core_yaml *tree, bool no_seeds, char hex[CORE_SHA256_HEX])
{
	core_yaml *out = core_yaml_map(ctx, tree->place, tree->origin, tree->n);
	for (size_t i = 0; out && i < tree->n; i++) {
		const core_entry *entry = &tree->entry[i];
		core_yaml *value = copy_identity(ctx, entry, no_seeds);
		if (!value)
			return FV_FAILED;
		core_yaml_add(out, entry->key, entry->key_place, value);
	}
	const char *key = out ? core_yaml_canonical_text(ctx, out, NULL) : NULL;
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
	char (*sha256)[CORE_SHA256_HEX];
	size_t *number; /* [n_variants] number of the combination it came from, from 1 */
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

static bool have_same_runs(const core_yaml *a, const core_yaml *b)
{
	static const char *const run_axis[][2] = {{"corpus", "folds"}, {"train", "seed"}};
	for (size_t i = 0; i < 2; i++) {
		const core_yaml *x =
			core_yaml_get(core_yaml_get(a, run_axis[i][0]), run_axis[i][1]);
		const core_yaml *y =
			core_yaml_get(core_yaml_get(b, run_axis[i][0]), run_axis[i][1]);
		if ((x == NULL) != (y == NULL) || (x && !core_yaml_equal(x, y)))
			return false;
	}
	return true;
}

/* True when an earlier variant is equal, so that this one is not added. */
static bool merge_equal_variant(
	struct builder *b, size_t number, const core_yaml *tree, const char *sha256)
{
	core_config *config = b->config;
	for (size_t i = 0; i < config->n_variants; i++) {
		if (strcmp(b->sha256[i], sha256) != 0)
			continue;
		const char *words = describe_combination(b, &b->matrix->combination[number - 1]);
		if (have_same_runs(b->tree[i], tree))
			core_loader_note(b->loader, CORE_NOTE_MERGED, tree->place,
				"combination %zu (%s) is the same variant as combination %zu: "
				"merged",
				number, words, b->number[i]);
		else
			core_loader_fail(b->loader, FV_CONFIG, tree->place,
				"combination %zu (%s) differs from combination %zu only in folds "
				"or "
				"seeds: write these as lists inside one variant",
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
	char family[CORE_SHA256_HEX];
	fv_status status = hash_identity(loader->ctx, tree, false, b->sha256[at]);
	if (!status)
		status = hash_identity(loader->ctx, tree, true, family);
	if (status || merge_equal_variant(b, number, tree, b->sha256[at]))
		return status;
	core_variant *variant = &config->variants[at];
	memcpy(variant->hash, b->sha256[at], 8);
	memcpy(variant->family, family, 8);
	variant->n_axes = (int32_t)b->matrix->n_axes;
	variant->axis = config->axis;
	variant->axis_value = c->value;
	for (size_t i = 0; i < b->matrix->n_axes; i++)
		if (!core_yaml_get(tree, "grouper") &&
			core_key_under(b->matrix->axis[i].key, "grouper"))
			c->value[i] = "";
	variant->slug = core_make_slug(loader, b->matrix, c, tree);
	status = core_variant_fill(loader, tree, variant);
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
		core_alloc(ctx, matrix->n, sizeof *b.sha256),
		core_alloc(ctx, matrix->n, sizeof *b.number)};
	config->variants = core_alloc(ctx, matrix->n, sizeof *config->variants);
	config->axis = core_alloc(ctx, matrix->n_axes, sizeof *config->axis);
	if (!b.tree || !b.sha256 || !b.number || !config->variants || !config->axis)
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
