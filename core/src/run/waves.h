/* SPDX-License-Identifier: Apache-2.0 */
/* Decodes recordings at one rate and length once. normalize: corpus needs their moments before
 * anything is encoded; these are cached (run/moments.h), and the waves wait in a temporary file for
 * the encoder. */
#ifndef CORE_RUN_WAVES_H
#define CORE_RUN_WAVES_H

#include "corpus/audio.h"
#include "run/recordings.h"

typedef struct core_waves core_waves;

typedef struct core_waves_options {
	const char *cache;
	int32_t rate_hz;
	double max_seconds; /* as in core_audio_read */
	bool keep;          /* keep decoded waves; otherwise only their moments */
} core_waves_options;

/* Opens waves and reads the cached moments. The recordings, with paths and hashes, must outlive
 * them. */
FV_NODISCARD fv_status core_waves_open(fv_ctx *ctx, const core_recordings *recordings,
	const core_waves_options *options, core_waves **out);
void core_waves_close(core_waves *waves); /* NULL is allowed */
/* Returns true if the waves are of these recordings, rate and length. */
bool core_waves_match(const core_waves *waves, const core_recordings *recordings, int32_t rate_hz,
	double max_seconds);

/* Computes the moments of all samples of the rows [n], merged in this order. Unknown ones are
 * computed by `jobs` worker processes and added to the cache. Every recording that cannot be
 * decoded is reported. */
FV_NODISCARD fv_status core_waves_measure(
	fv_ctx *ctx, core_waves *waves, const int64_t *row, int64_t n, int jobs, core_moments *out);

/* Opens the temporary file. Call it before workers call core_waves_read. */
FV_NODISCARD fv_status core_waves_prepare(fv_ctx *ctx, core_waves *waves);

/* [worker] Reads the kept wave of a row, or decodes it. Free with core_wave_free. */
FV_NODISCARD fv_status core_waves_read(fv_ctx *ctx, core_waves *waves, int64_t row, core_wave *out);

#endif
