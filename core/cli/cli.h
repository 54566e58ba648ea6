/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers shared by the subcommands. Each subcommand is one file that defines one cli_verb; main.c lists
 * them. Only this folder prints or exits: data goes to stdout, everything else to stderr. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "base/context.h"
#include "base/text.h"

typedef struct cli_verb {
	const char *name;
	const char *summary; /* one line, for `fairvox help` */
	const char *usage;   /* the help text that --help prints */
	/* argv[0] is the subcommand. A failure leaves its messages in ctx; main prints them and exits with
	 * the status. */
	fv_status (*run)(fv_ctx *ctx, int argc, char **argv);
} cli_verb;

/* getopt_long with fairvox's messages: returns the option's val, -1 at the end, or '?' after recording a
 * usage error. main has already handled the options of every subcommand (--help, --quiet, ...). */
struct option;
int cli_option(fv_ctx *ctx, int argc, char **argv, const char *shorts, const struct option *longs);
/* Parses a whole number from low to high. FV_CONFIG, naming the option, for any other text. */
FV_NODISCARD fv_status cli_int(
	fv_ctx *ctx, const char *option, const char *text, int64_t low, int64_t high, int64_t *out);

/* The folders of a repeated --plugins DIR. */
typedef struct cli_folders {
	const char *path[32];
	size_t n;
} cli_folders;
/* Applies --op-timeout. */
FV_NODISCARD fv_status cli_set_op_timeout(fv_ctx *ctx, const char *text);
#define CLI_OP_TIMEOUT                                                                             \
	{                                                                                          \
		"op-timeout", required_argument, NULL, 'T'                                         \
	}
#define CLI_OP_TIMEOUT_HELP                                                                        \
	"      --op-timeout S give up if a plugin does not return from an op within S\n"           \
	"                     seconds (default 600; 0: never)\n"

FV_NODISCARD fv_status cli_add_folder(fv_ctx *ctx, cli_folders *folders, const char *path);

/* FV_CONFIG if nothing is at a path that the command line names. Anything else that is wrong with it is told where it is
 * opened. */
FV_NODISCARD fv_status cli_check_exists(fv_ctx *ctx, const char *path);

/* Prints lines for people. Whatever else than the ends of lines could act on a terminal is escaped (base/visible.h), as
 * names of files, of groups, and reasons in results of others may hold it. */
void cli_printf(const char *format, ...) FV_PRINTF(1, 2);
/* Prints a text that is complete: nothing of it when memory ran out. */
FV_NODISCARD fv_status cli_print(fv_ctx *ctx, const core_text *text);
/* The same for plain text with names of others in it, which is escaped as by cli_printf. */
FV_NODISCARD fv_status cli_print_lines(fv_ctx *ctx, const core_text *text);
/* The same for CSV: as it is into a file or pipe, escaped on a terminal. */
FV_NODISCARD fv_status cli_print_csv(fv_ctx *ctx, const core_text *text);
/* Prints JSON, and the end of a line; what could act on a terminal is written as an escape of JSON, which means the same. NULL: making it failed, which
 * ctx says. */
FV_NODISCARD fv_status cli_print_json(fv_ctx *ctx, const char *json);
/* Flushes stdout. Returns FV_FAILED if a write failed (full disk, closed pipe). Call it last. */
FV_NODISCARD fv_status cli_flush(fv_ctx *ctx);

#endif
