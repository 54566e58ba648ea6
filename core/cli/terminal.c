/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/number.h"

enum { UNKNOWN_TERMINAL = 80, NO_TERMINAL = 100, NARROWEST = 20 };

size_t cli_terminal_columns(int fd)
{
	struct winsize size;
	return !ioctl(fd, TIOCGWINSZ, &size) && size.ws_col ? size.ws_col : UNKNOWN_TERMINAL;
}

bool cli_is_terminal(int fd)
{
	const char *term = getenv("TERM");
	return isatty(fd) && !(term && !strcmp(term, "dumb"));
}

bool cli_wants_plain(void)
{
	const char *no_color = getenv("NO_COLOR");
	return no_color && *no_color;
}

size_t cli_columns(void)
{
	const char *said = getenv("COLUMNS");
	int64_t columns = 0;
	if (!said || !core_parse_int(said, &columns) || columns < 1)
		columns = isatty(STDOUT_FILENO) ? (int64_t)cli_terminal_columns(STDOUT_FILENO)
						: NO_TERMINAL;
	return columns < NARROWEST ? NARROWEST : (size_t)columns;
}

bool cli_shows_bold(void)
{
	return getenv("TERM") && cli_is_terminal(STDOUT_FILENO) && !cli_wants_plain();
}
