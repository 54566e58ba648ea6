/* SPDX-License-Identifier: Apache-2.0 */
#include "config/tune.h"

#include <string.h>

#include "base/nearest.h"
#include "base/number.h"

#define TRIALS_MAX 1024

/* What a trial can be chosen by. */
static const char *const values[] = {"dev_loss", "dev_objective", "dev_worst_group", "dev_tpr_gap",
	"dev_f1", "dev_uar", "dev_acc"};
#define N_VALUES (sizeof values / sizeof *values)

static bool refuse_block(core_loader *loader, core_place place, const char *words)
{
	core_loader_fail(loader, FV_CONFIG, place, "%s", words);
	return false;
}

/* Reads `by`; its default is dev_loss. */
static bool read_by(core_loader *loader, core_tuning *t)
{
	const core_yaml *by = core_yaml_get(t->block, "by");
	t->by = "dev_loss";
	if (!by)
		return true;
	for (size_t i = 0; i < N_VALUES; i++)
		if (core_yaml_is_word(by, values[i])) {
			t->by = values[i];
			return true;
		}
	core_loader_fail(loader, FV_CONFIG, by->place,
		"tune.by: '%s' is not one of dev_loss, dev_objective, dev_worst_group, "
		"dev_tpr_gap, dev_f1, dev_uar, dev_acc%s",
		by->kind == CORE_YAML_SCALAR ? by->text : "",
		by->kind == CORE_YAML_SCALAR
			? core_suggest_name(loader->ctx, by->text, values, N_VALUES)
			: "");
	return false;
}

/* Says why a key cannot be tuned; NULL: it can. */
static const char *find_objection(const core_matrix *matrix, const char *key)
{
	static const char *const blocks[] = {"corpus", "bias", "eval"};
	for (size_t i = 0; i < matrix->n_axes; i++)
		if (core_key_under(matrix->axis[i].key, key) ||
			core_key_under(key, matrix->axis[i].key))
			return "is also an axis of the matrix";
	if (!strcmp(key, "train.seed"))
		return "makes runs inside each trial, whose mean counts";
	for (size_t i = 0; i < 3; i++)
		if (core_key_under(key, blocks[i]))
			return "changes the data or how they are judged, and trials must share "
			       "both";
	if (core_key_under(key, "slurm"))
		return "says where runs are computed, not how";
	if (!strcmp(key, "train.select"))
		return "changes by what each trial keeps its epoch";
	return NULL;
}

static bool add_axis(core_loader *loader, const core_matrix *matrix, const char *key,
	const core_entry *entry, core_tuning *t)
{
	core_yaml *list = entry->value;
	const char *objection = find_objection(matrix, key);
	if (objection) {
		core_loader_fail(
			loader, FV_CONFIG, entry->key_place, "tune.axes: %s %s", key, objection);
		return false;
	}
	if (list->kind != CORE_YAML_LIST || !list->n) {
		core_loader_fail(loader, FV_CONFIG, list->place,
			"tune.axes: '%s' needs a list of at least one value", key);
		return false;
	}
	size_t at = 0; /* an override replaces the axis of the file */
	while (at < t->n_axes && strcmp(t->axis[at].key, key) != 0)
		at++;
	t->n_axes += at == t->n_axes;
	t->axis[at] = (core_axis){.key = key, .place = entry->key_place, .values = list};
	return true;
}

static size_t count_leaves(const core_yaml *node)
{
	size_t n = node->kind != CORE_YAML_MAP;
	for (size_t i = 0; node->kind == CORE_YAML_MAP && i < node->n; i++)
		n += count_leaves(node->entry[i].value);
	return n;
}

/* Reads {train.learning_rate: [..]} and {train: {learning_rate: [..]}} alike. */
static bool read_axes(core_loader *loader, const core_matrix *matrix, const char *above,
	const core_yaml *map, core_tuning *t)
{
	bool good = true;
	for (size_t i = 0; i < map->n; i++) {
		const core_entry *entry = &map->entry[i];
		const char *key =
			core_format(loader->ctx, *above ? "%s.%s" : "%s%s", above, entry->key);
		if (!key || !core_key_check(loader, entry->key_place, key))
			return false;
		if (entry->value->kind == CORE_YAML_MAP)
			good = read_axes(loader, matrix, key, entry->value, t) && good;
		else
			good = add_axis(loader, matrix, key, entry, t) && good;
	}
	return good;
}

