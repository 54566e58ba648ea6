/* SPDX-License-Identifier: Apache-2.0 */
/* Failures, warnings and log lines of a context. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/context_private.h"

#define LINE_MAX_BYTES 2048

struct core_warned {
	core_warned *next;
	uint64_t hash;
};

/* Replaces control characters by \xHH, so that they do not reach a terminal. */
static void escape_controls(char *out, size_t size, const char *in)
{
	size_t n = 0;
	for (; *in && n + 5 < size; in++) {
		unsigned char c = (unsigned char)*in;
		if (c < 0x20 || c == 0x7f)
			n += (size_t)snprintf(out + n, size - n, "\\x%02x", c);
		else
			out[n++] = *in;
	}
	out[n] = '\0';
}

static fv_status record_failure(
	fv_ctx *ctx, fv_status status, const char *place, const char *format, va_list args)
{
	char raw[LINE_MAX_BYTES], line[LINE_MAX_BYTES + 512];
	int n = snprintf(raw, sizeof raw, "%s", place);
	size_t used = (size_t)n < sizeof raw ? (size_t)n : sizeof raw - 1;
	if (ctx->plugin)
		used += (size_t)snprintf(raw + used, sizeof raw - used, "plugin %s: ", ctx->plugin);
	if (used < sizeof raw)
		vsnprintf(raw + used, sizeof raw - used, format, args);
	escape_controls(line, sizeof line, raw);
	if (ctx->n_errors < CORE_ERRORS_KEPT) {
		char *kept = core_arena_alloc(&ctx->error_text, strlen(line) + 1);
		if (kept)
			strcpy(kept, line);
		ctx->errors[ctx->n_errors] = kept ? kept : "out of memory";
	}
	if (ctx->n_errors++ == 0)
		ctx->status = status;
	return status;
}

fv_status fv_fail(fv_ctx *ctx, fv_status status, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	record_failure(ctx, status, "", format, args);
	va_end(args);
	return status;
}

fv_status core_fail_at(fv_ctx *ctx, fv_status status, const char *file, int line, int column,
	const char *format, ...)
{
	char place[1024];
	if (column > 0)
		snprintf(place, sizeof place, "%s:%d:%d: ", file, line, column);
	else
		snprintf(place, sizeof place, "%s:%d: ", file, line);
	va_list args;
	va_start(args, format);
	record_failure(ctx, status, place, format, args);
	va_end(args);
	return status;
}

size_t core_error_count(const fv_ctx *ctx)
{
	return ctx->n_errors;
}

const char *core_error_line(const fv_ctx *ctx, size_t index)
{
	return index < ctx->n_errors && index < CORE_ERRORS_KEPT ? ctx->errors[index] : NULL;
}

fv_status core_error_status(const fv_ctx *ctx)
{
	return ctx->n_errors ? ctx->status : FV_OK;
}

void core_error_clear(fv_ctx *ctx)
{
	ctx->n_errors = 0;
	ctx->status = FV_OK;
	core_arena_reset(&ctx->error_text);
}

static void log_line(fv_ctx *ctx, core_level level, const char *format, va_list args)
{
	char raw[LINE_MAX_BYTES], line[LINE_MAX_BYTES + 512];
	size_t used = 0;
	if (ctx->plugin)
		used = (size_t)snprintf(raw, sizeof raw, "plugin %s: ", ctx->plugin);
	vsnprintf(raw + used, sizeof raw - used, format, args);
	escape_controls(line, sizeof line, raw);
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

void fv_warn(fv_ctx *ctx, const char *format, ...)
{
	char text[LINE_MAX_BYTES];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	uint64_t hash = fv_name_hash(text);
	for (core_warned *seen = ctx->warned; seen; seen = seen->next)
		if (seen->hash == hash)
			return;
	core_warned *seen = core_arena_alloc(&ctx->warned_text, sizeof *seen);
	if (seen) {
		*seen = (core_warned){ctx->warned, hash};
		ctx->warned = seen;
	}
	core_log(ctx, CORE_WARNING, "%s", text);
}

fv_status core_ctx_rejoin(fv_ctx *ctx, fv_ctx *aside, fv_status status)
{
	for (size_t i = 0; status && core_error_line(aside, i); i++)
		(void)fv_fail(ctx, status, "%s", core_error_line(aside, i));
	core_ctx_free(aside);
	return status;
}
