/* SPDX-License-Identifier: Apache-2.0 */
/* fairvox help: the program's help, and man pages. */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include "cli.h"

void cli_print_help(FILE *out);
/* Writes fairvox.1, a page for each subcommand, fairvox-config.5 and fairvox-parameters.7 into a folder, which is
 * made if need be. */
FV_NODISCARD fv_status cli_write_man_pages(fv_ctx *ctx, const char *folder);

/* What follows the subcommands in `fairvox help`: exit codes and variables. */
extern const char cli_exit_codes[], cli_environment[];

#endif
