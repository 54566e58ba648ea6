/* SPDX-License-Identifier: Apache-2.0 */
/* Cached moments of recordings' waves, one file for each rate and length:
 * CACHE/moments-<rate>hz-<seconds>s.safetensors. Entries are found by content. A damaged file, or
 * one of other numerics, is treated as missing. */
#ifndef CORE_RUN_MOMENTS_H
#define CORE_RUN_MOMENTS_H

#include "base/hash.h"
#include "corpus/audio.h"

/* Returns the path of the file, in memory of the context. */
FV_NODISCARD fv_status core_moments_path(
	fv_ctx *ctx, const char *cache, int32_t rate_hz, double max_seconds, const char **out);

/* Fills in the moments [n] of the recordings [n] that the file has; the others stay unchanged. */
FV_NODISCARD fv_status core_moments_load(fv_ctx *ctx, const char *path, int64_t n,
	const char (*sha256)[CORE_SHA256_HEX], core_moments *moments);

/* Adds the moments [n] with n > 0 to the file. */
FV_NODISCARD fv_status core_moments_save(fv_ctx *ctx, const char *path, int64_t n,
	const char (*sha256)[CORE_SHA256_HEX], const core_moments *moments);

#endif
