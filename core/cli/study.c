/* SPDX-License-Identifier: Apache-2.0 */
#include "study.h"

#include <getopt.h>
#include <string.h>

#include "base/number.h"
#include "base/text.h"

/* Parses a number of at least `least`. */
static fv_status parse_number(
	fv_ctx *ctx, const char *option, const char *unit, double least, double *out)
{
	if (core_parse_double(optarg, out) && *out >= least)
		return FV_OK;
	return fv_fail(ctx, FV_CONFIG, "%s: '%s' is not a number of %s", option, optarg, unit);
}

static fv_status parse_launcher(fv_ctx *ctx, cli_study *s)
{
	s->slurm = !strcmp(optarg, "slurm");
	if (s->slurm || !strcmp(optarg, "local"))
		return FV_OK;
	return fv_fail(ctx, FV_CONFIG, "--launcher: '%s' is neither local nor slurm", optarg);
}

/* "2/5": the second of five */
static fv_status parse_shard(fv_ctx *ctx, cli_study *s)
{
	const char *slash = strchr(optarg, '/');
	char *first = slash ? core_strndup(ctx, optarg, (size_t)(slash - optarg)) : NULL;
	if (first && core_parse_int(first, &s->shard) && core_parse_int(slash + 1, &s->shards) &&
		s->shard >= 1 && s->shards >= s->shard)
		return FV_OK;
	return fv_fail(ctx, FV_CONFIG,
		"--shard: '%s' is no share of the runs: give I/N, from 1/N to N/N", optarg);
}

/* The options of `run` that divide a study. */
static fv_status apply_run_option(fv_ctx *ctx, cli_study *s, int option)
{
	switch (option) {
	case 'L':
		return parse_launcher(ctx, s);
	case 'H':
		return parse_shard(ctx, s);
	case 'N':
		s->encode_only = true;
		return FV_OK;
	case 'w':
		s->wait = true;
		return FV_OK;
	case 'X':
		return parse_number(ctx, "--max-hours", "hours above 0", 1e-9, &s->max_hours);
	case 'r':
		s->retry_failed = true;
		return FV_OK;
	case 'A':
		s->tasks = optarg;
		return FV_OK;
	case 't':
		s->has_task = true;
		return cli_int(ctx, "--task", optarg, 0, INT32_MAX, &s->task);
	}
	return FV_CONFIG;
}

static fv_status apply_option(fv_ctx *ctx, cli_study *s, int option)
{
	switch (option) {
	case 'R':
		s->results = optarg;
		return FV_OK;
	case 'C':
		s->cache = optarg;
		return FV_OK;
	case 'P':
		return cli_add_folder(ctx, &s->folders, optarg);
	case 'j':
		return cli_int(ctx, "-j", optarg, 1, 256, &s->jobs);
	case 'k':
		s->keep_going = true;
		return FV_OK;
	case 'f':
		s->force = true;
		return FV_OK;
	case 'I':
		s->isolate = true;
		return FV_OK;
	case 'J':
		s->json = true;
		return FV_OK;
	case 'F':
		s->has_fold = true;
		return cli_int(ctx, "--fold", optarg, 0, INT32_MAX, &s->fold);
	case 'S':
		return cli_int(ctx, "--seeds", optarg, 2, 1000, &s->seeds);
	case 'E':
		return parse_number(ctx, "--save-every", "seconds", 0, &s->save_every_s);
	case 'Q':
		return core_device_parse(ctx, optarg, &s->device);
	case 'T':
		return cli_set_op_timeout(ctx, optarg);
	case 'W':
		s->follow = true;
		return FV_OK;
	case 'D':
		s->dry_run = true;
		return FV_OK;
	case 'U':
		s->full = true;
		return FV_OK;
	case 'O':
		s->out = optarg;
		return FV_OK;
	}
	return apply_run_option(ctx, s, option);
}

/* Selects a subcommand's long and short options by their letters. */
static void pick_options(const char *wanted, struct option *longs, char *shorts)
{
	static const struct option all[] = {{"results", required_argument, NULL, 'R'},
		{"cache", required_argument, NULL, 'C'}, {"jobs", required_argument, NULL, 'j'},
		{"keep-going", no_argument, NULL, 'k'}, {"force", no_argument, NULL, 'f'},
		{"isolate", no_argument, NULL, 'I'}, {"json", no_argument, NULL, 'J'},
		{"fold", required_argument, NULL, 'F'}, {"out", required_argument, NULL, 'O'},
		{"seeds", required_argument, NULL, 'S'},
		{"save-every", required_argument, NULL, 'E'}, {"follow", no_argument, NULL, 'W'},
		{"dry-run", no_argument, NULL, 'D'}, {"full", no_argument, NULL, 'U'},
		{"launcher", required_argument, NULL, 'L'}, {"shard", required_argument, NULL, 'H'},
		{"encode-only", no_argument, NULL, 'N'}, {"wait", no_argument, NULL, 'w'},
		{"max-hours", required_argument, NULL, 'X'},
		{"retry-failed", no_argument, NULL, 'r'}, {"tasks", required_argument, NULL, 'A'},
		{"task", required_argument, NULL, 't'}, CLI_OP_TIMEOUT, CLI_DEVICE,
		{"plugins", required_argument, NULL, 'P'}};
	size_t n = 0;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
		if (all[i].val != 'P' && !strchr(wanted, all[i].val))
			continue;
		longs[n++] = all[i];
		if (strchr("jkf", all[i].val))
			*shorts++ = (char)all[i].val;
		if (all[i].val == 'j')
			*shorts++ = ':';
	}
	longs[n] = (struct option){0};
	*shorts = '\0';
}

