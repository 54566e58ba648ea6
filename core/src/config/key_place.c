/* SPDX-License-Identifier: Apache-2.0 */
/* Finds where a key of a resolved block is written, for faults that are found after the YAML was
 * checked. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config/yaml.h"

/* The entry whose key `path` starts with, as a whole part or several. */
static const core_entry *find_part(const core_yaml *map, const char *path)
{
	for (size_t i = 0; map->kind == CORE_YAML_MAP && i < map->n; i++) {
		size_t n = strlen(map->entry[i].key);
		if (!strncmp(map->entry[i].key, path, n) && (path[n] == '.' || !path[n]))
			return &map->entry[i];
	}
	return NULL;
}

static bool is_text(const core_yaml *node, const char *text)
{
	return node->kind == CORE_YAML_SCALAR && !strcmp(node->text, text);
}

/* Where a name in a map, or an item of a list, is written; file NULL: nowhere. */
static core_place find_item_place(const core_yaml *node, const char *item)
{
	const core_entry *named = core_yaml_entry(node, item);
	if (named)
		return named->key_place;
	for (size_t i = 0; node->kind == CORE_YAML_LIST && i < node->n; i++)
		if (is_text(node->entry[i].value, item))
			return node->entry[i].value->place;
	return (core_place){0};
}

core_place core_key_place(core_key_ref ref)
{
	const core_yaml *node = ref.block;
	const char *path = ref.key;
	core_place item = {0};
	if (!node)
		return item;
	core_place place = node->place;
	while (*path) {
		const core_entry *entry = find_part(node, path);
		if (!entry || !entry->value->place.file)
			return place;
		node = entry->value;
		place = node->place;
		path += strlen(entry->key);
		path += *path == '.';
	}
	if (ref.item)
		item = find_item_place(node, ref.item);
	return item.file ? item : place;
}

fv_status core_fail_key(fv_ctx *ctx, fv_status status, core_key_ref ref, const char *format, ...)
{
	char text[1536];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	return core_fail_place(ctx, status, core_key_place(ref), "%s", text);
}

void core_warn_key(fv_ctx *ctx, core_key_ref ref, const char *format, ...)
{
	char text[1536];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	core_place place = core_key_place(ref);
	if (place.file)
		fv_warn(ctx, "%s: %s", core_place_text(ctx, place), text);
	else
		fv_warn(ctx, "%s", text);
}
