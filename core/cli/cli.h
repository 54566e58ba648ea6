/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs share. Each verb is one file that defines one cli_verb; main.c lists them. Only this
 * folder prints or exits: data on stdout, everything else on stderr. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "base/context.h"

typedef struct cli_verb {
	const char *name;
	const char *summary; /* one line, for `fairvox help` */
	const char *usage;   /* whole help text, printed by --help */
	/* argv[0] is the verb. Returns FV_OK or a failure whose words are in ctx: main prints them and
	 * makes the status the exit code. */
	fv_status (*run)(fv_ctx *ctx, int argc, char **argv);
} cli_verb;

/* getopt_long with our messages: returns the option's val, -1 at the end, '?' after recording a usage
 * error. --help, -h, -q/--quiet, -v/--verbose and --no-color are handled by main before the verb. */
struct option;
int cli_option(fv_ctx *ctx, int argc, char **argv, const char *shorts, const struct option *longs);
FV_NODISCARD fv_status cli_int(
	fv_ctx *ctx, const char *option, const char *text, int64_t low, int64_t high, int64_t *out);

/* --plugins DIR, repeated. */
typedef struct cli_folders {
	const char *path[32];
	size_t n;
} cli_folders;
FV_NODISCARD fv_status cli_add_folder(fv_ctx *ctx, cli_folders *folders, const char *path);

/* Flushes stdout; a failed write (full disk, closed pipe) is FV_FAILED. Call it last. */
FV_NODISCARD fv_status cli_flush(fv_ctx *ctx);

#endif
