/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers that depend on names, not on the order of calls.
 *
 * A stream is a Philox4x64-10 generator (Salmon et al., SC 2011), keyed by the run's seed, the fold
 * and a purpose, and started at (epoch, index). Neither the variant nor the plugin's name is part
 * of the key, so all variants of a study start from the same weights and see the same batches. For
 * draws about a recording, use fv_name_hash(stem) as index; the result then does not depend on the
 * order of a label file.
 */
#ifndef FAIRVOX_STREAM_H
#define FAIRVOX_STREAM_H

#include <fairvox/abi.h>
#include <fairvox/context.h>

FV_BEGIN_DECLS

typedef struct fv_stream {
	uint64_t key[2];
	uint64_t counter[4];
	uint64_t block[4];
	uint32_t used; /* words of `block` that were already returned */
} fv_stream;

fv_stream fv_rng(fv_ctx *ctx, const char *purpose, int64_t epoch, uint64_t index);

/* The same, keyed by `seed` instead of the run's seed and fold; for a plugin with a parameter
 * `seed` of its own. */
fv_stream fv_rng_seeded(uint64_t seed, const char *purpose, int64_t epoch, uint64_t index);

uint64_t fv_next(fv_stream *stream);                  /* 64 uniform bits */
double fv_uniform(fv_stream *stream);                 /* uniform in [0, 1), 53 bits */
double fv_normal(fv_stream *stream);                  /* mean 0, sd 1: Box-Muller, two words each */
uint64_t fv_below(fv_stream *stream, uint64_t bound); /* 0 .. bound-1, unbiased; bound > 0 */
/* Writes a uniform random permutation of 0 .. n-1 (Fisher-Yates) into out [n]. */
void fv_permutation(fv_stream *stream, int32_t *out, int32_t n);

/* 64-bit hash (XXH3) of a name, the same on every machine. */
uint64_t fv_name_hash(const char *name);

FV_END_DECLS

#endif
