/* SPDX-License-Identifier: Apache-2.0 */
#include "logger.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/progress.h"
#include "terminal.h"

#define REDRAW_S 0.2 /* on a terminal */
#define LINE_S 60    /* elsewhere */

enum { BAR_WIDTH = 24 };

cli_logger cli_logger_new(void)
{
	bool terminal = cli_is_terminal(STDERR_FILENO);
	return (cli_logger){.least = CORE_INFO,
		.color = terminal && !cli_wants_plain(),
		.terminal = terminal,
		.shown_s = core_clock_s()};
}

void cli_logger_clear(cli_logger *logger)
{
	if (logger->drawn)
		fputs("\r\033[K", stderr);
	logger->drawn = false;
}

/* Draws the progress in one line that the terminal does not wrap: the bar gives way first. */
static void draw_progress(cli_logger *logger, const core_progress_state *state, const char *line)
{
	core_text bar = {0};
	int width = (int)cli_terminal_columns(STDERR_FILENO) - 1, length = (int)strlen(line);
	int room = width - length - (int)sizeof "[] " + 1;
	core_progress_bar(state, room < BAR_WIDTH ? room : BAR_WIDTH, &bar);
	cli_logger_clear(logger);
	fprintf(stderr, "%s%.*s", bar.data ? bar.data : "", width, line);
	logger->drawn = true;
	core_text_free(&bar);
}

static void show_progress(void *user, const core_progress_state *state)
{
	cli_logger *logger = user;
	double now_s = core_clock_s();
	if (logger->no_progress || logger->least > CORE_INFO ||
		now_s - logger->shown_s < (logger->terminal ? REDRAW_S : LINE_S))
		return;
	core_text line = {0};
	core_progress_line(state, &line);
	logger->shown_s = now_s;
	if (line.data && logger->terminal)
		draw_progress(logger, state, line.data);
	else if (line.data)
		fprintf(stderr, "fairvox: %s\n", line.data);
	core_text_free(&line);
}

static void log_line(void *user, core_level level, const char *line)
{
	cli_logger *logger = user;
	if (level < logger->least)
		return;
	cli_logger_clear(logger);
	const char *word = level == CORE_WARNING ? "warning: " : "";
	if (logger->color && level == CORE_WARNING)
		fprintf(stderr, "fairvox: \033[33m%s\033[0m%s\n", word, line);
	else
		fprintf(stderr, "fairvox: %s%s\n", word, line);
}

void cli_logger_attach(fv_ctx *ctx, cli_logger *logger)
{
	core_ctx_set_log(ctx, log_line, logger);
	core_ctx_set_progress(ctx, show_progress, logger);
}
