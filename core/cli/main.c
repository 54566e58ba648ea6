/* SPDX-License-Identifier: Apache-2.0 */
/* The program: runs a subcommand, prints the errors it recorded and exits with its status. */
#include "cli.h"

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include <cblas.h>

#include "backend/kernels.h"
#include "base/io.h"
#include "base/memory.h"
#include "help.h"
#include "logger.h"
#include "plugin/call.h"
#include "plugin/loaded_files.h"
#include "restart.h"
#include "run/pool.h"
#include "verbs.h"

/* Applies a letter that is an option of every subcommand. Returns false for any other. */
static bool apply_letter(char letter, cli_logger *logger, bool *help)
{
	if (letter == 'q')
		logger->least = CORE_WARNING;
	else if (letter == 'v')
		logger->least = CORE_DEBUG;
	else if (letter == 'h')
		*help = true;
	return strchr("qvh", letter) != NULL;
}

/* Applies -q, -v and -h, and removes them where they stand among letters without a value, as in -qk.
 * Returns false if other letters are left. */
static bool apply_letters(char *arg, cli_logger *logger, bool *help)
{
	char *kept = arg + 1;
	if (arg[0] != '-' || !arg[1] || arg[1 + strspn(arg + 1, "qvhkf")])
		return false;
	for (const char *letter = arg + 1; *letter; letter++)
		if (!apply_letter(*letter, logger, help))
			*kept++ = *letter;
	*kept = '\0';
	return kept == arg + 1;
}

/* Applies the options that every subcommand has and removes them from argv. Returns true for --help. */
static bool parse_common_options(int *argc, char **argv, cli_logger *logger)
{
	int kept = 0;
	bool help = false, after_dashes = false;
	for (int i = 0; i < *argc; i++) {
		const char *arg = argv[i];
		after_dashes = after_dashes || !strcmp(arg, "--");
		if (after_dashes || i == 0)
			argv[kept++] = argv[i];
		else if (!strcmp(arg, "--help"))
			help = true;
		else if (!strcmp(arg, "--quiet"))
			logger->least = CORE_WARNING;
		else if (!strcmp(arg, "--verbose"))
			logger->least = CORE_DEBUG;
		else if (!strcmp(arg, "--no-color"))
			logger->color = false;
		else if (!strcmp(arg, "--no-progress"))
			logger->no_progress = true;
		else if (!apply_letters(argv[i], logger, &help))
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
	if (core_errors_left_out(ctx))
		fprintf(stderr, "fairvox: ... and %zu more\n", core_errors_left_out(ctx));
}

static fv_status run_verb(
	fv_ctx *ctx, int argc, char **argv, cli_logger *logger, bool blas_is_correct)
{
	const cli_verb *verb = cli_find_verb(argv[0]);
	if (!verb)
		return cli_refuse_verb(ctx, argv[0]);
	if (parse_common_options(&argc, argv, logger)) {
		fputs(verb->usage, stdout);
		return cli_flush(ctx);
	}
	if (verb == &cli_verb_help)
		return verb->run(ctx, argc, argv);
	if (core_kernels_check(ctx) != FV_OK)
		return FV_CONFIG;
	const char *core_type = getenv("OPENBLAS_CORETYPE");
	if (!blas_is_correct)
		return fv_fail(ctx, FV_FAILED,
			"OpenBLAS's kernels for %s give wrong results on this processor: %s",
			openblas_get_corename(),
			core_type && *core_type ? "unset OPENBLAS_CORETYPE"
						: "no other kernels work either; install another "
						  "version of libopenblas0");
	return verb->run(ctx, argc, argv);
}

/* What seemed to succeed, or to fail for another reason, may have gone wrong because memory or descriptors ran out, or
 * because the disk did not give what a file holds. */
static fv_status judge_end(fv_ctx *ctx, fv_status status)
{
	if (core_pool_was_stopped(status))
		return status;
	if (core_memory_is_out())
		return core_error_count(ctx) ? FV_FAILED
					     : fv_fail(ctx, FV_FAILED, "%s", core_memory_reason());
	char *path = status ? NULL : core_copy_disk_error();
	if (path)
		status = fv_fail(ctx, FV_FAILED, "%s: %s", path, strerror(EIO));
	free(path);
	return status;
}

static int flush_output(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return FV_OK;
	fprintf(stderr, "fairvox: standard output: %s\n", strerror(errno));
	return FV_FAILED;
}

/* Ends the program at once if a plugin's file was overwritten: destructors in it would crash. */
static void skip_destructors(int exit_code)
{
	char text[CORE_OVERWRITTEN_SIZE];
	if (!core_loaded_file_was_overwritten(text))
		return;
	fflush(NULL);
	_exit(exit_code);
}

int main(int argc, char **argv)
{
	if (getauxval(AT_SECURE)) { /* it loads what its user names */
		fputs("fairvox: has other rights than its user (setuid, setgid or capabilities): "
		      "it must not be "
		      "installed so\n",
			stderr);
		return FV_CONFIG;
	}
	bool blas_is_correct = cli_restart(argv);
	signal(SIGXFSZ, SIG_IGN); /* writing beyond a limit then fails with EFBIG, which is told */
	setlocale(LC_CTYPE, "");  /* LC_NUMERIC stays C */
	if (argc < 2) {
		cli_print_help(stderr);
		return FV_CONFIG;
	}
	static char help[] = "help";
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		argv[1] = help;
	if (!strcmp(argv[1], "--version")) {
		printf("fairvox " FAIRVOX_VERSION "\nkernels %s\nblas_kernel %s\n",
			core_kernels_used()->name, openblas_get_corename());
		return flush_output();
	}
	cli_logger logger = cli_logger_new();
	fv_ctx *ctx = core_ctx_new();
	if (!ctx) {
		fputs("fairvox: out of memory\n", stderr);
		return FV_FAILED;
	}
	cli_logger_attach(ctx, &logger);
	core_call_watch();
	fv_status status = run_verb(ctx, argc - 1, argv + 1, &logger, blas_is_correct);
	core_warn_rest(ctx);
	cli_logger_clear(&logger);
	status = judge_end(ctx, status);
	print_errors(ctx);
	core_ctx_free(ctx);
	skip_destructors((int)status);
	return (int)status;
}
