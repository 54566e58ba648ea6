/* SPDX-License-Identifier: Apache-2.0 */
/* Makes, searches and compares YAML trees. */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "config/yaml.h"

const char *core_place_text(fv_ctx *ctx, core_place place)
{
	if (!place.file)
		return "default";
	if (place.line == 0)
		return place.file;
	const char *text = core_format(ctx, "%s:%d:%d", place.file, place.line, place.column);
	return text ? text : place.file;
}

fv_status core_fail_place(fv_ctx *ctx, fv_status status, core_place place, const char *format, ...)
{
	va_list args;
	char text[1536];
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (!place.file)
		return fv_fail(ctx, status, "%s", text);
	if (place.line == 0)
		return fv_fail(ctx, status, "%s: %s", place.file, text);
	return core_fail_at(ctx, status, place.file, place.line, place.column, "%s", text);
}

core_yaml *core_yaml_scalar(fv_ctx *ctx, core_place place, core_origin origin, const char *text)
{
	core_yaml *node = core_alloc(ctx, 1, sizeof *node);
	if (!node)
		return NULL;
	*node = (core_yaml){.kind = CORE_YAML_SCALAR,
		.origin = origin,
		.plain = true,
		.place = place,
		.text = text};
	return node;
}

core_yaml *core_yaml_map(fv_ctx *ctx, core_place place, core_origin origin, size_t capacity)
{
	core_yaml *node = core_alloc(ctx, 1, sizeof *node);
	core_entry *entry = core_alloc(ctx, capacity, sizeof *entry);
	if (!node || !entry)
		return NULL;
	*node = (core_yaml){
		.kind = CORE_YAML_MAP, .origin = origin, .place = place, .entry = entry};
	return node;
}

void core_yaml_add(core_yaml *node, const char *key, core_place key_place, core_yaml *value)
{
	node->entry[node->n++] = (core_entry){key, key_place, value};
}

core_yaml *core_yaml_copy_without(fv_ctx *ctx, const core_yaml *map, const char *key)
{
	core_yaml *out = core_yaml_map(ctx, map->place, map->origin, map->n);
	for (size_t i = 0; out && i < map->n; i++)
		if (strcmp(map->entry[i].key, key) != 0)
			core_yaml_add(out, map->entry[i].key, map->entry[i].key_place,
				map->entry[i].value);
	return out;
}

void core_yaml_set_place(core_yaml *node, core_place place)
{
	node->place = place;
	for (size_t i = 0; i < node->n; i++) {
		node->entry[i].key_place = place;
		core_yaml_set_place(node->entry[i].value, place);
	}
}

const core_entry *core_yaml_entry(const core_yaml *map, const char *key)
{
	if (!map || map->kind != CORE_YAML_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i++)
		if (!strcmp(map->entry[i].key, key))
			return &map->entry[i];
	return NULL;
}

core_yaml *core_yaml_get(const core_yaml *map, const char *key)
{
	const core_entry *entry = core_yaml_entry(map, key);
	return entry ? entry->value : NULL;
}

bool core_yaml_is_null(const core_yaml *node)
{
	if (!node || node->kind != CORE_YAML_SCALAR || !node->plain)
		return false;
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (!strcmp(node->text, words[i]))
			return true;
	return false;
}

bool core_yaml_is_word(const core_yaml *node, const char *word)
{
	return node && node->kind == CORE_YAML_SCALAR && node->plain && !strcmp(node->text, word);
}

static bool are_scalars_equal(const core_yaml *a, const core_yaml *b)
{
	double x, y;
	if (a->plain && b->plain && core_parse_double(a->text, &x) &&
		core_parse_double(b->text, &y))
		return x == y;
	return !strcmp(a->text, b->text);
}

bool core_yaml_equal(const core_yaml *a, const core_yaml *b)
{
	if (a == b)
		return true;
	if (a->kind != b->kind || a->n != b->n)
		return false;
	if (a->kind == CORE_YAML_SCALAR)
		return are_scalars_equal(a, b);
	for (size_t i = 0; i < a->n; i++) {
		const core_entry *x = &a->entry[i];
		core_yaml *y = x->key ? core_yaml_get(b, x->key) : b->entry[i].value;
		if (!y || !core_yaml_equal(x->value, y))
			return false;
	}
	return true;
}
