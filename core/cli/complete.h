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

/* Prints keys of a configuration, or the values of one, that begin like `word` (complete_keys.c). */
void cli_complete_override(const core_registry *r, const char *word);
/* Prints KEY= for each parameter of the plugins of that name that begins like `word`, or values of one. */
void cli_complete_parameter(const core_registry *r, const char *plugin, const char *word);
/* Prints the names of the plugins of a kind, or of all kinds, that begin like `word`. */
void cli_complete_plugin(const core_registry *r, int kind, const char *word);

/* Prints a candidate if it begins like `word`. `doc` is NULL or one line. */
void cli_print_candidate(const char *word, const char *candidate, const char *doc);

#endif
