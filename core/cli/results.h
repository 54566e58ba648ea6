/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the subcommands that take a results folder or a configuration. */
#ifndef CLI_RESULTS_H
#define CLI_RESULTS_H

#include "cli.h"
#include "report/results.h"

/* What names the results, and which of their variants are wanted. */
typedef struct cli_source {
	const char *path; /* a results folder, or a configuration */
	char **overrides; /* KEY=VALUE after a configuration */
	size_t n_overrides;
	const char *results, *cache; /* NULL: not given */
	cli_folders folders;
	bool has_map; /* cache and plugins also serve a map, so they may go with a results folder */
	bool trials;  /* also the trials of tuned variants */
	const char *rows; /* only variants that match (select_variants.h); NULL: all */
} cli_source;

#define CLI_RESULTS_OPTIONS                                                                        \
	"      --results DIR     with CONFIG: the results folder (default: results)\n"             \
	"      --cache DIR       with CONFIG: the feature cache (default: cache)\n"                \
	"      --plugins DIR     with CONFIG: search DIR for plugins first; may be repeated\n"

/* The options that fill a source, for the table of getopt_long. */
enum { CLI_ROWS = 256, CLI_TRIALS, CLI_RESULTS, CLI_CACHE, CLI_PLUGINS };
#define CLI_SOURCE_OPTIONS                                                                         \
	{"rows", required_argument, NULL, CLI_ROWS}, {"trials", no_argument, NULL, CLI_TRIALS},    \
		{"results", required_argument, NULL, CLI_RESULTS},                                 \
		{"cache", required_argument, NULL, CLI_CACHE},                                     \
	{                                                                                          \
		"plugins", required_argument, NULL, CLI_PLUGINS                                    \
	}

/* Applies one of these options, with its value in optarg. */
FV_NODISCARD fv_status cli_source_apply(fv_ctx *ctx, int option, cli_source *source);
/* Sets path and overrides from argv[first] on. FV_CONFIG if there is none. */
FV_NODISCARD fv_status cli_source_set_path(
	fv_ctx *ctx, int argc, char **argv, int first, cli_source *source);

/* Reads the wanted variants of a results folder, or of a configuration, whose results are found by their hashes.
 * Release them with core_results_free. */
FV_NODISCARD fv_status cli_results_read(fv_ctx *ctx, const cli_source *source, core_results **out);

#endif
