/* SPDX-License-Identifier: Apache-2.0 */
/* The long spelling of eval.attributes: an item {age: {numeric: true}} is moved to eval.numeric. */
#include <string.h>

#include "config/resolve.h"

static bool refuse_item(core_resolver *r, const core_yaml *item)
{
	core_loader_fail(r->loader, FV_CONFIG, item->place,
		"eval.attributes: an attribute is a name, or {NAME: {numeric: true}} for one that "
		"is a number");
	return false;
}

/* Returns the entry {numeric: true} of an item; NULL: it is something else. */
static const core_entry *find_numeric(const core_yaml *item)
{
	const core_entry *named = item->n == 1 ? &item->entry[0] : NULL;
	if (item->kind != CORE_YAML_MAP || !named || named->value->kind != CORE_YAML_MAP ||
		named->value->n != 1 || strcmp(named->value->entry[0].key, "numeric") != 0 ||
		!core_yaml_is_word(named->value->entry[0].value, "true"))
		return NULL;
	return named;
}

static core_yaml *make_list(core_resolver *r, const core_yaml *from, size_t room)
{
	core_yaml *list = core_yaml_map(r->loader->ctx, from->place, from->origin, room);
	if (list)
		list->kind = CORE_YAML_LIST;
	return list;
}

/* Moves every item to one of the lists. */
static bool share_items(
	core_resolver *r, const core_yaml *attributes, core_yaml *names, core_yaml *numeric)
{
	bool good = true;
	for (size_t i = 0; i < attributes->n; i++) {
		core_yaml *item = attributes->entry[i].value;
		const core_entry *number = find_numeric(item);
		if (item->kind == CORE_YAML_SCALAR) {
			core_yaml_add(names, NULL, item->place, item);
		} else if (number) {
			core_yaml *name = core_yaml_scalar(
				r->loader->ctx, number->key_place, item->origin, number->key);
			good = good && name;
			if (name)
				core_yaml_add(numeric, NULL, number->key_place, name);
		} else {
			good = refuse_item(r, item);
		}
	}
	return good;
}

core_yaml *core_eval_to_short_form(core_resolver *r, core_yaml *node)
{
	const core_entry *attributes = core_yaml_entry(node, "attributes");
	const core_yaml *written = core_yaml_get(node, "numeric");
	bool list = attributes && attributes->value->kind == CORE_YAML_LIST;
	if (!list)
		return node;
	size_t room = attributes->value->n;
	if (written && written->kind == CORE_YAML_LIST)
		room += written->n;
	core_yaml *names = make_list(r, attributes->value, room);
	core_yaml *numeric = make_list(r, written ? written : attributes->value, room);
	core_yaml *out = core_yaml_map(r->loader->ctx, node->place, node->origin, node->n + 1);
	if (!names || !numeric || !out || !share_items(r, attributes->value, names, numeric))
		return NULL;
	if (!numeric->n)
		return node;
	for (size_t i = 0; written && i < written->n; i++)
		core_yaml_add(numeric, NULL, written->place, written->entry[i].value);
	for (size_t i = 0; i < node->n; i++)
		if (&node->entry[i] != attributes && node->entry[i].value != written)
			core_yaml_add(out, node->entry[i].key, node->entry[i].key_place,
				node->entry[i].value);
	if (names->n)
		core_yaml_add(out, "attributes", attributes->key_place, names);
	core_yaml_add(out, "numeric", attributes->key_place, numeric);
	return out;
}
