/* SPDX-License-Identifier: Apache-2.0 */
#include "base/context.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/context_private.h"

#define ERRORS_KEPT 20
#define LINE_MAX_BYTES 2048

struct core_warned {
	core_warned *next;
	uint64_t hash;
};

fv_ctx *core_ctx_new(void)
{
	return calloc(1, sizeof(fv_ctx));
}

void core_ctx_free(fv_ctx *ctx)
{
	if (!ctx)
		return;
	core_arena_free(&ctx->scratch);
	core_arena_free(&ctx->error_text);
	core_arena_free(&ctx->warned_text);
	core_arena_free(&ctx->memory);
	free(ctx);
}

fv_ctx *core_ctx_aside(fv_ctx *ctx)
{
	fv_ctx *aside = core_ctx_new();
	if (!aside)
		(void)fv_fail(ctx, FV_FAILED, "out of memory");
	return aside;
}

fv_status core_ctx_rejoin(fv_ctx *ctx, fv_ctx *aside, fv_status status)
{
	for (size_t i = 0; status && core_error_line(aside, i); i++)
		(void)fv_fail(ctx, status, "%s", core_error_line(aside, i));
	core_ctx_free(aside);
	return status;
}

void core_ctx_set_run(fv_ctx *ctx, uint64_t seed, int64_t fold)
{
	ctx->seed = seed;
	ctx->fold = fold;
}

void core_ctx_set_plugin(fv_ctx *ctx, const char *name)
{
	ctx->plugin = name;
}

void core_ctx_set_log(fv_ctx *ctx, core_log_sink sink, void *user)
{
	ctx->sink = sink;
	ctx->sink_user = user;
}

void core_ctx_set_networks(fv_ctx *ctx, struct core_networks *networks)
{
	ctx->networks = networks;
}

struct core_networks *core_ctx_networks(const fv_ctx *ctx)
{
	return ctx->networks;
}

void core_ctx_set_stages(fv_ctx *ctx, struct core_stages *stages)
{
	ctx->stages = stages;
}

struct core_stages *core_ctx_stages(const fv_ctx *ctx)
{
	return ctx->stages;
}

void core_ctx_set_scope(fv_ctx *ctx, int32_t scope)
{
	ctx->scope = scope;
}

void core_ctx_copy_log(fv_ctx *ctx, const fv_ctx *from)
{
	core_ctx_set_log(ctx, from->sink, from->sink_user);
}

/* Control characters must not reach a terminal: each becomes \xHH. */
static void escape(char *out, size_t size, const char *in)
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

