/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the subcommands that take a results folder or a configuration. */
#ifndef CLI_RESULTS_H
#define CLI_RESULTS_H

#include "cli.h"
#include "report/results.h"

/* What names the results. */
typedef struct cli_source {
	const char *path; /* a results folder, or a configuration */
	char **overrides; /* KEY=VALUE after a configuration */
	size_t n_overrides;
	const char *results, *cache; /* for a configuration */
	cli_folders folders;
} cli_source;

#define CLI_RESULTS_OPTIONS                                                                        \
	"      --results DIR     with CONFIG: the results folder (default: results)\n"             \
	"      --cache DIR       with CONFIG: the feature cache (default: cache)\n"                \
	"      --plugins DIR     with CONFIG: search DIR for plugins first; may be repeated\n"

/* Reads a results folder, or the results of the variants of a configuration, found by their hashes. Release
 * them with core_results_free. */
FV_NODISCARD fv_status cli_results_read(fv_ctx *ctx, const cli_source *source, core_results **out);

#endif
