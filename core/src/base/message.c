/* SPDX-License-Identifier: Apache-2.0 */
/* Failures, warnings and log lines of a context. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/context_private.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/visible.h"

#define LINE_MAX_BYTES 2048

#define WARNINGS_KEPT 4096 /* texts that are told apart */

struct core_warned {
	core_warned *next;
	uint64_t text, cause;
};

/* Does the text end in the system's words for the error, behind a colon? Names in files may be such words. */
static bool tells_error(const char *text, int error)
{
	const char *words = strerror(error);
	size_t n = strlen(text), end = strlen(words);
	if (n < end || strcmp(text + n - end, words) != 0)
		return false;
	return n == end || (n > end + 1 && !strncmp(text + n - end - 2, ": ", 2));
}

/* Does a message begin with our words because it was written so? Its first word may come from a file. A format of
 * nothing but text passes on the message of another. */
static bool begins_with(const char *words, const char *format, const char *text)
{
	size_t n = strlen(words);
	if (!strncmp(format, "%s: ", 4))
		format += 4;
	return !strncmp(format, words, n) || (!strcmp(format, "%s") && !strncmp(text, words, n));
}

/* What the text says ran out, in our words or at its end in those of the system: an errno, or 0. */
static int find_lack(const char *format, const char *text)
{
	static const char ours[] = "out of memory";
	static const int lacks[] = {ENOMEM, EMFILE, ENFILE};
	if (begins_with(ours, format, text))
		return ENOMEM;
	for (size_t i = 0; i < sizeof lacks / sizeof *lacks; i++)
		if (tells_error(text, lacks[i]))
			return lacks[i];
	return 0;
}

/* What the disk did not give is no data that is damaged: the status, and the text, of a failure whose place is such a
 * file. */
static fv_status blame_disk(fv_status status, const char *place, const char **text)
{
	if (!core_is_failure(status))
		return status;
	if (tells_error(*text, EIO)) {
		core_note_disk_error(place);
		return FV_FAILED;
	}
	if (!core_has_disk_error(place))
		return status;
	*text = strerror(EIO);
	return FV_FAILED;
}

/* Records a failure with the path in front of its text. Once memory is out, what fails may fail for that reason,
 * and no other is told. */
static fv_status record_failure(
	fv_ctx *ctx, fv_status status, core_failure failure, const char *raw_place, const char *raw)
{
	int lack = find_lack(failure.format, raw);
	(void)core_memory_note_lack(lack);
	status = blame_disk(status, raw_place, &raw);
	if (core_memory_is_out() && core_is_failure(status))
		status = FV_FAILED;
	if (core_memory_is_out() && status == FV_FAILED && lack != core_memory_lack()) {
		failure = (core_failure){.kind = CORE_AT_NOTHING, .format = core_memory_reason()};
		raw_place = "";
		raw = failure.format;
	}
	char place[1200], lead[1400], text[LINE_MAX_BYTES + 512], plugin[128] = "";
	core_escape(place, sizeof place, raw_place);
	core_escape(text, sizeof text, raw);
	if (ctx->plugin)
		snprintf(plugin, sizeof plugin, "plugin %s: ", ctx->plugin);
	const char *colon = *place ? ": " : "";
	if (failure.kind == CORE_AT_FILE)
		snprintf(lead, sizeof lead, "%s%s%s", plugin, place, colon);
	else
		snprintf(lead, sizeof lead, "%s%s%s", place, colon, plugin);
	failure.exact = failure.kind == CORE_AT_COLUMN || failure.kind == CORE_AT_NOTHING ||
			(failure.kind == CORE_AT_FILE && status == FV_CONFIG);
	failure.place = place;
	failure.lead = lead;
	failure.text = text;
	core_causes_add(&ctx->errors, &failure);
	if (ctx->errors.recorded == 1)
		ctx->status = status;
	return status;
}

/* Returns the path that a message "PATH: ..." starts with, or NULL. `args` are those of the format. */
static const char *find_path(const char *format, const char *text, va_list args)
{
	if (strncmp(format, "%s: ", 4) != 0)
		return NULL;
	const char *path = va_arg(args, const char *);
	size_t n = path ? strlen(path) : 0;
	return n && !strncmp(path, text, n) && !strncmp(text + n, ": ", 2) ? path : NULL;
}

fv_status fv_fail(fv_ctx *ctx, fv_status status, const char *format, ...)
{
	char text[LINE_MAX_BYTES];
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	vsnprintf(text, sizeof text, format, args);
	const char *path = find_path(format, text, again);
	va_end(again);
	va_end(args);
	core_failure failure = {
		.kind = path ? CORE_AT_FILE : CORE_AT_NOTHING, .file = path, .format = format};
	return record_failure(
		ctx, status, failure, path ? path : "", path ? text + strlen(path) + 2 : text);
}

fv_status core_fail_at_va(fv_ctx *ctx, fv_status status, const char *file, int line, int column,
	const char *format, va_list args)
{
	char place[1024], text[LINE_MAX_BYTES];
	if (column > 0)
		snprintf(place, sizeof place, "%s:%d:%d", file, line, column);
	else if (line > 0)
		snprintf(place, sizeof place, "%s:%d", file, line);
	else
		snprintf(place, sizeof place, "%s", file);
	vsnprintf(text, sizeof text, format, args);
	core_failure failure = {.kind = column > 0 ? CORE_AT_COLUMN
					: line > 0 ? CORE_AT_LINE
						   : CORE_AT_FILE,
		.file = file,
		.format = format,
		.line = line,
		.column = column};
	return record_failure(ctx, status, failure, place, text);
}

