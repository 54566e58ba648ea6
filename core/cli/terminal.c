/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/number.h"

enum { UNKNOWN_TERMINAL = 80, NO_TERMINAL = 100, NARROWEST = 20 };

size_t cli_columns(void)
{
	const char *said = getenv("COLUMNS");
	struct winsize size;
	int64_t columns = 0;
	if (!said || !core_parse_int(said, &columns) || columns < 1) {
		if (!isatty(STDOUT_FILENO))
			columns = NO_TERMINAL;
		else if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
			columns = size.ws_col;
		else
			columns = UNKNOWN_TERMINAL;
	}
	return columns < NARROWEST ? NARROWEST : (size_t)columns;
}

bool cli_shows_bold(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	bool dumb = !term || !strcmp(term, "dumb");
	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && !dumb;
}
