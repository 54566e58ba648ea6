/* SPDX-License-Identifier: Apache-2.0 */
/* Expands `matrix:` and the axes of the command line: all combinations in the order written,
 * without those that `exclude` matches, plus the variants of `include`. Overrides are applied to
 * each of them. */
#include <stdlib.h>
#include <string.h>

#include "base/plural.h"
#include "config/loader.h"
#include "config/schema.h"

#define COMBINATIONS_MAX 4096
/* of all variants together, because each variant has its own YAML text */
#define VALUES_MAX 2000000

/* One key to set in a combination. */
struct step {
	const char *key;
	core_place place;
	core_yaml *value;
	bool last; /* an override, applied after the matrix's keys of the same rank */
};

struct expansion {
	core_loader *loader;
	core_yaml *base;
	const core_override *override;
	size_t n_overrides;
	const core_yaml *exclude, *include; /* lists, or NULL */
	size_t *n_matched;                  /* [exclude->n] */
	core_matrix *out;
};

static bool is_run_axis(const char *key)
{
	return !strcmp(key, "train.seed") || !strcmp(key, "corpus.folds");
}

static void read_axis(core_loader *loader, const core_entry *entry, core_matrix *out)
{
	const core_yaml *values = entry->value;
	if (!core_key_check(loader, entry->key_place, entry->key))
		return;
	if (is_run_axis(entry->key))
		core_loader_fail(loader, FV_CONFIG, entry->key_place,
			"%s cannot be an axis of the matrix: its list makes runs inside each "
			"variant",
			entry->key);
	else if (core_key_under(entry->key, "eval"))
		core_loader_fail(loader, FV_CONFIG, entry->key_place,
			"%s cannot be an axis of the matrix: it changes how runs are judged, not "
			"the runs",
			entry->key);
	else if (core_key_under(entry->key, "slurm"))
		core_loader_fail(loader, FV_CONFIG, entry->key_place,
			"%s cannot be an axis of the matrix: it says where runs are computed, and "
			"is the same for all",
			entry->key);
	else if (values->kind != CORE_YAML_LIST || values->n == 0)
		core_loader_fail(loader, FV_CONFIG, values->place,
			"matrix: '%s' needs a list of at least one value", entry->key);
	else
		out->axis[out->n_axes++] = (core_axis){
			.key = entry->key, .place = entry->key_place, .values = entry->value};
}

static const core_yaml *read_variants(core_loader *loader, const core_entry *entry)
{
	const core_yaml *variants = entry->value;
	bool good = variants->kind == CORE_YAML_LIST;
	if (good && variants->n > COMBINATIONS_MAX) {
		core_loader_fail(loader, FV_CONFIG, variants->place,
			"matrix: '%s' has more than %d entries", entry->key, COMBINATIONS_MAX);
		return NULL;
	}
	for (size_t i = 0; i < variants->n && good; i++)
		good = variants->entry[i].value->kind == CORE_YAML_MAP;
	if (good)
		return variants;
	core_loader_fail(loader, FV_CONFIG, variants->place,
		"matrix: '%s' needs a list of maps, e.g. [{loss.name: NAME}]", entry->key);
	return NULL;
}

static void read_matrix(struct expansion *e, const core_yaml *matrix)
{
	if (!matrix || core_yaml_is_word(matrix, "none"))
		return;
	if (matrix->kind != CORE_YAML_MAP) {
		core_loader_fail(e->loader, FV_CONFIG, matrix->place,
			"matrix: a map of keys and their values is needed, or none");
		return;
	}
	for (size_t i = 0; i < matrix->n; i++) {
		const core_entry *entry = &matrix->entry[i];
		if (!strcmp(entry->key, "exclude"))
			e->exclude = read_variants(e->loader, entry);
		else if (!strcmp(entry->key, "include"))
			e->include = read_variants(e->loader, entry);
		else
			read_axis(e->loader, entry, e->out);
	}
}

/* An override replaces the axis of its key and the axes of keys inside it. */
static void override_axes(core_loader *loader, const core_override *override, core_matrix *out)
{
	size_t kept = 0;
	bool placed = override->values->n == 1;
	for (size_t i = 0; i < out->n_axes; i++) {
		core_axis axis = out->axis[i];
		if (!core_key_under(axis.key, override->key)) {
			out->axis[kept++] = axis;
			continue;
		}
		core_loader_note(loader, CORE_NOTE_DROPPED, axis.place,
			"%s: axis %s is replaced by %s (%s)",
			core_place_text(loader->ctx, axis.place), axis.key, override->key,
			core_place_text(loader->ctx, override->place));
		if (!placed)
			out->axis[kept++] = (core_axis){.key = override->key,
				.place = override->place,
				.values = override->values};
		placed = true;
	}
	if (!placed)
		out->axis[kept++] = (core_axis){
			.key = override->key, .place = override->place, .values = override->values};
	out->n_axes = kept;
}

