/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs that work on a configuration share: its options, registry, variants and study. */
#ifndef CLI_STUDY_H
#define CLI_STUDY_H

#include "cli.h"
#include "config/config.h"
#include "run/study.h"

typedef struct cli_study {
	cli_folders folders;
	const char *results, *cache; /* defaults: "results", "cache" */
	int64_t jobs;
	bool force, keep_going, isolate, json, has_fold;
	bool encodes;        /* the verb has workers, which encode what is missing */
	int64_t fold, seeds; /* seeds: 0 when not asked for */
	double save_every_s;
	const char *out;
	const char *config;
	char **overrides;
	size_t n_overrides;
	core_registry *registry;
	core_config *variants;
} cli_study;

#define CLI_STUDY_OPTIONS                                                                          \
	"      --results DIR  where results are (default: results)\n"                              \
	"      --cache DIR    where features are kept (default: cache)\n"                          \
	"      --plugins DIR  search DIR for plugins first; may be repeated\n"

/* Takes options and CONFIG [k=v ...]; opens the registry and reads the configuration. `options`: the
 * letters of the options this verb has besides --plugins: R results, C cache, j jobs, k keep-going,
 * f force, I isolate, J json, F fold, O out, S seeds, E save-every. `needs` as in config.h. */
FV_NODISCARD fv_status cli_study_parse(
	fv_ctx *ctx, int argc, char **argv, const char *options, unsigned needs, cli_study *out);
FV_NODISCARD fv_status cli_study_open(fv_ctx *ctx, cli_study *cli, core_study **out);

#endif
