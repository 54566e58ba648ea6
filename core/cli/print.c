/* SPDX-License-Identifier: Apache-2.0 */
/* Standard output: lines for people, and data for programs, which a terminal may show all the same. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/visible.h"

#include "cli.h"

/* Prints a text, its lines as core_put_visible shows them. Changes the text while it does so. */
static void print_lines(char *lines)
{
	for (char *line = lines, *end; line; line = end) {
		core_text visible = {0};
		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		(void)core_put_visible(&visible, line);
		fputs(visible.data ? visible.data : "", stdout);
		if (end) {
			putchar('\n');
			*end++ = '\n';
		}
		core_text_free(&visible);
	}
}

void cli_printf(const char *format, ...)
{
	char *lines;
	va_list args;
	va_start(args, format);
	int n = vasprintf(&lines, format, args);
	va_end(args);
	if (n < 0) {
		core_memory_note_failure();
		return;
	}
	print_lines(lines);
	free(lines);
}

fv_status cli_print(fv_ctx *ctx, const core_text *text)
{
	if (text->failed || core_memory_is_out())
		return fv_fail(ctx, FV_FAILED, "%s", core_memory_reason());
	if (text->size)
		fwrite(text->data, 1, text->size, stdout);
	return FV_OK;
}

fv_status cli_print_lines(fv_ctx *ctx, const core_text *text)
{
	if (text->failed || core_memory_is_out())
		return fv_fail(ctx, FV_FAILED, "%s", core_memory_reason());
	if (text->size)
		print_lines(text->data);
	return FV_OK;
}

fv_status cli_print_csv(fv_ctx *ctx, const core_text *text)
{
	return isatty(STDOUT_FILENO) ? cli_print_lines(ctx, text) : cli_print(ctx, text);
}

fv_status cli_print_json(fv_ctx *ctx, const char *json)
{
	core_text out = {0};
	if (!json)
		return FV_FAILED;
	core_put_json(&out, json);
	if (out.size && out.data[out.size - 1] != '\n')
		core_text_add(&out, "\n");
	fv_status status = cli_print(ctx, &out);
	core_text_free(&out);
	return status;
}

fv_status cli_flush(fv_ctx *ctx)
{
	if (core_memory_is_out())
		return fv_fail(ctx, FV_FAILED, "%s", core_memory_reason());
	if (fflush(stdout) || ferror(stdout))
		return fv_fail(ctx, FV_FAILED, "standard output: %s", strerror(errno));
	return FV_OK;
}
