/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/path.h"
#include "base/utf8.h"
#include "config/loader.h"
#include "config/tune.h"

#define FAILURES_ENOUGH 100

/* The part of a block that decides results, without the folds and training seeds that make runs
 * inside the variant; NULL for `eval` and `slurm`, which train nothing. */
static core_yaml *copy_trained_part(fv_ctx *ctx, const core_entry *entry, bool *failed)
{
	core_yaml *value = entry->value;
	if (!strcmp(entry->key, "eval") || !strcmp(entry->key, "slurm"))
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
	if (!key)
		return FV_FAILED;
	core_sha256_bytes(key, strlen(key), hex);
	return FV_OK;
}

/* Writes what a run's config.yaml holds: all but where it is computed. */
static fv_status write_text(core_loader *loader, const core_yaml *tree, core_variant *variant)
{
	core_text text = {0};
	const core_yaml *kept = core_yaml_copy_without(loader->ctx, tree, "slurm");
	if (!kept)
		return FV_FAILED;
	fv_status status = core_yaml_write(loader->ctx, kept, loader->folder, &text);
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
	size_t capacity;        /* of the variants and of these arrays */
	const core_yaml **tree; /* [n_variants] */
	size_t *number;         /* [n_variants] number of the combination it came from, from 1 */
	size_t refused_capacity;
};

