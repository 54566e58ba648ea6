/* SPDX-License-Identifier: Apache-2.0 */
/* Philox4x64-10: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as
 * 1, 2, 3", SC 2011. Counter words: block, epoch, index, 0. */
#include <fairvox/stream.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <xxhash.h>

#include "base/context_private.h"
#include "base/stream.h"

__extension__ typedef unsigned __int128 u128;

void core_philox(const uint64_t counter[4], const uint64_t key[2], uint64_t out[4])
{
	uint64_t k0 = key[0], k1 = key[1];
	uint64_t c[4] = {counter[0], counter[1], counter[2], counter[3]};
	for (int round = 0; round < 10; round++) {
		u128 a = (u128)UINT64_C(0xD2E7470EE14C6C93) * c[0];
		u128 b = (u128)UINT64_C(0xCA5A826395121157) * c[2];
		uint64_t next[4] = {(uint64_t)(b >> 64) ^ c[1] ^ k0, (uint64_t)b,
			(uint64_t)(a >> 64) ^ c[3] ^ k1, (uint64_t)a};
		memcpy(c, next, sizeof c);
		k0 += UINT64_C(0x9E3779B97F4A7C15);
		k1 += UINT64_C(0xBB67AE8584CAA73B);
	}
	memcpy(out, c, sizeof c);
}

fv_stream core_stream(
	uint64_t seed, int64_t fold, const char *purpose, int64_t epoch, uint64_t index)
{
	XXH128_hash_t purpose_hash = XXH3_128bits(purpose, strlen(purpose));
	uint64_t words[4] = {seed, (uint64_t)fold, purpose_hash.low64, purpose_hash.high64};
	XXH128_hash_t key = XXH3_128bits(words, sizeof words);
	fv_stream stream = {.key = {key.low64, key.high64}, .used = 4};
	stream.counter[1] = (uint64_t)epoch;
	stream.counter[2] = index;
	return stream;
}

fv_stream fv_rng(fv_ctx *ctx, const char *purpose, int64_t epoch, uint64_t index)
{
	return core_stream(ctx->seed, ctx->fold, purpose, epoch, index);
}

fv_stream fv_rng_seeded(uint64_t seed, const char *purpose, int64_t epoch, uint64_t index)
{
	return core_stream(seed, 0, purpose, epoch, index);
}

uint64_t fv_next(fv_stream *stream)
{
	if (stream->used >= 4) {
		core_philox(stream->counter, stream->key, stream->block);
		stream->counter[0]++;
		stream->used = 0;
	}
	return stream->block[stream->used++];
}

double fv_uniform(fv_stream *stream)
{
	return (double)(fv_next(stream) >> 11) * 0x1p-53;
}

double fv_normal(fv_stream *stream)
{
	double u = 1.0 - fv_uniform(stream); /* (0, 1] */
	double v = fv_uniform(stream);
	return sqrt(-2.0 * log(u)) * cos(6.283185307179586476925 * v);
}

uint64_t fv_below(fv_stream *stream, uint64_t bound)
{
	uint64_t reject = (0 - bound) % bound; /* 2^64 mod bound */
	for (;;) {
		uint64_t word = fv_next(stream);
		if (word >= reject)
			return word % bound;
	}
}

void fv_permutation(fv_stream *stream, int32_t *out, int32_t n)
{
	for (int32_t i = 0; i < n; i++) {
		int32_t j = (int32_t)fv_below(stream, (uint64_t)i + 1);
		if (j < i)
			out[i] = out[j];
		out[j] = i;
	}
}

uint64_t fv_name_hash(const char *name)
{
	return XXH3_64bits(name, strlen(name));
}
