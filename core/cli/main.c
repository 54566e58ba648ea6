/* SPDX-License-Identifier: Apache-2.0 */
/* The program: finds the verb, prints what it recorded, turns its status into the exit code. */
#include "cli.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cblas.h>

#include "backend/kernels.h"
#include "base/clock.h"
#include "base/nearest.h"
#include "restart.h"
#include "verbs.h"

static const cli_verb *const verbs[] = {
	&cli_verb_audit,
	&cli_verb_cache,
	&cli_verb_check,
	&cli_verb_describe,
	&cli_verb_encode,
	&cli_verb_explain,
	&cli_verb_fetch,
	&cli_verb_groups,
	&cli_verb_inspect,
	&cli_verb_plugins,
	&cli_verb_predict,
	&cli_verb_run,
	&cli_verb_split,
	&cli_verb_status,
	&cli_verb_synth,
	&cli_verb_table,
	&cli_verb_verify,
	NULL,
};

struct logger {
	core_level least;
	bool color, terminal, no_progress;
	bool progress; /* a line of progress stands at the cursor */
	double told_s; /* when progress was last shown */
};

static void clear_progress(struct logger *logger)
{
	if (logger->progress)
		fputs("\r\033[K", stderr);
	logger->progress = false;
}

/* A terminal sees the latest state, five times a second; anything else a line a minute. */
static void show_progress(struct logger *logger, const char *line)
{
	double now_s = core_clock_s();
	if (logger->no_progress || logger->least > CORE_INFO ||
		now_s - logger->told_s < (logger->terminal ? 0.2 : 60))
		return;
	logger->told_s = now_s;
	if (!logger->terminal) {
		fprintf(stderr, "fairvox: %s\n", line);
		return;
	}
	clear_progress(logger);
	fputs(line, stderr);
	logger->progress = true;
}

static void log_to_stderr(void *user, core_level level, const char *line)
{
	struct logger *logger = user;
	if (level == CORE_PROGRESS) {
		show_progress(logger, line);
		return;
	}
	if (level < logger->least)
		return;
	clear_progress(logger);
	const char *word = level == CORE_WARNING ? "warning: " : "";
	if (logger->color && level == CORE_WARNING)
		fprintf(stderr, "fairvox: \033[33m%s\033[0m%s\n", word, line);
	else
		fprintf(stderr, "fairvox: %s%s\n", word, line);
}

