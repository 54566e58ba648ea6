/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox synth: makes a corpus of synthetic speech with the structure of CREMA-D. */
#include "synth/synth.h"

#include <getopt.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"
#include "cli.h"
#include "run/pool.h"
#include "share.h"
#include "verbs.h"

/* Finds the tables of CREMA-D among the installed configs. */
static fv_status find_tables(fv_ctx *ctx, core_synth_options *options)
{
	char *tables =
		cli_find_shared(ctx, "configs/corpora/cremad", "give --labels and --demographics");
	if (!tables)
		return core_error_status(ctx);
	if (!options->labels)
		options->labels = core_path_join(ctx, tables, "labels_consensus_1.csv");
	if (!options->demographics)
		options->demographics = core_path_join(ctx, tables, "VideoDemographics.csv");
	return options->labels && options->demographics ? FV_OK : FV_FAILED;
}

static fv_status parse_number(
	fv_ctx *ctx, const char *option, const char *text, double high, double *out)
{
	if (!core_parse_double(text, out) || *out < 0 || *out > high)
		return fv_fail(ctx, FV_CONFIG, "%s: '%s' is not a number from 0 to %g", option,
			text, high);
	return FV_OK;
}

static fv_status parse_format(fv_ctx *ctx, const char *text, bool *wav)
{
	*wav = !strcmp(text, "wav");
	if (*wav || !strcmp(text, "flac"))
		return FV_OK;
	return fv_fail(ctx, FV_CONFIG, "--format: '%s' is neither flac nor wav", text);
}

enum { LABELS = 1000, DEMOGRAPHICS, OUT, SEED, STRENGTH, JITTER, MIX, JOBS, FORMAT, LIMIT };

static const struct option longs[] = {
	{"labels", required_argument, NULL, LABELS},
	{"demographics", required_argument, NULL, DEMOGRAPHICS},
	{"out", required_argument, NULL, OUT},
	{"seed", required_argument, NULL, SEED},
	{"strength", required_argument, NULL, STRENGTH},
	{"jitter", required_argument, NULL, JITTER},
	{"mix", required_argument, NULL, MIX},
	{"jobs", required_argument, NULL, JOBS},
	{"format", required_argument, NULL, FORMAT},
	{"limit", required_argument, NULL, LIMIT},
	{0},
};

static fv_status apply_option(fv_ctx *ctx, int option, core_synth_options *o)
{
	int64_t whole = 0;
	fv_status status = FV_OK;
	switch (option) {
	case LABELS:
		o->labels = optarg;
		return FV_OK;
	case DEMOGRAPHICS:
		o->demographics = optarg;
		return FV_OK;
	case OUT:
		o->out = optarg;
		return FV_OK;
	case SEED:
		status = cli_int(ctx, "--seed", optarg, 0, INT64_MAX, &whole);
		o->knobs.seed = (uint64_t)whole;
		return status;
	case STRENGTH:
		return parse_number(ctx, "--strength", optarg, 100, &o->knobs.strength);
	case JITTER:
		return parse_number(ctx, "--jitter", optarg, 100, &o->knobs.jitter);
	case MIX:
		return parse_number(ctx, "--mix", optarg, 1, &o->knobs.mix);
	case FORMAT:
		return parse_format(ctx, optarg, &o->wav);
	case LIMIT:
		return cli_int(ctx, "--limit", optarg, 1, INT64_MAX, &o->limit);
	case 'j':
	case JOBS:
		status = cli_int(ctx, "--jobs", optarg, 1, 1024, &whole);
		o->jobs = (int32_t)whole;
		return status;
	default:
		return FV_CONFIG;
	}
}

static fv_status parse_options(fv_ctx *ctx, int argc, char **argv, core_synth_options *options)
{
	for (int option; (option = cli_option(ctx, argc, argv, "j:", longs)) != -1;)
		if (apply_option(ctx, option, options))
			return FV_CONFIG;
	fv_status status = FV_OK;
	int left = argc - optind;
	if (left == 1 && !options->out)
		options->out = argv[optind++];
	else if (left > 0)
		status = fv_fail(ctx, FV_CONFIG, "synth: unexpected argument '%s': name one folder",
			argv[optind]);
	if (!options->out || !*options->out)
		status = fv_fail(
			ctx, FV_CONFIG, "synth: no folder given: see 'fairvox synth --help'");
	if (!status && (!options->labels || !options->demographics))
		status = find_tables(ctx, options);
	return status;
}

static fv_status run(fv_ctx *ctx, int argc, char **argv)
{
	core_synth_options options = {
		.knobs = {.seed = 1, .strength = 1.8, .jitter = 0.7, .mix = 1}, .jobs = 2};
	core_synth_summary summary;
	fv_status status = parse_options(ctx, argc, argv, &options);
	if (status)
		return status;
	status = core_synth_run(ctx, &options, &summary);
	if (core_pool_was_stopped(status))
		core_log(ctx, CORE_WARNING, "synth: stopped: the same command resumes");
	if (!status)
		core_log(ctx, CORE_INFO,
			"%s: %lld synthetic utterances (espeak-ng %s, seed %llu), %.2f h; %lld "
			"made, "
			"%lld kept",
			options.out, (long long)summary.n, summary.espeak_version,
			(unsigned long long)options.knobs.seed, summary.seconds / 3600,
			(long long)summary.made, (long long)(summary.n - summary.made));
	return status;
}

const cli_verb cli_verb_synth = {
	.name = "synth",
	.summary = "make a corpus of synthetic speech like CREMA-D",
	.usage =
		"usage: fairvox synth [OPTION...] DIR\n"
		"\n"
		"Speaks every recording that a label file of CREMA-D lists, with espeak-ng, and "
		"writes\n"
		"to DIR: one 16 kHz mono 16-bit file per recording, synth.csv (all drawn "
		"parameters),\n"
		"synth.json (settings), and copies of the label files and demographics. The same "
		"command\n"
		"resumes an interrupted corpus. Synthetic speech is for tests and demonstrations, "
		"not\n"
		"for findings about people.\n"
		"\n"
		"  --out DIR            output folder, instead of DIR\n"
		"  --labels FILE        labels_consensus_1.csv (default: fairvox's own copy)\n"
		"  --demographics FILE  VideoDemographics.csv (default: fairvox's own copy)\n"
		"  --seed N             seed of the corpus (default 1)\n"
		"  --strength X         size of the emotions' acoustic shift (default 1.8)\n"
		"  --jitter X           size of the differences between utterances (default 0.7)\n"
		"  --mix X              1: mix emotions as the raters disagree; 0: only the "
		"emotion with\n"
		"                       the most votes (default 1)\n"
		"  --limit N            only N utterances, spread evenly over the speakers\n"
		"  --format flac|wav    audio format (default flac)\n"
		"  -j, --jobs N         worker processes (default 2); does not change the output\n",
	.run = run,
};
