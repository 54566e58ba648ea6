/* SPDX-License-Identifier: Apache-2.0 */
#include "help_page.h"

#include <ctype.h>
#include <string.h>

const char cli_common_options[] = "  -q, --quiet     print warnings and errors only\n"
				  "  -v, --verbose   print debug messages too\n"
				  "  --no-color      print warnings without color\n"
				  "  --no-progress   print no progress\n"
				  "  -h, --help      print help\n";

static fv_status report_too_long(fv_ctx *ctx)
{
	return fv_fail(ctx, FV_FAILED, "a help text has more lines than a page holds");
}

static size_t count_blanks(const char *text)
{
	return strspn(text, " ");
}

/* Whether a line of that size starts an option: blanks, then '-' or '--' and a letter. */
static bool starts_option(const char *line, size_t size)
{
	size_t blanks = count_blanks(line);
	if (blanks < 2 || blanks + 1 >= size || line[blanks] != '-')
		return false;
	const char *name = line + blanks + 1 + (line[blanks + 1] == '-');
	return islower((unsigned char)*name) != 0;
}

/* Joins two texts by a blank; either may be "" or NULL. */
static const char *join_texts(fv_ctx *ctx, const char *a, const char *b, size_t size)
{
	if (!a || !*a)
		return core_strndup(ctx, b, size);
	return size ? core_format(ctx, "%s %.*s", a, (int)size, b) : a;
}

static fv_status add_synopsis(fv_ctx *ctx, const char *line, size_t size, cli_help_page *page)
{
	static const char usage[] = "usage: ";
	size_t skipped = strncmp(line, usage, strlen(usage)) ? count_blanks(line) : strlen(usage);
	const char *text = line + skipped;
	size -= skipped;
	if (strncmp(text, "fairvox", strlen("fairvox")) != 0 && page->n_synopses) {
		const char **last = &page->synopsis[page->n_synopses - 1];
		*last = join_texts(ctx, *last, text, size);
		return *last ? FV_OK : FV_FAILED;
	}
	if (page->n_synopses == CLI_HELP_SYNOPSES)
		return report_too_long(ctx);
	page->synopsis[page->n_synopses] = core_strndup(ctx, text, size);
	return page->synopsis[page->n_synopses++] ? FV_OK : FV_FAILED;
}

/* Adds a line of a paragraph, joined to the one before, or an item of a list. */
static fv_status add_line(fv_ctx *ctx, const char *line, size_t size, cli_help_page *page)
{
	size_t blanks = count_blanks(line);
	cli_help_line *last = page->n_lines ? &page->line[page->n_lines - 1] : NULL;
	if (size && !blanks && last && *last->text && !last->word) {
		last->text = join_texts(ctx, last->text, line, size);
		return last->text ? FV_OK : FV_FAILED;
	}
	if (page->n_lines == CLI_HELP_LINES)
		return report_too_long(ctx);
	cli_help_line *added = &page->line[page->n_lines++];
	size_t word = blanks ? strcspn(line + blanks, " \n") : 0, start = blanks + word;
	if (word) {
		added->word = core_strndup(ctx, line + blanks, word);
		start += count_blanks(line + start);
	}
	added->text = core_strndup(ctx, line + start, size - start);
	return added->text && (!word || added->word) ? FV_OK : FV_FAILED;
}

/* Adds an option: "  -j, --jobs N  text". */
static fv_status add_option(fv_ctx *ctx, const char *line, size_t size, cli_help_page *page)
{
	const char *at = line + count_blanks(line), *end = line + size;
	if (page->n_options == CLI_HELP_OPTIONS)
		return report_too_long(ctx);
	cli_help_option *o = &page->option[page->n_options++];
	if (at[1] != '-') {
		o->letter = at[1];
		at += 2;
		at += !strncmp(at, ", --", 4) ? 2 : 0;
	}
	if (!strncmp(at, "--", 2)) {
		size_t n = strcspn(at, " \n");
		o->name = core_strndup(ctx, at + 2, n - 2);
		if (!o->name)
			return FV_FAILED;
		at += n;
	}
	if (at + 1 < end && at[0] == ' ' && at[1] != ' ') {
		size_t n = strcspn(at + 1, " \n");
		o->value = core_strndup(ctx, at + 1, n);
		if (!o->value)
			return FV_FAILED;
		at += n + 1;
	}
	at += at < end ? count_blanks(at) : 0;
	o->doc = core_strndup(ctx, at, (size_t)(end - at));
	return o->doc ? FV_OK : FV_FAILED;
}

static fv_status add_to_option(fv_ctx *ctx, const char *line, size_t size, cli_help_page *page)
{
	cli_help_option *o = &page->option[page->n_options - 1];
	size_t blanks = count_blanks(line);
	if (blanks >= size)
		return FV_OK;
	o->doc = join_texts(ctx, o->doc, line + blanks, size - blanks);
	return o->doc ? FV_OK : FV_FAILED;
}

fv_status cli_help_parse(fv_ctx *ctx, const char *usage, cli_help_page *page)
{
	bool in_synopsis = !strncmp(usage, "usage:", strlen("usage:"));
	fv_status status = FV_OK;
	*page = (cli_help_page){0};
	for (const char *line = usage; !status && *line;) {
		size_t size = strcspn(line, "\n");
		if (in_synopsis && size)
			status = add_synopsis(ctx, line, size, page);
		else if (in_synopsis)
			in_synopsis = false;
		else if (starts_option(line, size))
			status = add_option(ctx, line, size, page);
		else if (page->n_options)
			status = add_to_option(ctx, line, size, page);
		else
			status = add_line(ctx, line, size, page);
		line += size + (line[size] == '\n');
	}
	return status;
}

const cli_help_option *cli_help_find(
	const cli_help_page *page, const char *name, size_t size, char letter)
{
	for (size_t i = 0; i < page->n_options; i++) {
		const cli_help_option *o = &page->option[i];
		if (name ? o->name && strlen(o->name) == size && !strncmp(o->name, name, size)
			 : o->letter == letter)
			return o;
	}
	return NULL;
}