fv_status core_fail_at(fv_ctx *ctx, fv_status status, const char *file, int line, int column,
	const char *format, ...)
{
	va_list args;
	va_start(args, format);
	status = core_fail_at_va(ctx, status, file, line, column, format, args);
	va_end(args);
	return status;
}

size_t core_error_count(const fv_ctx *ctx)
{
	return ctx->errors.recorded;
}

size_t core_error_lines(const fv_ctx *ctx)
{
	return ctx->errors.n;
}

const char *core_error_line(const fv_ctx *ctx, size_t index)
{
	if (index >= ctx->errors.n)
		return NULL;
	const char *line = ctx->errors.cause[index].message;
	return line ? line : "out of memory";
}

size_t core_errors_left_out(const fv_ctx *ctx)
{
	return ctx->errors.left_out;
}

fv_status core_error_status(const fv_ctx *ctx)
{
	return ctx->errors.recorded ? ctx->status : FV_OK;
}

void core_error_clear(fv_ctx *ctx)
{
	ctx->status = FV_OK;
	core_causes_clear(&ctx->errors);
}

const core_reason *core_error_take(fv_ctx *ctx, fv_ctx *from, fv_status status)
{
	static const core_reason no_memory = {FV_FAILED, "out of memory"};
	core_reason *reason = core_alloc(ctx, 1, sizeof *reason);
	core_text text = {0};
	for (size_t i = 0; core_error_line(from, i); i++)
		core_text_add(&text, "%s%s", i ? "\n" : "", core_error_line(from, i));
	if (core_errors_left_out(from))
		core_text_add(&text, "\n... and %zu more", core_errors_left_out(from));
	if (!text.size)
		core_text_add(&text, "failed without a reason");
	char *copy = text.failed ? NULL : core_strdup(ctx, text.data);
	core_text_free(&text);
	core_error_clear(from);
	if (!reason || !copy) {
		core_error_clear(ctx);
		return &no_memory;
	}
	*reason = (core_reason){status, copy};
	return reason;
}

fv_status core_reason_report(fv_ctx *ctx, const char *path, const core_reason *reason)
{
	bool was_out = core_memory_is_out();
	for (const char *line = reason->text; *line;) {
		size_t n = strcspn(line, "\n");
		(void)fv_fail(ctx, reason->status, "%s: %.*s", path, (int)n, line);
		line += n + (line[n] == '\n');
		if (!was_out) /* where memory ran out is not here */
			core_memory_forget();
	}
	return reason->status;
}

static void log_line(fv_ctx *ctx, core_level level, const char *format, va_list args)
{
	char raw[LINE_MAX_BYTES], line[LINE_MAX_BYTES + 512];
	size_t used = 0;
	if (ctx->plugin)
		used = (size_t)snprintf(raw, sizeof raw, "plugin %s: ", ctx->plugin);
	vsnprintf(raw + used, sizeof raw - used, format, args);
	core_escape(line, sizeof line, raw);
	ctx->sink(ctx->sink_user, level, line);
}

void core_log(fv_ctx *ctx, core_level level, const char *format, ...)
{
	if (!ctx->sink)
		return;
	va_list args;
	va_start(args, format);
	log_line(ctx, level, format, args);
	va_end(args);
}

/* Returns true if the text is to be shown: it is new, and no more than three of its cause were. */
static bool note_warning(fv_ctx *ctx, uint64_t text, uint64_t cause)
{
	int alike = 0;
	for (const core_warned *seen = ctx->warned; seen; seen = seen->next) {
		if (seen->text == text)
			return false;
		alike += seen->cause == cause;
	}
	if (ctx->n_warned == WARNINGS_KEPT) {
		ctx->warned_left_out++;
		return false;
	}
	core_warned *seen = core_arena_alloc(&ctx->warned_text, sizeof *seen);
	if (seen) {
		*seen = (core_warned){ctx->warned, text, cause};
		ctx->warned = seen;
		ctx->n_warned++;
	}
	ctx->warned_left_out += alike >= CORE_CAUSE_LISTED;
	return alike < CORE_CAUSE_LISTED;
}

/* Shows a text of a warning or a note unless enough alike were shown. */
static void FV_PRINTF(3, 0)
	log_once(fv_ctx *ctx, core_level level, const char *format, va_list args)
{
	char text[LINE_MAX_BYTES];
	int size = vsnprintf(text, sizeof text, format, args);
	if (ctx->about && size >= 0 && (size_t)size < sizeof text)
		snprintf(text + size, sizeof text - (size_t)size, " (%s)", ctx->about);
	uint64_t cause =
		core_format_has_words(format) ? fv_name_hash(format) : core_text_shape(text);
	if (note_warning(ctx, fv_name_hash(text), cause))
		core_log(ctx, level, "%s", text);
}

void fv_warn(fv_ctx *ctx, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_once(ctx, CORE_WARNING, format, args);
	va_end(args);
}

void fv_note(fv_ctx *ctx, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	log_once(ctx, CORE_INFO, format, args);
	va_end(args);
}

void core_warn_rest(fv_ctx *ctx)
{
	if (ctx->warned_left_out)
		core_log(ctx, CORE_WARNING, "%zu more like those above", ctx->warned_left_out);
	ctx->warned_left_out = 0;
}

fv_status core_ctx_rejoin(fv_ctx *ctx, fv_ctx *aside, fv_status status)
{
	if (status && aside->errors.recorded) {
		if (!ctx->errors.recorded)
			ctx->status = status;
		core_causes_join(&ctx->errors, &aside->errors);
	}
	core_ctx_free(aside);
	return status;
}
