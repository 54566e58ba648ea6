/* SPDX-License-Identifier: Apache-2.0 */
/* What the networks use of fairvox's core, for machines that have no libraries but those of CUDA: a context with memory
 * and the first message, and random numbers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

#include "backend/blas.h"
#include "backend/device.h"

struct fv_ctx {
	core_arena memory, scratch;
	core_device *device;
	size_t failures;
	fv_status status;   /* of the first failure */
	char message[1024]; /* of it */
};

fv_ctx *core_ctx_new(void)
{
	return calloc(1, sizeof(fv_ctx));
}

void core_ctx_free(fv_ctx *ctx)
{
	if (!ctx)
		return;
	core_arena_free(&ctx->memory);
	core_arena_free(&ctx->scratch);
	free(ctx);
}

void core_ctx_set_device(fv_ctx *ctx, core_device *device)
{
	ctx->device = device;
}

core_device *core_ctx_device(const fv_ctx *ctx)
{
	return ctx->device;
}

/* --- messages --- */

fv_status fv_fail(fv_ctx *ctx, fv_status status, const char *format, ...)
{
	if (ctx->failures++)
		return status;
	va_list args;
	va_start(args, format);
	vsnprintf(ctx->message, sizeof ctx->message, format, args);
	va_end(args);
	return ctx->status = status;
}

void fv_warn(fv_ctx *ctx, const char *format, ...)
{
	va_list args;
	(void)ctx;
	va_start(args, format);
	fputs("note\t", stdout);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
}

size_t core_error_count(const fv_ctx *ctx)
{
	return ctx->failures;
}

const char *core_error_line(const fv_ctx *ctx, size_t index)
{
	return index == 0 && ctx->failures ? ctx->message : NULL;
}

/* --- memory --- */

static void *allocate_zeros(fv_ctx *ctx, core_arena *arena, size_t bytes)
{
	void *memory = core_arena_alloc(arena, bytes);
	if (!memory)
		(void)fv_fail(ctx, FV_FAILED, "out of memory");
	return memory ? memset(memory, 0, bytes) : NULL;
}

void *fv_alloc(fv_ctx *ctx, size_t bytes)
{
	return allocate_zeros(ctx, &ctx->memory, bytes);
}

void *core_alloc(fv_ctx *ctx, size_t n, size_t size)
{
	return allocate_zeros(ctx, &ctx->memory, n * size);
}

void *fv_scratch(fv_ctx *ctx, size_t bytes)
{
	return allocate_zeros(ctx, &ctx->scratch, bytes);
}

core_arena_mark core_scratch_mark(const fv_ctx *ctx)
{
	return core_arena_get_mark(&ctx->scratch);
}

void core_scratch_release(fv_ctx *ctx, core_arena_mark mark)
{
	core_arena_release(&ctx->scratch, mark);
}

/* --- random numbers: others than the core's, but always the same --- */

fv_stream fv_rng_seeded(uint64_t seed, const char *purpose, int64_t epoch, uint64_t index)
{
	fv_stream stream = {.key = {seed, 0}, .counter = {(uint64_t)epoch, index}};
	for (; *purpose; purpose++)
		stream.key[1] = (stream.key[1] ^ (unsigned char)*purpose) * UINT64_C(1099511628211);
	return stream;
}

/* splitmix64 (Steele, Lea, Flood 2014) of what the stream depends on */
uint64_t fv_next(fv_stream *stream)
{
	uint64_t z = stream->key[0] * UINT64_C(0x9e3779b97f4a7c15) ^ stream->key[1] ^
		     stream->counter[1] << 32 ^ stream->counter[0];
	z += ++stream->counter[2] * UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static double draw_uniform(fv_stream *stream)
{
	return ((double)(fv_next(stream) >> 11) + 0.5) * 0x1p-53;
}

double fv_normal(fv_stream *stream)
{
	const double radius = sqrt(-2 * log(draw_uniform(stream)));
	return radius * cos(2 * M_PI * draw_uniform(stream));
}

/* --- the processor, on which nothing is computed here --- */

core_device *core_device_cpu(void)
{
	return core_device_blank();
}

fv_status core_blas_open(fv_ctx *ctx)
{
	(void)ctx;
	return FV_OK;
}