bool core_axis_label(core_loader *loader, core_axis *axis)
{
	size_t n = axis->values->n;
	const char **plain = core_alloc(loader->ctx, n, sizeof *plain);
	axis->label = core_alloc(loader->ctx, n, sizeof *axis->label);
	for (size_t i = 0; i < n && plain && axis->label; i++) {
		plain[i] = axis->label[i] =
			core_make_label(loader, axis->key, axis->values->entry[i].value);
		for (size_t j = 0; j < i && axis->label[i] == plain[i]; j++)
			if (!strcmp(plain[j], plain[i]))
				axis->label[i] =
					core_format(loader->ctx, "%s-%zu", plain[i], i + 1);
		if (!axis->label[i])
			return false;
	}
	return plain && axis->label;
}

static int rank_step(const struct step *step)
{
	return 2 * core_key_rank(step->key) + (step->last ? 1 : 0);
}

/* Applies the steps and the overrides to the base in order of rank: a block before its name before
 * its other keys. */
static core_yaml *build_tree(struct expansion *e, struct step *step, size_t n)
{
	for (size_t i = 0; i < e->n_overrides; i++)
		if (e->override[i].values->n == 1 && strcmp(e->override[i].key, "matrix") != 0)
			step[n++] = (struct step){e->override[i].key, e->override[i].place,
				e->override[i].values->entry[0].value, true};
	for (size_t i = 1; i < n; i++) {
		struct step moved = step[i];
		size_t at = i;
		for (; at && rank_step(&step[at - 1]) > rank_step(&moved); at--)
			step[at] = step[at - 1];
		step[at] = moved;
	}
	core_yaml *tree = e->base;
	for (size_t i = 0; i < n && tree; i++) {
		core_yaml *over =
			core_key_tree(e->loader, step[i].key, step[i].place, step[i].value);
		tree = over ? core_merge(e->loader, "", tree, over) : NULL;
	}
	return tree;
}

static bool matches_pattern(core_yaml *node, const core_yaml *pattern)
{
	if (!node || pattern->kind != CORE_YAML_MAP)
		return node && core_yaml_equal(node, pattern);
	for (size_t i = 0; i < pattern->n; i++)
		if (!matches_pattern(
			    core_key_find(node, pattern->entry[i].key), pattern->entry[i].value))
			return false;
	return true;
}

static bool is_excluded(struct expansion *e, core_yaml *tree)
{
	for (size_t i = 0; e->exclude && i < e->exclude->n; i++) {
		if (matches_pattern(tree, e->exclude->entry[i].value)) {
			e->n_matched[i]++;
			return true;
		}
	}
	return false;
}

static core_combination *add_combination(struct expansion *e, core_yaml *tree)
{
	core_matrix *out = e->out;
	core_combination *c = &out->combination[out->n];
	c->tree = tree;
	c->value = core_alloc(e->loader->ctx, out->n_axes, sizeof *c->value);
	if (!c->value)
		return NULL;
	out->n++;
	return c;
}

static bool has_axis(const core_matrix *matrix, const char *block, const char *key)
{
	size_t n = strlen(block);
	for (size_t i = 0; i < matrix->n_axes; i++) {
		const char *own = matrix->axis[i].key;
		if (!strncmp(own, block, n) && own[n] == '.' && !strcmp(own + n + 1, key))
			return true;
	}
	return false;
}

/* Returns the label of a block on an axis as other axes and overrides have left it in the tree: `label`, of what is
 * written there, if they change none of its keys. Keys with an axis of their own are named by that. */
static const char *name_block(struct expansion *e, const core_axis *axis, const char *label,
	const core_yaml *written, core_yaml *tree)
{
	core_yaml *now = core_key_find(tree, axis->key);
	if (written->kind != CORE_YAML_MAP || !now || now->kind != CORE_YAML_MAP)
		return label;
	const core_yaml *before = core_yaml_get(written, "name"),
			*name = core_yaml_get(now, "name");
	bool renamed = before && name && !core_yaml_equal(before, name), changed = renamed;
	core_yaml *shown =
		core_yaml_map(e->loader->ctx, written->place, written->origin, written->n);
	for (size_t i = 0; shown && i < written->n; i++) {
		const core_entry *entry = &written->entry[i];
		core_yaml *value = core_key_find(now, entry->key);
		bool kept = value && !has_axis(e->out, axis->key, entry->key) &&
			    (!renamed || !strcmp(entry->key, "name"));
		changed |= !kept || !core_yaml_equal(value, entry->value);
		if (kept)
			core_yaml_add(shown, entry->key, entry->key_place, value);
	}
	if (!shown || !changed)
		return label;
	return shown->n ? core_make_label(e->loader, axis->key, shown) : "";
}

