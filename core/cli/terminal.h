/* SPDX-License-Identifier: Apache-2.0 */
/* What standard output and standard error can show. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* Returns the columns of the terminal that a file descriptor is; 80 if it does not say. */
size_t cli_terminal_columns(int fd);
/* Is the file descriptor a terminal that understands escape sequences? Not with TERM=dumb. */
bool cli_is_terminal(int fd);
/* Does the user want no colour and no bold text (NO_COLOR)? */
bool cli_wants_plain(void);

/* Returns how many columns text on standard output may take: COLUMNS, else those of the terminal (80 if it does not say), else 100
 * for a file or pipe. At least 20. */
size_t cli_columns(void);

/* Is standard output a terminal that may show bold text? */
bool cli_shows_bold(void);

#endif