static bool check_keys(core_loader *loader, const core_yaml *block)
{
	static const char *const keys[] = {"axes", "by"};
	for (size_t i = 0; i < block->n; i++) {
		const core_entry *entry = &block->entry[i];
		if (!strcmp(entry->key, keys[0]) || !strcmp(entry->key, keys[1]))
			continue;
		core_loader_fail(loader, FV_CONFIG, entry->key_place, "unknown key '%s' in tune%s",
			entry->key, core_suggest_name(loader->ctx, entry->key, keys, 2));
		return false;
	}
	return true;
}

static bool count_trials(core_loader *loader, core_tuning *t)
{
	t->n = 1;
	for (size_t i = 0; i < t->n_axes; i++) {
		if (t->axis[i].values->n > TRIALS_MAX / t->n) {
			core_loader_fail(loader, FV_CONFIG, t->axis[i].place,
				"tune.axes: more than %d trials of one variant", TRIALS_MAX);
			return false;
		}
		t->n *= t->axis[i].values->n;
		if (!core_axis_label(loader, &t->axis[i]))
			return false;
	}
	return true;
}

bool core_tuning_read(
	core_loader *loader, const core_matrix *matrix, core_yaml *tree, core_tuning *out)
{
	*out = (core_tuning){.block = core_yaml_get(tree, "tune")};
	if (!out->block || core_yaml_is_word(out->block, "none"))
		return true;
	if (out->block->kind != CORE_YAML_MAP)
		return refuse_block(loader, out->block->place,
			"tune: a block with axes and by is needed, or none");
	const core_yaml *axes = core_yaml_get(out->block, "axes");
	if (!axes || axes->kind != CORE_YAML_MAP || !axes->n)
		return refuse_block(loader, axes ? axes->place : out->block->place,
			"tune.axes: a map of keys and lists is needed, such as "
			"{train.learning_rate: [1e-4, 1e-3]}");
	out->axis = core_alloc(loader->ctx, count_leaves(axes), sizeof *out->axis);
	return out->axis && check_keys(loader, out->block) && read_by(loader, out) &&
	       read_axes(loader, matrix, "", axes, out) && count_trials(loader, out);
}