static fv_status record(
	fv_ctx *ctx, fv_status status, const char *place, const char *format, va_list args)
{
	char raw[LINE_MAX_BYTES], line[LINE_MAX_BYTES + 512];
	int n = snprintf(raw, sizeof raw, "%s", place);
	size_t used = (size_t)n < sizeof raw ? (size_t)n : sizeof raw - 1;
	if (ctx->plugin)
		used += (size_t)snprintf(raw + used, sizeof raw - used, "plugin %s: ", ctx->plugin);
	if (used < sizeof raw)
		vsnprintf(raw + used, sizeof raw - used, format, args);
	escape(line, sizeof line, raw);
	if (ctx->n_errors < ERRORS_KEPT) {
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
	record(ctx, status, "", format, args);
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
	record(ctx, status, place, format, args);
	va_end(args);
	return status;
}

size_t core_error_count(const fv_ctx *ctx)
{
	return ctx->n_errors;
}

const char *core_error_line(const fv_ctx *ctx, size_t index)
{
	return index < ctx->n_errors && index < ERRORS_KEPT ? ctx->errors[index] : NULL;
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
	escape(line, sizeof line, raw);
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

void *core_alloc(fv_ctx *ctx, size_t n, size_t size)
{
	void *memory = NULL;
	if (size == 0 || n <= SIZE_MAX / size)
		memory = core_arena_alloc(&ctx->memory, n * size > 0 ? n * size : 1);
	if (!memory) {
		(void)fv_fail(ctx, FV_FAILED, "out of memory (%zu x %zu bytes)", n, size);
		return NULL;
	}
	return memset(memory, 0, n * size);
}

void *fv_alloc(fv_ctx *ctx, size_t bytes)
{
	return core_alloc(ctx, bytes, 1);
}

void *fv_scratch(fv_ctx *ctx, size_t bytes)
{
	void *memory = core_arena_alloc(&ctx->scratch, bytes ? bytes : 1);
	if (!memory)
		(void)fv_fail(ctx, FV_FAILED, "out of memory (%zu bytes)", bytes);
	return memory;
}

void core_scratch_reset(fv_ctx *ctx)
{
	core_arena_reset(&ctx->scratch);
}

core_mark core_ctx_mark(const fv_ctx *ctx)
{
	return (core_mark){core_arena_get_mark(&ctx->memory), ctx->n_arrays};
}

void core_ctx_release(fv_ctx *ctx, core_mark mark)
{
	core_arena_release(&ctx->memory, mark.memory);
	ctx->n_arrays = mark.n_arrays;
}

char *core_strndup(fv_ctx *ctx, const char *text, size_t n)
{
	char *copy = core_alloc(ctx, n + 1, 1);
	if (copy)
		memcpy(copy, text, n);
	return copy;
}

char *core_strdup(fv_ctx *ctx, const char *text)
{
	return core_strndup(ctx, text, strlen(text));
}

char *core_format(fv_ctx *ctx, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	char *text = n < 0 ? NULL : core_alloc(ctx, (size_t)n + 1, 1);
	if (!text)
		return NULL;
	va_start(args, format);
	vsnprintf(text, (size_t)n + 1, format, args);
	va_end(args);
	return text;
}

size_t core_type_size(fv_type type)
{
	switch (type) {
	case FV_F32:
	case FV_I32:
		return 4;
	case FV_F64:
	case FV_I64:
		return 8;
	case FV_U8:
		return 1;
	}
	return 0;
}

#define SCOPE "stage%d."

const char *core_array_label(const fv_ctx *ctx, const core_array *array)
{
	int scope, used = 0;
	if (sscanf(array->name, SCOPE "%n", &scope, &used) != 1 || !used)
		return array->name;
	return scope == ctx->scope ? array->name + used : NULL;
}

static core_array *find_array(fv_ctx *ctx, const char *name)
{
	for (size_t i = 0; i < ctx->n_arrays; i++)
		if (!strcmp(ctx->arrays[i].name, name))
			return &ctx->arrays[i];
	return NULL;
}

void *core_array_make(fv_ctx *ctx, const char *name, fv_type type, int64_t n0, int64_t n1)
{
	const core_array *found = find_array(ctx, name);
	if (found) {
		if (found->type == type && found->n0 == n0 && found->n1 == n1)
			return found->data;
		(void)fv_fail(ctx, FV_FAILED, "array '%s' asked for again in another shape", name);
		return NULL;
	}
	size_t bytes = core_type_size(type);
	if (n0 < 0 || n1 < 0 || !bytes || (n1 && (uint64_t)n0 > SIZE_MAX / bytes / (uint64_t)n1)) {
		(void)fv_fail(ctx, FV_FAILED, "array '%s': bad shape", name);
		return NULL;
	}
	if (ctx->n_arrays == CORE_ARRAYS_MAX) {
		(void)fv_fail(
			ctx, FV_FAILED, "array '%s': more than %d arrays", name, CORE_ARRAYS_MAX);
		return NULL;
	}
	core_array array = {core_strdup(ctx, name), type, n0, n1, NULL};
	array.data = core_alloc(ctx, (size_t)n0 * (size_t)n1, bytes);
	if (!array.name || !array.data)
		return NULL;
	ctx->arrays[ctx->n_arrays++] = array;
	return array.data;
}

void *fv_array(fv_ctx *ctx, const char *label, fv_type type, int64_t n0, int64_t n1)
{
	char name[256];
	if (strlen(label) > 200) {
		(void)fv_fail(
			ctx, FV_FAILED, "array '%.40s...': a name of more than 200 bytes", label);
		return NULL;
	}
	int used = ctx->scope ? snprintf(name, sizeof name, SCOPE, (int)ctx->scope) : 0;
	snprintf(name + used, sizeof name - (size_t)used, "%s", label);
	return core_array_make(ctx, name, type, n0, n1);
}

size_t core_array_count(const fv_ctx *ctx)
{
	return ctx->n_arrays;
}

const core_array *core_array_at(const fv_ctx *ctx, size_t index)
{
	return &ctx->arrays[index];
}
