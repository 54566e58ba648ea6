/* SPDX-License-Identifier: Apache-2.0 */
/* What can stand at the cursor of a command line. */
#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include <fairvox/plugin.h>

#include "cli.h"
#include "plugin/registry.h"

/* Prints what can stand in place of the last of the n words after `fairvox`, a line each: the word, and what it means
 * behind a tab. A line ":files ENDING..." stands for files with these endings (none: any), ":folders" for folders. */
FV_NODISCARD fv_status cli_complete(fv_ctx *ctx, int n, char **words);

/* The configuration of a command line (NULL: none) and its overrides. */
typedef struct cli_config_words {
	const char *config;
	char **override;
	size_t n_overrides;
} cli_config_words;

/* Names of plugins; n = 0: not known. */
enum { CLI_NAMES = 64 };
typedef struct cli_names {
	size_t n;
	const char *name[CLI_NAMES];
} cli_names;

bool cli_has_name(const cli_names *names, const char *name);

/* Finds the plugins that overrides name for a block, "loss", else those of the configuration (complete_config.c). What cannot be
 * read names none. */
void cli_find_names(fv_ctx *ctx, const core_registry *r, const cli_config_words *words,
	const char *block, cli_names *out);

/* Prints keys of a configuration, or the values of one, that begin like `word` (complete_keys.c). */
void cli_complete_override(
	fv_ctx *ctx, const core_registry *r, const cli_config_words *words, const char *word);
/* Prints KEY= for each parameter of the plugins of that name that begins like `word`, or values of one. */
void cli_complete_parameter(const core_registry *r, const char *plugin, const char *word);
/* Prints the names of the plugins of a kind, or of all kinds, that begin like `word`. */
void cli_complete_plugin(const core_registry *r, int kind, const char *word);

/* Prints a candidate if it begins like `word`. `doc` is NULL or one line. */
void cli_print_candidate(const char *word, const char *candidate, const char *doc);

#endif
