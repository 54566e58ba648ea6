/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the subcommands that take a configuration: its options, registry, variants and study. */
#ifndef CLI_STUDY_H
#define CLI_STUDY_H

#include "cli.h"
#include "config/config.h"
#include "device.h"
#include "run/study.h"

typedef struct cli_study {
	cli_folders folders;
	const char *results, *cache; /* defaults: "results", "cache" */
	int64_t jobs;
	bool force, keep_going, isolate, json, has_fold, follow, dry_run, full;
	bool encodes;        /* the subcommand has -j, so it encodes missing features */
	int64_t fold, seeds; /* seeds: 0 without --seeds */
	double save_every_s;
	bool slurm, encode_only, wait, retry_failed, has_task;
	int64_t shard, shards; /* of 1 to shards; 0: without --shard */
	int64_t task;
	const char *tasks; /* file of the task list, "-": standard input; NULL: without --tasks */
	double max_hours;  /* 0: without --max-hours */
	core_device_asked device;
	core_device_choice choice; /* of cli_study_open */
	const char *out;
	const char *config;
	char **overrides;
	size_t n_overrides;
	core_registry *registry;
	core_config *variants;
} cli_study;

#define CLI_STUDY_OPTIONS                                                                          \
	"      --results DIR  results folder (default: results)\n"                                 \
	"      --cache DIR    feature cache (default: cache)\n"                                    \
	"      --plugins DIR  search DIR for plugins first; may be repeated\n"

/* Parses the options and CONFIG [KEY=VALUE...]. `options` lists the subcommand's options besides --plugins,
 * a letter each: R results, C cache, j jobs, k keep-going, f force, I isolate, J json, F fold, O out, S seeds,
 * E save-every, W follow, D dry-run, U full, L launcher, H shard, N encode-only, w wait, X max-hours,
 * r retry-failed, A tasks, t task, T op-timeout, Q device. */
FV_NODISCARD fv_status cli_study_parse_options(
	fv_ctx *ctx, int argc, char **argv, const char *options, cli_study *out);
/* Opens the registry and reads the configuration. `needs`: see config.h. */
FV_NODISCARD fv_status cli_study_read(fv_ctx *ctx, unsigned needs, cli_study *cli);
/* Both. */
FV_NODISCARD fv_status cli_study_parse(
	fv_ctx *ctx, int argc, char **argv, const char *options, unsigned needs, cli_study *out);
/* Chooses the device and opens the study. */
FV_NODISCARD fv_status cli_study_open(fv_ctx *ctx, cli_study *cli, core_study **out);
/* Prints what cannot be planned, each reason once with the first run that has it. Returns true if there is
 * something. */
bool cli_print_failures(const core_study *study);

/* Prints what `fairvox run` would do (explain.c). */
FV_NODISCARD fv_status cli_explain(fv_ctx *ctx, cli_study *cli);

/* Records that --fold names no fold of the corpus, and which there are. Returns FV_CONFIG. */
fv_status cli_refuse_fold(
	fv_ctx *ctx, const char *verb, const core_corpus_spec *corpus, int64_t fold);

#endif
