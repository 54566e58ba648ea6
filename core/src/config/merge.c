/* SPDX-License-Identifier: Apache-2.0 */
/* Merges one tree into another. Maps merge key by key; everything else is replaced. A block that
 * names another plugin than the base's block (or is a product where the base is not) replaces it as
 * a whole, because the base's other keys were meant for the other plugin. Only the profile is kept,
 * because it is chosen for all methods at once. The label files by split, a set of bins and the
 * majority of a bias count as one value, not as a block. A list of folds over {by: ...} chooses among
 * the folds. */
#include <stdio.h>
#include <string.h>

#include "config/loader.h"

#define KEY_BYTES 512
#define KEY_PARTS_MAX 16

static const char *find_name(const core_yaml *block)
{
	const core_yaml *name = core_yaml_get(block, "name");
	if (core_yaml_get(block, "product"))
		return "product";
	return name && name->kind == CORE_YAML_SCALAR ? name->text : NULL;
}

static core_place find_name_place(const core_yaml *block)
{
	const core_yaml *name = core_yaml_get(block, "name");
	return name ? name->place : block->place;
}

static void join_key(char out[KEY_BYTES], const char *path, const char *key)
{
	snprintf(out, KEY_BYTES, *path ? "%s.%s" : "%s%s", path, key);
}

static void note_dropped_value(core_loader *loader, const char *key, core_place place,
	const core_yaml *dropped, const char *why)
{
	core_text value = {0};
	core_yaml_write_flow(dropped, &value);
	core_loader_note(loader, CORE_NOTE_DROPPED, place, "%s: dropped %s: %s, %s",
		core_place_text(loader->ctx, place), key, value.data ? value.data : "", why);
	core_text_free(&value);
}

/* Notes each key of a block with its own place. */
static void note_dropped(
	core_loader *loader, const char *path, const core_entry *entry, const char *why)
{
	char key[KEY_BYTES];
	join_key(key, path, entry->key);
	if (entry->value->kind == CORE_YAML_MAP && entry->value->n) {
		for (size_t i = 0; i < entry->value->n; i++)
			note_dropped(loader, key, &entry->value->entry[i], why);
		return;
	}
	note_dropped_value(loader, key, entry->key_place, entry->value, why);
}

/* Replaces `base` by `over`; `kept` names the only key of the base that is kept. */
static core_yaml *replace_block(
	core_loader *loader, const char *path, core_yaml *base, core_yaml *over, const char *kept)
{
	const char *name = find_name(over), *place;
	place = core_place_text(loader->ctx, name ? find_name_place(over) : over->place);
	const char *why = name ? core_format(loader->ctx, "%s is now '%s' (%s)", path, name, place)
			       : core_format(loader->ctx, "%s is replaced (%s)", path, place);
	if (over->kind != CORE_YAML_MAP && why) { /* `none`, or a value that the check refuses */
		note_dropped_value(loader, path, base->place, base, why);
		return over;
	}
	const core_entry *survivor =
		kept && !core_yaml_entry(over, kept) ? core_yaml_entry(base, kept) : NULL;
	for (size_t i = 0; i < base->n && why; i++) {
		const core_entry *entry = &base->entry[i];
		if (entry != survivor && strcmp(entry->key, "name") &&
			!(kept && !strcmp(entry->key, kept)))
			note_dropped(loader, path, entry, why);
	}
	if (!survivor)
		return over;
	core_yaml *out = core_yaml_map(loader->ctx, over->place, over->origin, over->n + 1);
	if (!out)
		return NULL;
	for (size_t i = 0; i < over->n; i++)
		core_yaml_add(
			out, over->entry[i].key, over->entry[i].key_place, over->entry[i].value);
	core_yaml_add(out, survivor->key, survivor->key_place, survivor->value);
	return out;
}

static bool is_one_value(const char *path)
{
	static const char bins[] = "corpus.bins.";
	return !strncmp(path, bins, sizeof bins - 1) || !strcmp(path, "corpus.labels") ||
	       !strcmp(path, "bias.majority");
}

