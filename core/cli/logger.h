/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the log and the progress of the program on standard error. */
#ifndef CLI_LOGGER_H
#define CLI_LOGGER_H

#include "cli.h"

typedef struct cli_logger {
	core_level least; /* lower levels are not printed */
	bool color, no_progress;
	bool terminal;  /* standard error can redraw a line */
	bool drawn;     /* a progress line is on the terminal */
	double shown_s; /* when progress was last printed */
} cli_logger;

/* Looks at standard error, TERM and NO_COLOR. */
cli_logger cli_logger_new(void);
/* Makes the context write to the logger, which must outlive it. */
void cli_logger_attach(fv_ctx *ctx, cli_logger *logger);
/* Removes the progress line from the terminal. */
void cli_logger_clear(cli_logger *logger);

#endif
