/* SPDX-License-Identifier: Apache-2.0 */
/* The waves of recordings at one rate and length, decoded once: their moments, which normalize: corpus
 * asks for before anything can be encoded, are kept in the cache (run/moments.h), and the waves
 * themselves in a temporary file until the encoder asks for them. */
#ifndef CORE_RUN_WAVES_H
#define CORE_RUN_WAVES_H

#include "corpus/audio.h"
#include "run/recordings.h"

typedef struct core_waves core_waves;

typedef struct core_waves_options {
	const char *cache;
	int32_t rate_hz;
	double max_seconds; /* as in core_audio_read */
	bool keep;          /* the waves that were decoded; else their moments alone */
} core_waves_options;

/* The recordings, with paths and hashes, must outlive it. Reads the moments that the cache knows. */
FV_NODISCARD fv_status core_waves_open(fv_ctx *ctx, const core_recordings *recordings,
	const core_waves_options *options, core_waves **out);
void core_waves_close(core_waves *waves); /* NULL is allowed */
/* Whether it is of these recordings, rate and length. */
bool core_waves_match(const core_waves *waves, const core_recordings *recordings, int32_t rate_hz,
	double max_seconds);

/* Moments of all samples of the rows [n], merged in this order. Those not known are computed by `jobs`
 * worker processes and added to the cache. Every recording that cannot be decoded is named. */
FV_NODISCARD fv_status core_waves_measure(
	fv_ctx *ctx, core_waves *waves, const int64_t *row, int64_t n, int jobs, core_moments *out);

/* Before workers call core_waves_read: makes room for what they decode. */
FV_NODISCARD fv_status core_waves_prepare(fv_ctx *ctx, core_waves *waves);

/* [worker] The wave of a row, kept or decoded now. Free with core_wave_free. */
FV_NODISCARD fv_status core_waves_read(fv_ctx *ctx, core_waves *waves, int64_t row, core_wave *out);

#endif
