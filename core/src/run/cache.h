/* SPDX-License-Identifier: Apache-2.0 */
/* The feature cache: CACHE/<encoder key>/<audio sha256>.safetensors holds one tensor [L,D] named
 * after the encoder's output, with its checksum, key and audio hash in the metadata, and whether the
 * recording is silent. Entries are
 * found by content, so recordings may be moved or renamed. A damaged entry is computed again. */
#ifndef CORE_RUN_CACHE_H
#define CORE_RUN_CACHE_H

#include <stdbool.h>

#include "base/lease.h"
#include "run/encoder.h"

/* Is this the name of an encoder key's folder? of an entry in it? */
bool core_cache_is_key(const char *name);
bool core_cache_is_entry(const char *name);

/* Waits for the exclusive right to write entries of a key, then removes what a killed writer left
 * behind. Release it with core_lease_release. */
FV_NODISCARD fv_status core_cache_lock_key(
	fv_ctx *ctx, const char *cache, const char *key, core_lease **out);

/* Returns true and fills out [L,D] if the cache holds a sound entry. */
bool core_cache_get(fv_ctx *ctx, const char *cache, const core_encoder *encoder,
	const char *audio_sha256, float *out, bool *silent);
FV_NODISCARD fv_status core_cache_put(fv_ctx *ctx, const char *cache, const core_encoder *encoder,
	const char *audio_sha256, const float *values, bool silent);

/* core_cache_put in two steps, which is several times as fast for many entries: each is written, by any process,
 * and then all are made durable together and become entries. One that is never sealed is no entry; the
 * next lock removes it. */
FV_NODISCARD fv_status core_cache_write(fv_ctx *ctx, const char *cache, const core_encoder *encoder,
	const char *audio_sha256, const float *values, bool silent);
FV_NODISCARD fv_status core_cache_seal(fv_ctx *ctx, const char *cache, const core_encoder *encoder,
	const char *const *audio_sha256, int64_t n);

#endif
