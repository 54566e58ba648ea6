/* SPDX-License-Identifier: Apache-2.0 */
/* Checks values that are maps, and lists of files. */
#include <string.h>

#include "base/number.h"
#include "config/check_private.h"

/* [low, high] */
static core_yaml *check_bin(core_check *c, const core_yaml *node)
{
	if (node->kind != CORE_YAML_LIST || node->n != 2) {
		REFUSE(c, node, "%s: write a bin as [low, high]", c->path);
		return NULL;
	}
	core_yaml *out = core_check_list(c, node, false, core_check_real);
	double low, high;
	if (!out || !core_parse_double(out->entry[0].value->text, &low) ||
		!core_parse_double(out->entry[1].value->text, &high))
		return NULL;
	if (low <= high)
		return out;
	REFUSE(c, node, "%s: %s is above %s", c->path, out->entry[0].value->text,
		out->entry[1].value->text);
	return NULL;
}

/* Checks every value of a map with `item`. */
static core_yaml *check_map(
	core_check *c, const core_yaml *node, const char *want, core_check_item *item)
{
	if (node->kind != CORE_YAML_MAP || node->n == 0) {
		REFUSE(c, node, "%s: a map is needed: %s", c->path, want);
		return NULL;
	}
	core_yaml *out = core_check_make_list(c, node, CORE_YAML_MAP, node->n);
	bool good = out != NULL;
	for (size_t i = 0; i < node->n && out; i++) {
		const core_entry *entry = &node->entry[i];
		core_check inner = *c;
		inner.path = core_format(c->loader->ctx, "%s.%s", c->path, entry->key);
		core_yaml *value = inner.path ? item(&inner, entry->value) : NULL;
		if (value)
			core_yaml_add(out, entry->key, entry->key_place, value);
		else
			good = false;
	}
	return good ? out : NULL;
}

static double read_bound(const core_yaml *bin, size_t i)
{
	double value = 0;
	(void)core_parse_double(bin->entry[i].value->text, &value);
	return value;
}

/* {Name: [low, high], ...}. Bins must not overlap, so that a value falls into at most one. */
static core_yaml *check_bins(core_check *c, const core_yaml *node)
{
	core_yaml *out = check_map(c, node, "{Name: [low, high]}", check_bin);
	for (size_t i = 0; out && i < out->n; i++) {
		const core_yaml *a = out->entry[i].value;
		for (size_t j = 0; j < i; j++) {
			const core_yaml *b = out->entry[j].value;
			if (read_bound(a, 0) > read_bound(b, 1) ||
				read_bound(b, 0) > read_bound(a, 1))
				continue;
			REFUSE(c, a, "%s: '%s' overlaps '%s': both ends of a bin are included",
				c->path, out->entry[i].key, out->entry[j].key);
			return NULL;
		}
	}
	return out;
}

static core_yaml *check_texts(core_check *c, const core_yaml *node)
{
	return core_check_filled_list(c, node, false, core_check_text);
}

/* A path or a list of paths; a list of one is its path. */
static core_yaml *check_paths(core_check *c, const core_yaml *node)
{
	if (node->kind != CORE_YAML_LIST)
		return core_check_path(c, node);
	core_yaml *out = core_check_filled_list(c, node, true, core_check_path);
	return out && out->n == 1 ? out->entry[0].value : out;
}

core_yaml *core_check_files(core_check *c, const core_yaml *node)
{
	return node->kind == CORE_YAML_MAP
		       ? check_map(c, node, "{train: path, dev: path, test: path}", check_paths)
		       : check_paths(c, node);
}

/* A text, or null without quotes. */
static core_yaml *check_text_or_null(core_check *c, const core_yaml *node)
{
	if (!core_yaml_is_null(node))
		return core_check_text(c, node);
	core_yaml *out = core_yaml_scalar(c->loader->ctx, node->place, node->origin, "null");
	if (out) {
		out->plain = true;
		out->value = CORE_VALUE_NUMBER; /* written without quotes */
	}
	return out;
}

/* A column, or a list of columns to join; a list of one is its column. */
static core_yaml *check_columns(core_check *c, const core_yaml *node)
{
	if (node->kind != CORE_YAML_LIST)
		return core_check_text(c, node);
	core_yaml *out = core_check_filled_list(c, node, true, core_check_text);
	return out && out->n == 1 ? out->entry[0].value : out;
}

static bool is_number(const core_yaml *node)
{
	double value;
	return node->kind == CORE_YAML_SCALAR && node->plain &&
	       core_parse_double(node->text, &value);
}

/* [low, high] of two numbers without quotes, or a list of values. */
static core_yaml *check_range_or_values(core_check *c, const core_yaml *node)
{
	bool range = node->kind == CORE_YAML_LIST && node->n == 2 &&
		     is_number(node->entry[0].value) && is_number(node->entry[1].value);
	return range ? check_bin(c, node) : core_check_filled_list(c, node, true, core_check_text);
}

core_yaml *core_check_any_map(core_check *c, const core_yaml *node)
{
	switch (c->key->type) {
	case CORE_KEY_NULL_MAP:
		return check_map(c, node, "{name: text}", check_text_or_null);
	case CORE_KEY_COLUMNS:
		return check_map(c, node, "{name: column}", check_columns);
	case CORE_KEY_RANGES:
		return check_map(c, node, "{column: [low, high]} or {column: [value, ...]}",
			check_range_or_values);
	case CORE_KEY_BINS:
		return check_map(c, node, "{attribute: {Name: [low, high]}}", check_bins);
	case CORE_KEY_VALUES:
		return check_map(c, node, "{attribute: [value, ...]}", check_texts);
	default:
		return check_map(c, node, "{name: text}", core_check_text);
	}
}
