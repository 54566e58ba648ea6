/* SPDX-License-Identifier: Apache-2.0 */
/* Resolves a block key by key: a written value is checked, a missing one comes from the profile's
 * presets or the core's defaults. Keys are added in the order of the schema tables. */
#include <string.h>

#include "base/nearest.h"
#include "base/number.h"
#include "config/resolve.h"
#include "plugin/descriptor.h"

bool core_draft_open(
	core_block_draft *b, core_resolver *r, const char *path, const core_yaml *node, size_t room)
{
	core_place place = node ? node->place : (core_place){0};
	core_origin origin = node ? node->origin : CORE_FROM_CORE;
	*b = (core_block_draft){r, path, node, NULL, true};
	if (node && node->kind != CORE_YAML_MAP) {
		core_loader_fail(r->loader, FV_CONFIG, node->place,
			"%s: a block of keys is needed, not a %s", path,
			node->kind == CORE_YAML_LIST ? "list" : "single value");
		return false;
	}
	b->out = core_yaml_map(r->loader->ctx, place, origin, room);
	return b->out != NULL;
}

const char *core_draft_make_path(const core_block_draft *b, const char *key)
{
	const char *path = core_format(b->r->loader->ctx, "%s.%s", b->path, key);
	return path ? path : key;
}

void core_draft_add(
	core_block_draft *b, const char *key, const core_entry *written, core_yaml *value)
{
	if (value)
		core_yaml_add(b->out, key, written ? written->key_place : (core_place){0}, value);
	else
		b->good = false;
}

static const char *find_preset(const core_resolver *r, const char *path)
{
	const char *profile = r->official ? "official" : "paper";
	for (uint32_t i = 0; r->loss && i < r->loss->n_presets; i++)
		if (!strcmp(r->loss->presets[i].profile, profile) &&
			!strcmp(r->loss->presets[i].key, path))
			return r->loss->presets[i].value;
	return NULL;
}

/* The default of a core key that is not written; NULL when it has none. */
static core_yaml *make_key_default(core_resolver *r, const core_key *key, const char *path)
{
	core_loader *loader = r->loader;
	const char *profile = r->official ? "official" : "paper", *preset = find_preset(r, path);
	if (preset)
		return core_make_default(loader, key, (core_place){0}, CORE_FROM_PROFILE,
			core_format(
				loader->ctx, "preset of %s, profile %s", r->loss->name, profile),
			preset);
	if (key->official)
		return core_make_default(loader, key, (core_place){0}, CORE_FROM_PROFILE,
			core_format(loader->ctx, "default, profile %s", profile),
			r->official ? key->official : key->def);
	if (!key->def)
		return NULL;
	return core_make_default(loader, key, (core_place){0}, CORE_FROM_CORE, "default", key->def);
}

static void resolve_keys(core_block_draft *b, const core_key *keys, size_t n);

static core_yaml *resolve_inner(core_block_draft *b, const core_key *key, const core_yaml *node)
{
	const char *path = core_draft_make_path(b, key->name);
	if (key->type == CORE_KEY_ENCODER)
		return core_resolve_encoder(b->r, path, node, CORE_ENCODER_OF_GROUPER);
	core_block_draft inner;
	if (!core_draft_open(&inner, b->r, path, node, key->n_keys))
		return NULL;
	resolve_keys(&inner, key->keys, key->n_keys);
	return inner.good ? inner.out : NULL;
}

void core_draft_resolve_key(core_block_draft *b, const core_key *key)
{
	const core_entry *written = core_yaml_entry(b->node, key->name);
	const char *path = core_draft_make_path(b, key->name);
	if (written && (key->type == CORE_KEY_BLOCK || key->type == CORE_KEY_ENCODER)) {
		core_draft_add(b, key->name, written, resolve_inner(b, key, written->value));
		return;
	}
	core_yaml *value = written ? written->value : make_key_default(b->r, key, path);
	if (value) {
		core_draft_add(
			b, key->name, written, core_check_value(b->r->loader, key, path, value));
	} else if (key->required) {
		core_loader_fail(b->r->loader, FV_CONFIG, b->out->place, "%s is missing", path);
		b->good = false;
	}
}