fv_status cli_study_parse_options(
	fv_ctx *ctx, int argc, char **argv, const char *options, cli_study *s)
{
	struct option longs[32];
	char shorts[16];
	pick_options(options, longs, shorts);
	*s = (cli_study){.results = "results",
		.cache = "cache",
		.jobs = 1,
		.encodes = strchr(options, 'j') != NULL,
		.save_every_s = 60};
	for (int option; (option = cli_option(ctx, argc, argv, shorts, longs)) != -1;)
		if (option == '?' || apply_option(ctx, s, option))
			return FV_CONFIG;
	if (optind == argc)
		return fv_fail(ctx, FV_CONFIG, "%s: no %s given: see 'fairvox %s --help'", argv[0],
			strchr(options, 'W') ? "configuration file or results folder"
					     : "configuration file",
			argv[0]);
	s->config = argv[optind];
	s->overrides = argv + optind + 1;
	s->n_overrides = (size_t)(argc - optind - 1);
	return FV_OK;
}

fv_status cli_study_read(fv_ctx *ctx, unsigned needs, cli_study *s)
{
	fv_status status = core_registry_open(ctx, s->folders.path, s->folders.n, &s->registry);
	if (!status)
		status = core_config_load(ctx, s->registry, s->config, s->overrides, s->n_overrides,
			needs | (s->keep_going ? CORE_KEEP_GOING : 0), &s->variants);
	for (size_t i = 0; !status && i < s->variants->n_notes; i++)
		core_log(ctx, CORE_DEBUG, "%s", s->variants->notes[i].text);
	return status;
}

fv_status cli_study_parse(
	fv_ctx *ctx, int argc, char **argv, const char *options, unsigned needs, cli_study *s)
{
	fv_status status = cli_study_parse_options(ctx, argc, argv, options, s);
	return status ? status : cli_study_read(ctx, needs, s);
}

fv_status cli_study_open(fv_ctx *ctx, cli_study *s, core_study **out)
{
	core_study_options options = {.results = s->results,
		.cache = s->cache,
		.force = s->force,
		.keep_going = s->keep_going,
		.jobs = (int)s->jobs,
		.device = &s->choice,
		.keep_waves = s->encodes};
	fv_status status = FV_OK;
	if (s->slurm && s->device != CORE_DEVICE_CPU)
		core_device_choose_elsewhere(NULL, &s->choice); /* the tasks see what they have */
	else
		status = cli_choose_device(ctx, s->device, &s->choice);
	return status ? status : core_study_open(ctx, s->variants, &options, out);
}

fv_status cli_refuse_fold(
	fv_ctx *ctx, const char *verb, const core_corpus_spec *corpus, int64_t fold)
{
	if (!corpus->has_folds)
		return fv_fail(ctx, FV_CONFIG,
			"%s: --fold %lld: the corpus has no folds: leave --fold out", verb,
			(long long)fold);
	core_text folds = {0};
	for (int32_t f = 0; f < corpus->n_folds; f++)
		core_text_add(&folds, f ? ", %lld" : "%lld", (long long)corpus->folds[f]);
	fv_status status =
		fv_fail(ctx, FV_CONFIG, "%s: --fold %lld is not in corpus.folds, which has %s",
			verb, (long long)fold, folds.failed ? "others" : folds.data);
	core_text_free(&folds);
	return status;
}

static void print_first_line(const char *text)
{
	cli_printf("%.*s\n", (int)strcspn(text, "\n"), text);
}

bool cli_print_failures(const core_study *study)
{
	const core_config *c = study->config;
	for (size_t i = 0; i < c->n_refused; i++) {
		cli_printf("%s could not start: ", c->refused[i].slug);
		print_first_line(c->refused[i].reason->text);
	}
	for (size_t i = 0; i < study->n_failed; i++) {
		const core_failed_run *f = &study->failed[i];
		size_t before = 0, more = 0;
		for (size_t k = 0; k < study->n_failed; k++) {
			before += k < i && study->failed[k].reason == f->reason;
			more += k > i && study->failed[k].reason == f->reason;
		}
		if (before)
			continue;
		cli_printf("%s", c->variants[f->variant].slug);
		if (!f->all)
			cli_printf(
				", fold %lld, seed %lld", (long long)f->fold, (long long)f->seed);
		if (more)
			cli_printf(" and %zu more", more);
		cli_printf(" failed: ");
		print_first_line(f->reason->text);
	}
	return c->n_refused || study->n_failed;
}
