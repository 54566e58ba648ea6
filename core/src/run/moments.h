/* SPDX-License-Identifier: Apache-2.0 */
/* The moments of recordings' waves that were found before, in one file of the cache for each rate and
 * length: CACHE/moments-<rate>hz-<seconds>s.safetensors. Found by content, with a checksum; a file that
 * is damaged or of other numerics is as if it were not there. */
#ifndef CORE_RUN_MOMENTS_H
#define CORE_RUN_MOMENTS_H

#include "base/hash.h"
#include "corpus/audio.h"

/* Memory of the context. */
FV_NODISCARD fv_status core_moments_path(
	fv_ctx *ctx, const char *cache, int32_t rate_hz, double max_seconds, const char **out);

/* Fills moments [n] of the recordings [n] that the file knows; the others are left alone. */
FV_NODISCARD fv_status core_moments_load(fv_ctx *ctx, const char *path, int64_t n,
	const char (*sha256)[CORE_SHA256_HEX], core_moments *moments);

/* Adds moments [n] to the file; those with n = 0 are left out. */
FV_NODISCARD fv_status core_moments_save(fv_ctx *ctx, const char *path, int64_t n,
	const char (*sha256)[CORE_SHA256_HEX], const core_moments *moments);

#endif
