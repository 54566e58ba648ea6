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

/* Prints the parameters of the plugins of a kind, or of one plugin, each name once. */
static void print_parameters(const core_registry *r, fv_kind kind, const char *plugin,
	const char *prefix, const char *word)
{
	for (size_t i = 0; i < r->n; i++) {
		const fv_descriptor *d = r->plugin[i].descriptor;
		if (plugin ? strcmp(d->name, plugin) != 0 : d->kind != kind)
			continue;
		for (uint32_t p = 0; p < d->n_params; p++) {
			bool again = false;
			for (size_t k = 0; k < i; k++) {
				const fv_descriptor *before = r->plugin[k].descriptor;
				for (uint32_t q = 0;
					before->kind == d->kind && q < before->n_params; q++)
					again = again ||
						!strcmp(before->params[q].name, d->params[p].name);
			}
			core_key key = core_schema_from_param(&d->params[p], false);
			if (plugin || !again)
				print_key(word, prefix, &key);
		}
	}
}

void cli_complete_override(const core_registry *r, const char *word)
{
	for (size_t i = 0; i < core_n_blocks; i++) {
		const core_block *block = &core_blocks[i];
		char prefix[64], name[96];
		const char *value;
		snprintf(prefix, sizeof prefix, "%s.", block->name);
		snprintf(name, sizeof name, "%s.name", block->name);
		if (block->kind && names_key(word, name, &value)) {
			snprintf(name, sizeof name, "%s.name=", block->name);
			print_plugins(r, (int)block->kind, name, word);
			continue;
		}
		print_keys(word, prefix, block->keys, block->n_keys);
		if (block->kind)
			print_parameters(r, block->kind, NULL, prefix, word);
	}
}

void cli_complete_parameter(const core_registry *r, const char *plugin, const char *word)
{
	print_parameters(r, FV_LOSS, plugin, "", word);
}

void cli_complete_plugin(const core_registry *r, int kind, const char *word)
{
	print_plugins(r, kind, "", word);
}
