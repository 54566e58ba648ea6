/* SPDX-License-Identifier: Apache-2.0 */
/* The help text of a subcommand, taken apart: man pages and completion in the shell are made from it, so that an
 * option is written down once.
 *
 * The text has synopsis lines, a blank line, paragraphs, lists, and the options:
 *
 *     usage: fairvox run [OPTION...] CONFIG [KEY=VALUE...]
 *
 *     What it does.
 *
 *     FIGURE:                              a list: a heading, then an item a line, its word first
 *       effects    change of gap and F1
 *
 *       -j, --jobs N       worker processes
 *           --dry-run      no value: two blanks or more after the name
 *           --fold F text  a value: one blank after the name
 *
 * A line that starts further right than the option's name goes on with its text. */
#ifndef CLI_HELP_PAGE_H
#define CLI_HELP_PAGE_H

#include "cli.h"

typedef struct cli_help_option {
	char letter;       /* '\0': none */
	const char *name;  /* without dashes; NULL: a letter only */
	const char *value; /* what stands for its value; NULL: it takes none */
	const char *doc;   /* in one line */
} cli_help_option;

/* A line of a list, with the word in front; or of a paragraph, whose word is NULL. */
typedef struct cli_help_line {
	const char *word, *text;
} cli_help_line;

enum { CLI_HELP_SYNOPSES = 8, CLI_HELP_LINES = 64, CLI_HELP_OPTIONS = 48 };

typedef struct cli_help_page {
	const char *synopsis[CLI_HELP_SYNOPSES]; /* without "usage: " and blanks at the ends */
	size_t n_synopses;
	cli_help_line line[CLI_HELP_LINES]; /* an empty text between paragraphs */
	size_t n_lines;
	cli_help_option option[CLI_HELP_OPTIONS];
	size_t n_options;
} cli_help_page;

/* Takes a help text apart. The page lives as long as the context. Errors: FV_FAILED when memory is out or the text
 * has more lines than a page. */
FV_NODISCARD fv_status cli_help_parse(fv_ctx *ctx, const char *usage, cli_help_page *page);

/* The option with this long name, or this letter if `name` is NULL; NULL: none. */
const cli_help_option *cli_help_find(
	const cli_help_page *page, const char *name, size_t size, char letter);

/* Options of every subcommand, in the form of a help text. */
extern const char cli_common_options[];

#endif