static fv_status cross_axes(struct expansion *e, struct step *step)
{
	core_matrix *out = e->out;
	size_t *digit = core_alloc(e->loader->ctx, out->n_axes, sizeof *digit);
	if (!digit)
		return FV_FAILED;
	for (size_t i = 0; i < out->n_crossed; i++) {
		size_t rest = i;
		for (size_t a = out->n_axes; a-- > 0;) {
			const core_axis *axis = &out->axis[a];
			digit[a] = rest % axis->values->n;
			rest /= axis->values->n;
			step[a] = (struct step){
				axis->key, axis->place, axis->values->entry[digit[a]].value, false};
		}
		core_yaml *tree = build_tree(e, step, out->n_axes);
		if (!tree)
			return FV_FAILED;
		if (is_excluded(e, tree)) {
			out->n_excluded++;
			continue;
		}
		core_combination *c = add_combination(e, tree);
		if (!c)
			return FV_FAILED;
		for (size_t a = 0; a < out->n_axes; a++) {
			const core_axis *axis = &out->axis[a];
			c->value[a] = name_block(e, axis, axis->label[digit[a]],
				axis->values->entry[digit[a]].value, tree);
		}
	}
	return FV_OK;
}

/* The label of an included variant on an axis: that of the equal axis value, or a new one. */
static const char *find_axis_label(
	struct expansion *e, const core_axis *axis, core_yaml *tree, const core_yaml *written)
{
	core_yaml *value = core_key_find(tree, axis->key);
	for (size_t i = 0; i < axis->values->n; i++)
		if (written ? core_yaml_equal(written, axis->values->entry[i].value)
			    : value && core_yaml_equal(value, axis->values->entry[i].value))
			return written ? name_block(e, axis, axis->label[i], written, tree)
				       : axis->label[i];
	if (written)
		return name_block(
			e, axis, core_make_label(e->loader, axis->key, written), written, tree);
	const core_yaml *name = core_yaml_get(value, "name");
	if (name && name->kind == CORE_YAML_SCALAR)
		return core_make_label(e->loader, "name", name);
	return value ? core_make_label(e->loader, axis->key, value) : "";
}

static fv_status include_variant(struct expansion *e, const core_yaml *variant, struct step *step)
{
	for (size_t i = 0; i < variant->n; i++) {
		const core_entry *entry = &variant->entry[i];
		if (!core_key_check(e->loader, entry->key_place, entry->key))
			return FV_CONFIG;
		step[i] = (struct step){entry->key, entry->key_place, entry->value, false};
	}
	core_yaml *tree = build_tree(e, step, variant->n);
	core_combination *c = tree ? add_combination(e, tree) : NULL;
	if (!c)
		return FV_FAILED;
	core_text extra = {0};
	for (size_t a = 0; a < e->out->n_axes; a++)
		c->value[a] = find_axis_label(
			e, &e->out->axis[a], tree, core_yaml_get(variant, e->out->axis[a].key));
	for (size_t i = 0; i < variant->n; i++) {
		bool on_axis = core_key_under(variant->entry[i].key, "tune");
		for (size_t a = 0; a < e->out->n_axes; a++)
			on_axis = on_axis ||
				  core_key_under(e->out->axis[a].key, variant->entry[i].key);
		if (!on_axis)
			core_text_add(&extra, extra.size ? "-%s" : "%s",
				core_make_label(
					e->loader, variant->entry[i].key, variant->entry[i].value));
	}
	c->extra = core_strdup(e->loader->ctx, extra.data ? extra.data : "");
	core_text_free(&extra);
	return c->extra ? FV_OK : FV_FAILED;
}

/* Reports keys in an entry of `exclude` that do not exist in the schema. */
static void check_pattern(core_loader *loader, const char *above, const core_yaml *pattern)
{
	for (size_t i = 0; i < pattern->n; i++) {
		const core_entry *entry = &pattern->entry[i];
		const char *key =
			core_format(loader->ctx, *above ? "%s.%s" : "%s%s", above, entry->key);
		if (!key || !core_key_check(loader, entry->key_place, key))
			return;
		if (entry->value->kind == CORE_YAML_MAP)
			check_pattern(loader, key, entry->value);
		else if (!core_schema_knows(loader->registry, key))
			core_loader_fail(loader, FV_CONFIG, entry->key_place,
				"matrix.exclude: unknown key '%s'", key);
	}
}

static void note_excluded(struct expansion *e)
{
	for (size_t i = 0; e->exclude && i < e->exclude->n; i++) {
		core_place place = e->exclude->entry[i].value->place;
		core_loader_note(e->loader, CORE_NOTE_EXCLUDED, place,
			"%s: exclude drops %zu of %zu combination%s",
			core_place_text(e->loader->ctx, place), e->n_matched[i], e->out->n_crossed,
			core_plural((int64_t)e->out->n_crossed));
	}
}

