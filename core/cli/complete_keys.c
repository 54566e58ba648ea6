/* SPDX-License-Identifier: Apache-2.0 */
/* Completion of KEY=VALUE and of plugins, from the schema and the parameters of the plugins that are found. */
#include <string.h>

#include "complete.h"
#include "config/schema.h"

/* Whether the word is "NAME=" and more; then `*value` is what follows the '='. */
static bool names_key(const char *word, const char *name, const char **value)
{
	size_t n = strlen(name);
	*value = word + n + 1;
	return !strncmp(word, name, n) && word[n] == '=';
}

/* Prints NAME=CHOICE for each choice that begins like `word`, which begins with "NAME=". */
static void print_choices(const char *word, const char *name, const char *choices)
{
	char text[192];
	while (choices && *choices) {
		size_t n = strcspn(choices, "|");
		snprintf(text, sizeof text, "%s=%.*s", name, (int)n, choices);
		cli_print_candidate(word, text, NULL);
		choices += n + (choices[n] == '|');
	}
}

/* Prints the key, or its values if the word is about them. */
static void print_key(const char *word, const char *prefix, const core_key *key)
{
	char name[128];
	const char *value;
	snprintf(name, sizeof name, "%.60s%.60s", prefix, key->name);
	if (!names_key(word, name, &value)) {
		snprintf(name, sizeof name, "%.60s%.60s=", prefix, key->name);
		cli_print_candidate(word, name, key->doc);
	} else if (key->type == CORE_KEY_PATH) {
		puts(":files");
	} else {
		print_choices(word, name, key->type == CORE_KEY_BOOL ? "true|false" : key->choices);
	}
}

static void print_keys(const char *word, const char *prefix, const core_key *keys, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (keys[i].n_keys) {
			char inner[128];
			snprintf(inner, sizeof inner, "%.60s%.60s.", prefix, keys[i].name);
			print_keys(word, inner, keys[i].keys, keys[i].n_keys);
		} else {
			print_key(word, prefix, &keys[i]);
		}
	}
}

static void print_plugins(const core_registry *r, int kind, const char *prefix, const char *word)
{
	char text[192];
	for (size_t i = 0; i < r->n; i++) {
		const fv_descriptor *d = r->plugin[i].descriptor;
		snprintf(text, sizeof text, "%s%s", prefix, d->name);
		if (!kind || (int)d->kind == kind)
			cli_print_candidate(word, text, d->summary);
	}
}

static bool is_reserved(const core_block *block, const char *name)
{
	for (size_t i = 0; block && i < block->n_keys; i++)
		if (!strcmp(block->keys[i].name, name))
			return true;
	return false;
}

/* Does a plugin before this one, of those that are printed, have the parameter? */
static bool is_repeated(const core_registry *r, size_t plugin, fv_kind kind, const cli_names *names,
	const char *name)
{
	for (size_t i = 0; i < plugin; i++) {
		const fv_descriptor *d = r->plugin[i].descriptor;
		bool printed = d->kind == kind && (!names->n || cli_has_name(names, d->name));
		for (uint32_t p = 0; printed && p < d->n_params; p++)
			if (!strcmp(d->params[p].name, name))
				return true;
	}
	return false;
}

/* Prints the parameters of the plugins of a kind, of those that are named if any is, each name once. */
static void print_parameters(const core_registry *r, const core_block *block,
	const cli_names *names, const char *prefix, const char *word)
{
	for (size_t i = 0; i < r->n; i++) {
		const fv_descriptor *d = r->plugin[i].descriptor;
		if (d->kind != block->kind || (names->n && !cli_has_name(names, d->name)))
			continue;
		for (uint32_t p = 0; p < d->n_params; p++) {
			const char *name = d->params[p].name;
			core_key key = core_schema_from_param(&d->params[p], false);
			if (!is_reserved(block, name) &&
				!is_repeated(r, i, block->kind, names, name))
				print_key(word, prefix, &key);
		}
	}
}

void cli_complete_override(
	fv_ctx *ctx, const core_registry *r, const cli_config_words *words, const char *word)
{
	for (size_t i = 0; i < core_n_blocks; i++) {
		const core_block *block = &core_blocks[i];
		char prefix[64], name[96];
		const char *value;
		cli_names names;
		snprintf(prefix, sizeof prefix, "%s.", block->name);
		snprintf(name, sizeof name, "%s.name", block->name);
		if (block->kind && names_key(word, name, &value)) {
			snprintf(name, sizeof name, "%s.name=", block->name);
			print_plugins(r, (int)block->kind, name, word);
			continue;
		}
		print_keys(word, prefix, block->keys, block->n_keys);
		if (!block->kind || strncmp(word, prefix, strnlen(word, strlen(prefix))) != 0)
			continue;
		cli_find_names(ctx, r, words, block->name, &names);
		print_parameters(r, block, &names, prefix, word);
	}
}

void cli_complete_parameter(const core_registry *r, const char *plugin, const char *word)
{
	for (size_t i = 0; i < r->n; i++) {
		const fv_descriptor *d = r->plugin[i].descriptor;
		for (uint32_t p = 0; p < d->n_params && !strcmp(d->name, plugin); p++) {
			core_key key = core_schema_from_param(&d->params[p], false);
			print_key(word, "", &key);
		}
	}
}

void cli_complete_plugin(const core_registry *r, int kind, const char *word)
{
	print_plugins(r, kind, "", word);
}
