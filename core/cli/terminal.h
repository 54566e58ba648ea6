/* SPDX-License-Identifier: Apache-2.0 */
/* What standard output can show. */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/* Returns how many columns text may take: COLUMNS, else those of the terminal (80 if it does not say), else 100
 * for a file or pipe. At least 20. */
size_t cli_columns(void);

/* Is standard output a terminal that shows bold text? Not with NO_COLOR or TERM=dumb. */
bool cli_shows_bold(void);

#endif