static size_t count_values(const core_yaml *node)
{
	size_t n = 1;
	for (size_t i = 0; i < node->n; i++)
		n += count_values(node->entry[i].value);
	return n;
}

/* The number of values in the largest item of a list. */
static size_t count_largest_value(const core_yaml *list)
{
	size_t most = 0;
	for (size_t i = 0; list && i < list->n; i++) {
		size_t n = count_values(list->entry[i].value);
		most = n > most ? n : most;
	}
	return most;
}

static fv_status check_size(struct expansion *e)
{
	const core_matrix *out = e->out;
	size_t variants = out->n_crossed + (e->include ? e->include->n : 0);
	size_t values = count_values(e->base) + count_largest_value(e->include);
	for (size_t i = 0; i < out->n_axes; i++)
		values += count_largest_value(out->axis[i].values);
	for (size_t i = 0; i < e->n_overrides; i++)
		values += count_largest_value(e->override[i].values);
	if (variants == 1 || values <= VALUES_MAX / variants)
		return FV_OK;
	return core_loader_fail(e->loader, FV_CONFIG, e->base->place,
		"%zu variants of up to %zu values each are too many", variants, values);
}

/* Reads the axes, checks the limits, and allocates the steps and combinations. */
static fv_status prepare_expansion(struct expansion *e, const core_yaml *matrix, struct step **step)
{
	core_matrix *out = e->out;
	size_t steps = (matrix ? matrix->n : 0) + 2 * e->n_overrides;
	out->axis = core_alloc(e->loader->ctx, steps, sizeof *out->axis);
	if (!out->axis)
		return FV_FAILED;
	read_matrix(e, matrix);
	for (size_t i = 0; i < e->n_overrides; i++)
		override_axes(e->loader, &e->override[i], out);
	out->n_crossed = 1;
	for (size_t i = 0; i < out->n_axes; i++) {
		if (out->axis[i].values->n > COMBINATIONS_MAX / out->n_crossed)
			return core_loader_fail(e->loader, FV_CONFIG, out->axis[i].place,
				"the matrix makes more than %d combinations", COMBINATIONS_MAX);
		out->n_crossed *= out->axis[i].values->n;
		if (!core_axis_label(e->loader, &out->axis[i]))
			return FV_FAILED;
	}
	size_t most = 0, variants = e->include ? e->include->n : 0;
	for (size_t i = 0; i < variants; i++)
		if (e->include->entry[i].value->n > most)
			most = e->include->entry[i].value->n;
	fv_status status = check_size(e);
	if (status)
		return status;
	*step = core_alloc(e->loader->ctx, steps + most, sizeof **step);
	out->combination =
		core_alloc(e->loader->ctx, out->n_crossed + variants, sizeof *out->combination);
	e->n_matched =
		core_alloc(e->loader->ctx, e->exclude ? e->exclude->n : 0, sizeof *e->n_matched);
	return *step && out->combination && e->n_matched ? FV_OK : FV_FAILED;
}

static core_yaml *copy_without_matrix(core_loader *loader, const core_yaml *root)
{
	core_yaml *out = core_yaml_map(loader->ctx, root->place, root->origin, root->n);
	for (size_t i = 0; out && i < root->n; i++)
		if (strcmp(root->entry[i].key, "matrix") != 0)
			core_yaml_add(out, root->entry[i].key, root->entry[i].key_place,
				root->entry[i].value);
	return out;
}

fv_status core_matrix_expand(core_loader *loader, core_yaml *root, const core_override *override,
	size_t n_overrides, core_matrix *out)
{
	struct step *step = NULL;
	*out = (core_matrix){0};
	struct expansion e = {.loader = loader,
		.base = copy_without_matrix(loader, root),
		.override = override,
		.n_overrides = n_overrides,
		.out = out};
	if (!e.base)
		return FV_FAILED;
	const core_yaml *matrix = core_yaml_get(root, "matrix");
	for (size_t i = 0; i < n_overrides; i++)
		if (!strcmp(override[i].key, "matrix"))
			matrix = override[i].values->entry[0].value;
	fv_status status = prepare_expansion(&e, matrix, &step);
	for (size_t i = 0; e.exclude && i < e.exclude->n; i++)
		check_pattern(loader, "", e.exclude->entry[i].value);
	if (!status && loader->n_failed)
		status = loader->status;
	if (!status)
		status = cross_axes(&e, step);
	for (size_t i = 0; !status && e.include && i < e.include->n; i++)
		status = include_variant(&e, e.include->entry[i].value, step);
	if (status)
		return status;
	note_excluded(&e);
	if (out->n == 0)
		return core_loader_fail(
			loader, FV_CONFIG, matrix->place, "matrix.exclude leaves no variant");
	return FV_OK;
}