static void print_help(FILE *out)
{
	fputs("usage: fairvox VERB [OPTION...] [ARGUMENT...]\n\nverbs:\n", out);
	for (size_t i = 0; verbs[i]; i++)
		fprintf(out, "  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
	fputs("\n'fairvox VERB --help' tells more of one. Options of every verb: -q, --quiet "
	      "(only\n"
	      "warnings and errors), -v, --verbose, --no-color, --no-progress, -h, --help.\n"
	      "Exit codes: 0 ok, 1 the run failed, 2 usage or configuration, 3 some variants of "
	      "several failed,\n"
	      "4 data, weights or plugin missing or bad, 75 stopped and resumable.\n"
	      "FAIRVOX_CPU=amx|avx512_bf16|avx512|avx2|portable chooses the instructions that "
	      "fairvox's own\n"
	      "arithmetic uses, OPENBLAS_CORETYPE=SkylakeX|Haswell|Zen|... OpenBLAS's ('fairvox "
	      "--version' says\n"
	      "which are used now); unset: the fastest of this machine.\n",
		out);
}

static const cli_verb *find_verb(fv_ctx *ctx, const char *name)
{
	const char *names[64] = {NULL};
	size_t n = 0;
	for (; verbs[n]; n++) {
		names[n] = verbs[n]->name;
		if (!strcmp(verbs[n]->name, name))
			return verbs[n];
	}
	(void)fv_fail(ctx, FV_CONFIG, "unknown verb '%s'%s; see 'fairvox help'", name,
		core_suggest_name(ctx, name, names, n));
	return NULL;
}

/* Takes the options every verb has out of argv; true when help was asked for. */
static bool take_common(int *argc, char **argv, struct logger *logger)
{
	int kept = 0;
	bool help = false, only_words = false;
	for (int i = 0; i < *argc; i++) {
		const char *arg = argv[i];
		only_words = only_words || !strcmp(arg, "--");
		if (only_words || i == 0)
			argv[kept++] = argv[i];
		else if (!strcmp(arg, "-h") || !strcmp(arg, "--help"))
			help = true;
		else if (!strcmp(arg, "-q") || !strcmp(arg, "--quiet"))
			logger->least = CORE_WARNING;
		else if (!strcmp(arg, "-v") || !strcmp(arg, "--verbose"))
			logger->least = CORE_DEBUG;
		else if (!strcmp(arg, "--no-color"))
			logger->color = false;
		else if (!strcmp(arg, "--no-progress"))
			logger->no_progress = true;
		else
			argv[kept++] = argv[i];
	}
	argv[kept] = NULL;
	*argc = kept;
	return help;
}

static void print_errors(const fv_ctx *ctx)
{
	for (size_t i = 0; core_error_line(ctx, i); i++)
		fprintf(stderr, "fairvox: %s\n", core_error_line(ctx, i));
	size_t shown = 20, n = core_error_count(ctx);
	if (n > shown)
		fprintf(stderr, "fairvox: ... and %zu more\n", n - shown);
}

static fv_status run_verb(
	fv_ctx *ctx, int argc, char **argv, struct logger *logger, bool blas_is_right)
{
	const cli_verb *verb = find_verb(ctx, argv[0]);
	if (!verb)
		return FV_CONFIG;
	if (take_common(&argc, argv, logger)) {
		fputs(verb->usage, stdout);
		return cli_flush(ctx);
	}
	if (core_kernels_check(ctx) != FV_OK)
		return FV_CONFIG;
	const char *set = getenv("OPENBLAS_CORETYPE");
	if (!blas_is_right)
		return fv_fail(ctx, FV_FAILED,
			"OpenBLAS's kernels for %s compute wrongly on this processor%s",
			openblas_get_corename(),
			set && *set
				? ": unset OPENBLAS_CORETYPE"
				: ", and so do others: install another version of libopenblas0");
	return verb->run(ctx, argc, argv);
}

static int end_output(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return FV_OK;
	fprintf(stderr, "fairvox: standard output: %s\n", strerror(errno));
	return FV_FAILED;
}

int main(int argc, char **argv)
{
	bool right = cli_restart(argv);
	setlocale(LC_CTYPE, ""); /* numbers stay in the C locale */
	if (argc < 2) {
		print_help(stderr);
		return FV_CONFIG;
	}
	static char help[] = "--help";
	const char *first = argv[1];
	if (!strcmp(first, "help") || !strcmp(first, "--help") || !strcmp(first, "-h")) {
		if (argc == 2) {
			print_help(stdout);
			return end_output();
		}
		argv[1] = argv[2];
		argv[2] = help;
		argc = 3;
	} else if (!strcmp(first, "--version")) {
		printf("fairvox " FAIRVOX_VERSION "\nkernels %s\nblas_kernel %s\n",
			core_kernels_used()->name, openblas_get_corename());
		return end_output();
	}
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");
	bool terminal = isatty(2) && !(term && !strcmp(term, "dumb"));
	struct logger logger = {.least = CORE_INFO,
		.color = terminal && !(no_color && *no_color),
		.terminal = terminal,
		.told_s = core_clock_s()};
	fv_ctx *ctx = core_ctx_new();
	if (!ctx) {
		fputs("fairvox: out of memory\n", stderr);
		return FV_FAILED;
	}
	core_ctx_set_log(ctx, log_to_stderr, &logger);
	fv_status status = run_verb(ctx, argc - 1, argv + 1, &logger, right);
	clear_progress(&logger);
	print_errors(ctx);
	core_ctx_free(ctx);
	return (int)status;
}