/* The axes in the order in which they are applied: a block before its name before its other keys. */
static void sort_by_rank(const core_tuning *t, size_t *order)
{
	for (size_t i = 0; i < t->n_axes; i++) {
		size_t at = i;
		for (; at &&
			core_key_rank(t->axis[order[at - 1]].key) > core_key_rank(t->axis[i].key);
			at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
}

/* Returns the index of a trial's value on an axis; the last axis runs fastest. */
static size_t find_digit(const core_tuning *t, size_t trial, size_t axis)
{
	for (size_t i = t->n_axes; --i > axis;)
		trial /= t->axis[i].values->n;
	return trial % t->axis[axis].values->n;
}

core_yaml *core_tuning_make_trial(core_loader *loader, const core_tuning *t, core_yaml *tree,
	size_t trial, const char **value)
{
	size_t *order = core_alloc(loader->ctx, t->n_axes + 1, sizeof *order);
	core_yaml *out = core_yaml_copy_without(loader->ctx, tree, "tune");
	if (!order)
		return NULL;
	sort_by_rank(t, order);
	for (size_t i = 0; i < t->n_axes && out; i++) {
		const core_axis *axis = &t->axis[order[i]];
		size_t digit = find_digit(t, trial, order[i]);
		core_yaml *over = core_key_tree(
			loader, axis->key, axis->place, axis->values->entry[digit].value);
		out = over ? core_merge(loader, "", out, over) : NULL;
		value[order[i]] = axis->label[digit];
	}
	return out;
}

/* Returns the first axis that changes what the value of the trials means; NULL: none. */
static const core_axis *find_scale_axis(const core_tuning *t)
{
	static const char *const scales[] = {
		"train.class_weights", "train.base_loss", "train.focal_gamma"};
	bool loss = !strcmp(t->by, "dev_loss") || !strcmp(t->by, "dev_worst_group");
	bool objective = !strcmp(t->by, "dev_objective");
	for (size_t i = 0; i < t->n_axes && (loss || objective); i++) {
		const char *key = t->axis[i].key;
		for (size_t k = 0; k < 3; k++)
			if (core_key_under(scales[k], key))
				return &t->axis[i];
		if (objective && (core_key_under(key, "loss") || core_key_under(key, "grouper")))
			return &t->axis[i];
	}
	return NULL;
}

bool core_tuning_check_trial(core_loader *loader, const core_tuning *t, const core_yaml *resolved)
{
	const core_yaml *by = core_yaml_get(t->block, "by");
	core_place place = by ? by->place : t->block->place;
	const core_yaml *select = core_yaml_get(core_yaml_get(resolved, "train"), "select");
	const core_axis *axis = find_scale_axis(t);
	if (axis) {
		core_loader_fail(loader, FV_CONFIG, axis->place,
			"tune.axes: %s changes what %s measures, so trials cannot be compared by "
			"it: use tune.by: dev_f1",
			axis->key, t->by);
		return false;
	}
	bool recorded = !strcmp(t->by, "dev_worst_group") || !strcmp(t->by, "dev_tpr_gap");
	if (!recorded || !select || !strcmp(select->text, t->by))
		return true;
	core_loader_fail(loader, FV_CONFIG, place,
		"tune.by: %s is computed only with train.select: %s, not with %s", t->by, t->by,
		select->text);
	return false;
}

/* The value of an axis as it was checked, or as written where the trial has no such key. */
static core_yaml *find_checked(
	core_loader *loader, const core_axis *axis, size_t digit, const core_yaml *resolved)
{
	double number;
	core_yaml *written = axis->values->entry[digit].value;
	core_yaml *checked = core_key_find((core_yaml *)resolved, axis->key);
	if (checked || written->kind != CORE_YAML_SCALAR)
		return checked ? checked : written;
	core_yaml *copy =
		core_yaml_scalar(loader->ctx, written->place, written->origin, written->text);
	if (copy && written->plain && core_parse_double(written->text, &number))
		copy->value = CORE_VALUE_NUMBER;
	return copy;
}

static core_yaml *make_axes(
	core_loader *loader, const core_tuning *t, const core_yaml *const *trial)
{
	core_place place = t->block->place;
	core_yaml *axes = core_yaml_map(loader->ctx, place, t->block->origin, t->n_axes);
	for (size_t i = 0; i < t->n_axes && axes; i++) {
		const core_axis *axis = &t->axis[i];
		core_yaml *list =
			core_yaml_map(loader->ctx, place, axis->values->origin, axis->values->n);
		for (size_t k = 0; k < t->n && list; k++) {
			size_t digit = find_digit(t, k, i);
			if (digit != list->n)
				continue;
			core_yaml *value = find_checked(loader, axis, digit, trial[k]);
			if (!value)
				return NULL;
			core_yaml_add(list, NULL, value->place, value);
		}
		if (!list)
			return NULL;
		list->kind = CORE_YAML_LIST;
		core_yaml_add(axes, axis->key, axis->place, list);
	}
	return axes;
}

core_yaml *core_tuning_make_tree(
	core_loader *loader, const core_tuning *t, const core_yaml *const *trial)
{
	fv_ctx *ctx = loader->ctx;
	core_place place = t->block->place;
	core_yaml *out = core_yaml_map(ctx, trial[0]->place, trial[0]->origin, trial[0]->n + 1);
	core_yaml *block = core_yaml_map(ctx, place, t->block->origin, 2);
	core_yaml *axes = make_axes(loader, t, trial);
	core_yaml *by = core_yaml_scalar(ctx, place, t->block->origin, t->by);
	if (!out || !block || !axes || !by)
		return NULL;
	for (size_t i = 0; i < trial[0]->n; i++)
		core_yaml_add(out, trial[0]->entry[i].key, trial[0]->entry[i].key_place,
			trial[0]->entry[i].value);
	core_yaml_add(block, "axes", place, axes);
	core_yaml_add(block, "by", place, by);
	core_yaml_add(out, "tune", place, block);
	return out;
}

const char *core_tuning_axes_json(core_loader *loader, const core_tuning *t,
	core_combination *trial, const core_yaml *resolved)
{
	const core_matrix axes = {.n_axes = t->n_axes, .axis = t->axis};
	return core_axes_json(loader, &axes, trial, resolved);
}