static core_yaml *merge_maps(
	core_loader *loader, const char *path, core_yaml *base, core_yaml *over)
{
	core_yaml *out = core_yaml_map(loader->ctx, over->place, over->origin, base->n + over->n);
	if (!out)
		return NULL;
	out->by_path = base->by_path && over->by_path;
	for (size_t i = 0; i < base->n; i++) {
		const core_entry *entry = &base->entry[i], *its = core_yaml_entry(over, entry->key);
		core_yaml *value = entry->value;
		if (its) {
			char key[KEY_BYTES];
			join_key(key, path, entry->key);
			value = core_merge(loader, key, entry->value, its->value);
			if (!value)
				return NULL;
		}
		core_yaml_add(out, entry->key, its ? its->key_place : entry->key_place, value);
	}
	for (size_t i = 0; i < over->n; i++) {
		const core_entry *entry = &over->entry[i];
		if (!core_yaml_entry(base, entry->key))
			core_yaml_add(out, entry->key, entry->key_place, entry->value);
	}
	return out;
}

core_yaml *core_merge(core_loader *loader, const char *path, core_yaml *base, core_yaml *over)
{
	if (!base || base->kind != CORE_YAML_MAP)
		return over;
	if (over->kind != CORE_YAML_MAP && !strcmp(path, "corpus.folds")) {
		over = core_key_tree(loader, "use", over->place, over);
		return over ? merge_maps(loader, path, base, over) : NULL;
	}
	if (over->kind != CORE_YAML_MAP)
		return replace_block(loader, path, base, over, NULL);
	const char *old = find_name(base), *new = find_name(over);
	if (old && new &&strcmp(old, new))
		return replace_block(
			loader, path, base, over, strcmp(path, "loss") ? NULL : "profile");
	if (is_one_value(path) && !over->by_path)
		return replace_block(loader, path, base, over, NULL);
	return merge_maps(loader, path, base, over);
}

core_yaml *core_key_tree(
	core_loader *loader, const char *key, core_place key_place, core_yaml *value)
{
	size_t n = strcspn(key, ".");
	core_yaml *map = core_yaml_map(loader->ctx, key_place, value->origin, 1);
	const char *head = core_strndup(loader->ctx, key, n);
	if (!map || !head)
		return NULL;
	map->by_path = true;
	core_yaml *inner = key[n] ? core_key_tree(loader, key + n + 1, key_place, value) : value;
	if (!inner)
		return NULL;
	core_yaml_add(map, head, key_place, inner);
	return map;
}

bool core_key_check(core_loader *loader, core_place place, const char *key)
{
	int parts = 1;
	for (const char *p = key;; p++) {
		if ((*p == '.' || !*p) && (p == key || p[-1] == '.')) {
			core_loader_fail(loader, FV_CONFIG, place, "'%s' is not a key", key);
			return false;
		}
		if (!*p)
			break;
		parts += *p == '.';
	}
	if (parts > KEY_PARTS_MAX)
		core_loader_fail(loader, FV_CONFIG, place,
			"a key of %d parts: at most %d are allowed", parts, KEY_PARTS_MAX);
	return parts <= KEY_PARTS_MAX;
}

int core_key_rank(const char *key)
{
	int depth = 1;
	const char *last = key;
	for (const char *p = key; *p; p++) {
		if (*p == '.') {
			depth++;
			last = p + 1;
		}
	}
	return 2 * depth - (strcmp(last, "name") ? 0 : 1);
}

core_yaml *core_key_find(core_yaml *root, const char *key)
{
	while (root && *key) {
		char head[KEY_BYTES];
		size_t n = strcspn(key, ".");
		if (n >= sizeof head)
			return NULL;
		memcpy(head, key, n);
		head[n] = '\0';
		root = core_yaml_get(root, head);
		key += key[n] ? n + 1 : n;
	}
	return root;
}

bool core_key_under(const char *key, const char *block)
{
	size_t n = strlen(block);
	return !strncmp(key, block, n) && (key[n] == '\0' || key[n] == '.');
}