/* A variant to add: from combination `number` of the matrix, on the axes of `matrix`. */
struct candidate {
	const core_matrix *matrix;
	core_combination *combination;
	size_t number;
	const core_yaml *tree; /* resolved; NULL: refused */
	const core_tune *tune; /* NULL: trained itself */
	bool trial;
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

/* True when two otherwise equal variants have the same folds, seeds, eval and slurm settings. */
static bool have_same_runs(const core_yaml *a, const core_yaml *b)
{
	return is_same_value(core_yaml_get(a, "corpus"), core_yaml_get(b, "corpus"), "folds") &&
	       is_same_value(core_yaml_get(a, "train"), core_yaml_get(b, "train"), "seed") &&
	       is_same_value(a, b, "eval") && is_same_value(a, b, "slurm");
}

/* Makes an earlier, equal variant stand for the candidate. A trial may be one of several tuned variants,
 * and a variant of its own besides. */
static void merge_equal_variant(struct builder *b, size_t at, const struct candidate *new)
{
	core_config *config = b->config;
	core_combination *own = &b->matrix->combination[new->number - 1];
	if (!have_same_runs(b->tree[at], new->tree)) {
		core_loader_fail_whole(b->loader, new->tree->place,
			"combination %zu (%s) differs from combination %zu only in folds, seeds, "
			"eval or slurm: these cannot be axes",
			new->number, describe_combination(b, own), b->number[at]);
		return;
	}
	if (new->trial)
		return;
	if (!config->variants[at].trial) {
		core_loader_note(b->loader, CORE_NOTE_MERGED, new->tree->place,
			"combination %zu (%s) is the same variant as combination %zu: merged",
			new->number, describe_combination(b, own), b->number[at]);
		config->n_merged++;
	}
	config->variants[at].trial = false;
}

static const char *make_slug(core_loader *loader, const struct candidate *new)
{
	const char *slug = core_make_slug(loader, new->matrix, new->combination,
		new->tree ? new->tree : new->combination->tree);
	return slug && new->tune ? core_format(loader->ctx, "%s-tuned", slug) : slug;
}

/* Adds a variant to those that are left out. */
static fv_status add_refused(
	struct builder *b, const struct candidate *new, const core_reason *reason)
{
	core_config *config = b->config;
	fv_ctx *ctx = b->loader->ctx;
	size_t n = config->n_refused;
	if (n == b->refused_capacity) {
		size_t capacity = 2 * n + 8;
		core_refused_variant *grown = core_alloc(ctx, capacity, sizeof *grown);
		if (!grown)
			return FV_FAILED;
		if (n)
			memcpy(grown, config->refused, n * sizeof *grown);
		config->refused = grown;
		b->refused_capacity = capacity;
	}
	core_refused_variant *refused = &config->refused[n];
	*refused = (core_refused_variant){.slug = make_slug(b->loader, new), .reason = reason};
	fv_status status = hash_trained_settings(ctx, new->combination->tree, refused->written);
	if (status || !refused->slug)
		return FV_FAILED;
	config->n_refused++;
	return FV_OK;
}

/* Leaves the candidate out if it is the only one that its faults concern. */
static fv_status leave_out_faulty(struct builder *b, const struct candidate *new)
{
	core_loader *loader = b->loader;
	if (!loader->n_failed || loader->whole || !(loader->needs & CORE_KEEP_GOING))
		return FV_OK;
	return add_refused(b, new, core_loader_take_faults(loader));
}

static bool grow_builder(struct builder *b)
{
	core_config *config = b->config;
	fv_ctx *ctx = b->loader->ctx;
	size_t n = config->n_variants, capacity = 2 * b->capacity + 1;
	core_variant *variants = core_alloc(ctx, capacity, sizeof *variants);
	const core_yaml **tree = core_alloc(ctx, capacity, sizeof *tree);
	size_t *number = core_alloc(ctx, capacity, sizeof *number);
	if (!variants || !tree || !number)
		return false;
	if (n) {
		memcpy(variants, config->variants, n * sizeof *variants);
		memcpy(tree, b->tree, n * sizeof *tree);
		memcpy(number, b->number, n * sizeof *number);
	}
	config->variants = variants;
	config->trees = (const core_yaml *const *)tree;
	b->tree = tree;
	b->number = number;
	b->capacity = capacity;
	return true;
}

static fv_status list_axes(fv_ctx *ctx, const core_matrix *matrix, const char ***out)
{
	const char **axis = core_alloc(ctx, matrix->n_axes, sizeof *axis);
	*out = axis;
	for (size_t i = 0; i < matrix->n_axes && axis; i++)
		axis[i] = matrix->axis[i].key;
	return axis ? FV_OK : FV_FAILED;
}

static fv_status name_variant(
	core_loader *loader, const struct candidate *new, core_variant *variant)
{
	core_combination *c = new->combination;
	for (size_t i = 0; i < new->matrix->n_axes; i++)
		if (!core_yaml_get(new->tree, "grouper") &&
			core_key_under(new->matrix->axis[i].key, "grouper"))
			c->value[i] = "";
	variant->n_axes = (int32_t) new->matrix->n_axes;
	variant->axis_value = c->value;
	variant->slug = make_slug(loader, new);
	variant->axes_json = core_axes_json(loader, new->matrix, c, new->tree);
	if (!variant->slug || !variant->axes_json)
		return FV_FAILED;
	return list_axes(loader->ctx, new->matrix, &variant->axis);
}

/* Adds a variant, or finds the earlier one that it equals. *at: its index; SIZE_MAX after a failure that
 * is counted. */
static fv_status add_variant(struct builder *b, const struct candidate *new, size_t *at)
{
	core_loader *loader = b->loader;
	core_config *config = b->config;
	char key[65];
	fv_status status = hash_trained_settings(loader->ctx, new->tree, key);
	if (status)
		return status;
	for (*at = 0; *at < config->n_variants; ++*at)
		if (!strcmp(config->variants[*at].key, key)) {
			merge_equal_variant(b, *at, new);
			return FV_OK;
		}
	if (config->n_variants == b->capacity && !grow_builder(b))
		return FV_FAILED;
	core_variant *variant = &config->variants[*at];
	*variant = (core_variant){.tune = new->tune, .trial = new->trial};
	memcpy(variant->key, key, sizeof key);
	status = hash_trained_settings(loader->ctx, new->combination->tree, variant->written);
	if (!status)
		status = name_variant(loader, new, variant);
	if (!status)
		status = core_variant_fill(loader, new->tree, variant);
	if (status) {
		*at = SIZE_MAX;
		return loader->n_failed ? FV_OK : status; /* go on, to report further faults too */
	}
	b->tree[*at] = new->tree;
	b->number[*at] = new->number;
	config->n_variants++;
	return write_text(loader, new->tree, variant);
}

/* Resolves an unchecked tree. *out is NULL after failures that are counted. */
static fv_status resolve_tree(core_loader *loader, core_yaml *tree, const core_yaml **out)
{
	*out = tree ? core_resolve_tree(loader, tree) : NULL;
	return *out || loader->n_failed ? FV_OK : FV_FAILED;
}

/* ---- trials ---- */

/* The axes of a matrix followed by those of a tuned combination. */
static fv_status join_axes(
	fv_ctx *ctx, const core_matrix *matrix, const core_tuning *tuning, core_matrix *out)
{
	size_t n = matrix->n_axes;
	*out = *matrix;
	out->axis = core_alloc(ctx, n + tuning->n_axes, sizeof *out->axis);
	if (!out->axis)
		return FV_FAILED;
	for (size_t i = 0; i < n; i++)
		out->axis[i] = matrix->axis[i];
	for (size_t i = 0; i < tuning->n_axes; i++)
		out->axis[n + i] = tuning->axis[i];
	out->n_axes = n + tuning->n_axes;
	return FV_OK;
}

/* Adds one trial and records it in `tune`; *tree is its resolved tree, NULL after failures. */
static fv_status add_trial(struct builder *b, const core_tuning *tuning, const core_matrix *axes,
	size_t number, core_tune *tune, const core_yaml **tree)
{
	core_loader *loader = b->loader;
	const core_combination *from = &b->matrix->combination[number - 1];
	size_t n = b->matrix->n_axes, at = (size_t)tune->n_trials;
	core_combination c = {.extra = from->extra,
		.value = core_alloc(loader->ctx, axes->n_axes + 1, sizeof *c.value)};
	if (!c.value)
		return FV_FAILED;
	for (size_t i = 0; i < n; i++)
		c.value[i] = from->value[i];
	c.tree = core_tuning_make_trial(loader, tuning, from->tree, at, c.value + n);
	fv_status status = c.tree ? resolve_tree(loader, c.tree, tree) : FV_FAILED;
	if (status)
		return status;
	const struct candidate new = {axes, &c, number, *tree, NULL, true};
	tune->n_trials++;
	if (!*tree)
		return leave_out_faulty(b, &new);
	if (!core_tuning_check_trial(loader, tuning, *tree)) {
		loader->whole = true;
		return FV_OK;
	}
	core_combination own = c;
	own.value = c.value + n;
	tune->axes_json[at] = core_tuning_axes_json(loader, tuning, &own, *tree);
	size_t index = SIZE_MAX;
	status = tune->axes_json[at] ? add_variant(b, &new, &index) : FV_FAILED;
	tune->trial[at] = (int32_t)index;
	return status ? status : leave_out_faulty(b, &new);
}

/* Leaves out a tuned variant of which a trial is left out: the others alone would be another choice. */
static fv_status leave_out_tuned(struct builder *b, const struct candidate *new, size_t first)
{
	fv_ctx *ctx = b->loader->ctx;
	const core_refused_variant *trial = &b->config->refused[first];
	core_reason *reason = core_alloc(ctx, 1, sizeof *reason);
	if (!reason)
		return FV_FAILED;
	reason->status = trial->reason->status;
	reason->text =
		core_format(ctx, "its trial %s failed: %s", trial->slug, trial->reason->text);
	return reason->text ? add_refused(b, new, reason) : FV_FAILED;
}

/* Adds the trials of a combination, then the variant that picks among them. */
static fv_status add_tuned(struct builder *b, const core_tuning *tuning, size_t number)
{
	fv_ctx *ctx = b->loader->ctx;
	core_matrix axes;
	core_tune *tune = core_alloc(ctx, 1, sizeof *tune);
	const core_yaml **tree = core_alloc(ctx, tuning->n, sizeof *tree);
	if (!tune || !tree)
		return FV_FAILED;
	*tune = (core_tune){.by = tuning->by,
		.trial = core_alloc(ctx, tuning->n, sizeof *tune->trial),
		.axes_json = core_alloc(ctx, tuning->n, sizeof *tune->axes_json)};
	fv_status status = tune->trial && tune->axes_json ? join_axes(ctx, b->matrix, tuning, &axes)
							  : FV_FAILED;
	size_t index, n_refused = b->config->n_refused;
	for (size_t i = 0; i < tuning->n && !status && !b->loader->n_failed; i++)
		status = add_trial(b, tuning, &axes, number, tune, &tree[i]);
	if (status || b->loader->n_failed)
		return status;
	struct candidate new = {
		b->matrix, &b->matrix->combination[number - 1], number, NULL, tune, false};
	if (b->config->n_refused > n_refused)
		return leave_out_tuned(b, &new, n_refused);
	new.tree = core_tuning_make_tree(b->loader, tuning, tree);
	status = new.tree ? add_variant(b, &new, &index) : FV_FAILED;
	return status ? status : leave_out_faulty(b, &new);
}

static fv_status add_combination(struct builder *b, size_t number)
{
	core_loader *loader = b->loader;
	core_combination *c = &b->matrix->combination[number - 1];
	core_tuning tuning;
	if (!core_tuning_read(loader, b->matrix, c->tree, &tuning)) {
		loader->whole = true;
		return loader->n_failed ? FV_OK : FV_FAILED;
	}
	if (tuning.n && (loader->needs & CORE_NEED_LOSS))
		return add_tuned(b, &tuning, number);
	if (tuning.block) /* commands that do not train see the combination itself */
		c->tree = core_yaml_copy_without(loader->ctx, c->tree, "tune");
	struct candidate new = {.matrix = b->matrix, .combination = c, .number = number};
	fv_status status = resolve_tree(loader, c->tree, &new.tree);
	size_t index;
	if (!status && new.tree)
		status = add_variant(b, &new, &index);
	return status ? status : leave_out_faulty(b, &new);
}

static fv_status build_variants(core_loader *loader, const core_matrix *matrix, core_config *config)
{
	struct builder b = {.loader = loader, .config = config, .matrix = matrix};
	config->n_axes = matrix->n_axes;
	fv_status status = list_axes(loader->ctx, matrix, &config->axis);
	for (size_t i = 0; i < matrix->n && !status && loader->n_failed < FAILURES_ENOUGH; i++)
		status = add_combination(&b, i + 1);
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

static fv_status load_config(fv_ctx *ctx, const core_registry *registry, const char *path,
	char *const *overrides, size_t n_overrides, unsigned needs, core_config **out)
{
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

fv_status core_config_load(fv_ctx *ctx, const core_registry *registry, const char *path,
	char *const *overrides, size_t n_overrides, unsigned needs, core_config **out)
{
	if (!core_is_utf8(path)) /* the paths in the resolved configuration start with it */
		return fv_fail(ctx, FV_CONFIG, "%s: the name is not UTF-8", path);
	unsigned strict = needs & ~(unsigned)CORE_KEEP_GOING;
	if (strict == needs)
		return load_config(ctx, registry, path, overrides, n_overrides, needs, out);
	fv_status status = load_config(ctx, registry, path, overrides, n_overrides, needs, out);
	if (!status && (*out)->n_variants)
		return FV_OK;
	/* The configuration is wrong as a whole: report all its faults together. */
	core_error_clear(ctx);
	return load_config(ctx, registry, path, overrides, n_overrides, strict, out);
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
