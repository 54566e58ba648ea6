/* SPDX-License-Identifier: Apache-2.0 */
#include "base/context.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/context_private.h"
#include "base/fence.h"
#include "base/memory.h"

fv_ctx *core_ctx_new(void)
{
	core_memory_watch_json();
	fv_ctx *ctx = calloc(1, sizeof *ctx);
	if (!ctx)
		core_memory_note_failure();
	return ctx;
}

void core_ctx_free(fv_ctx *ctx)
{
	if (!ctx)
		return;
	core_arena_free(&ctx->scratch);
	core_causes_free(&ctx->errors);
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

void core_ctx_set_run(fv_ctx *ctx, uint64_t seed, int64_t fold)
{
	ctx->seed = seed;
	ctx->fold = fold;
}

void core_ctx_set_about(fv_ctx *ctx, const char *about)
{
	ctx->about = about;
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

void core_ctx_set_progress(fv_ctx *ctx, core_progress_sink sink, void *user)
{
	ctx->progress_sink = sink;
	ctx->progress_user = user;
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

void core_ctx_set_device(fv_ctx *ctx, core_device *device)
{
	ctx->device = device;
}

core_device *core_ctx_device(const fv_ctx *ctx)
{
	return ctx->device;
}

void core_ctx_set_scope(fv_ctx *ctx, int32_t scope)
{
	ctx->scope = scope;
}

void core_ctx_copy_log(fv_ctx *ctx, const fv_ctx *from)
{
	core_ctx_set_log(ctx, from->sink, from->sink_user);
}

/* An allocation of this size is a mistake of whoever asks for it, and no sign that memory runs out. */
#define ABSURD_BYTES ((size_t)1 << 40)

static void *allocate_in(fv_ctx *ctx, core_arena *arena, size_t n, size_t size, const char *name)
{
	void *memory = NULL;
	if (size && n >= ABSURD_BYTES / size)
		(void)fv_fail(ctx, FV_FAILED, "no machine has memory for %zu x %zu bytes", n, size);
	else if (!(memory = core_arena_alloc_named(arena, n * size > 0 ? n * size : 1, name)))
		(void)fv_fail(ctx, FV_FAILED, "out of memory (%zu x %zu bytes)", n, size);
	return memory;
}

void *core_alloc_named(fv_ctx *ctx, size_t n, size_t size, const char *name)
{
	void *memory = allocate_in(ctx, &ctx->memory, n, size, name);
	return memory ? memset(memory, 0, n * size) : NULL;
}

void *core_alloc(fv_ctx *ctx, size_t n, size_t size)
{
	return core_alloc_named(ctx, n, size, "memory of fairvox's own");
}

void *fv_alloc(fv_ctx *ctx, size_t bytes)
{
	char name[CORE_FENCE_NAME];
	if (ctx->memory.guarded)
		snprintf(name, sizeof name, "the %zu bytes from fv_alloc", bytes);
	ctx->given += bytes;
	return core_alloc_named(ctx, bytes, 1, ctx->memory.guarded ? name : "");
}

static void fill_bytes(unsigned char *at, size_t bytes, core_fill fill)
{
	uint32_t mixed = 0x9e3779b9;
	for (size_t i = 0; i < bytes; i++) {
		mixed = mixed * 1664525 + 1013904223;
		at[i] = fill == CORE_FILL_MIXED  ? (unsigned char)(mixed >> 24)
			: fill == CORE_FILL_ONES ? 0xff
						 : 0;
	}
}

void *fv_scratch(fv_ctx *ctx, size_t bytes)
{
	char name[CORE_FENCE_NAME];
	if (ctx->scratch.guarded)
		snprintf(name, sizeof name, "the %zu bytes from fv_scratch", bytes);
	void *memory = allocate_in(ctx, &ctx->scratch, bytes, 1, ctx->scratch.guarded ? name : "");
	if (memory && ctx->scratch_fill)
		fill_bytes(memory, bytes, ctx->scratch_fill);
	return memory;
}

void core_ctx_fill_scratch(fv_ctx *ctx, core_fill fill)
{
	ctx->scratch_fill = fill;
}

void core_ctx_guard(fv_ctx *ctx, bool on)
{
	ctx->memory.guarded = ctx->scratch.guarded = on;
}

core_fence *core_ctx_find_damage(const fv_ctx *ctx, char *text, size_t size)
{
	core_fence *damaged = core_arena_find_damage(&ctx->scratch, text, size);
	return damaged ? damaged : core_arena_find_damage(&ctx->memory, text, size);
}

void core_scratch_reset(fv_ctx *ctx)
{
	core_arena_retire(&ctx->scratch);
}

bool core_scratch_holds(const fv_ctx *ctx, const void *memory)
{
	return memory &&
	       (core_arena_holds(&ctx->scratch, memory) || core_fence_was_retired(memory));
}

size_t core_ctx_given(const fv_ctx *ctx)
{
	return ctx->given;
}

size_t core_scratch_peak(const fv_ctx *ctx)
{
	return ctx->scratch.peak;
}

core_arena_mark core_scratch_mark(const fv_ctx *ctx)
{
	return core_arena_get_mark(&ctx->scratch);
}

void core_scratch_release(fv_ctx *ctx, core_arena_mark mark)
{
	core_arena_release(&ctx->scratch, mark);
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