/* Says how a key of the command line is given to one of several plugins of a matrix, if another plugin of the kind has
 * it. */
static const char *tell_one_block(
	const core_block_draft *b, const core_entry *entry, const fv_descriptor *d)
{
	const core_registry *registry = b->r->loader->registry;
	if (entry->value->origin != CORE_FROM_COMMAND || strchr(b->path, '.'))
		return "";
	for (size_t i = 0; i < registry->n; i++) {
		const fv_descriptor *other = registry->plugin[i].descriptor;
		if (other->kind != d->kind || !core_param_find(other, entry->key))
			continue;
		const char *text = core_format(b->r->loader->ctx,
			": %s.%s sets it for every %s: choose one with %s.name=NAME, or write them "
			"all: '%s={name: %s},{name: NAME, %s: VALUE}'",
			b->path, entry->key, b->path, b->path, b->path, d->name, entry->key);
		return text ? text : "";
	}
	return "";
}

/* {learning_rate: 0,001} is the key 001 behind a 0: the value that was meant, with what to write. "": none. */
static const char *tell_decimal_comma(const core_block_draft *b, size_t at)
{
	const core_entry *entry = &b->node->entry[at], *before = at ? entry - 1 : NULL;
	size_t digits = strspn(entry->key, "0123456789");
	int64_t whole;
	if (!before || !digits || entry->key[digits] || !core_yaml_is_null(entry->value) ||
		before->value->kind != CORE_YAML_SCALAR || !before->value->plain ||
		!core_parse_int(before->value->text, &whole) ||
		before->key_place.line != entry->key_place.line)
		return "";
	const char *text = core_format(b->r->loader->ctx, ": for a decimal comma write %s: %s.%s",
		before->key, before->value->text, entry->key);
	return text ? text : "";
}

/* Reports written keys that are neither in the core's table nor among the plugin's parameters. */
void core_draft_refuse_unknown(
	core_block_draft *b, const core_key *keys, size_t n, const fv_descriptor *d)
{
	core_loader *loader = b->r->loader;
	size_t n_params = d ? d->n_params : 0;
	const char **names = core_alloc(loader->ctx, n + n_params, sizeof *names);
	if (!names || !b->node)
		return;
	for (size_t i = 0; i < n; i++)
		names[i] = keys[i].name;
	for (size_t i = 0; i < n_params; i++)
		names[n + i] = d->params[i].name;
	for (size_t i = 0; i < b->node->n; i++) {
		const core_entry *entry = &b->node->entry[i];
		size_t at = 0;
		while (at < n + n_params && strcmp(names[at], entry->key) != 0)
			at++;
		if (at < n + n_params)
			continue;
		b->good = false;
		/* a misspelt reserved key is reported once, whichever plugins a matrix puts in this
		 * block */
		const char *near = core_find_nearest(entry->key, names, n + n_params);
		bool named = d && !(near && core_schema_key(keys, n, near));
		core_loader_fail_whole(loader, entry->key_place,
			"unknown key '%s' in %s%s%s%s%s%s%s", entry->key, b->path,
			named ? " (" : "", named ? d->name : "", named ? ")" : "",
			core_suggest_name(loader->ctx, entry->key, names, n + n_params),
			named ? tell_one_block(b, entry, d) : "", tell_decimal_comma(b, i));
	}
}

static void resolve_keys(core_block_draft *b, const core_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++)
		core_draft_resolve_key(b, &keys[i]);
	core_draft_refuse_unknown(b, keys, n, NULL);
}

core_yaml *core_resolve_core_block(core_resolver *r, const char *name, const core_yaml *node)
{
	const core_block *schema = core_schema_block(name);
	core_block_draft b;
	if (!core_draft_open(&b, r, name, node, schema->n_keys))
		return NULL;
	resolve_keys(&b, schema->keys, schema->n_keys);
	return b.good ? b.out : NULL;
}
