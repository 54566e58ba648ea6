/* SPDX-License-Identifier: Apache-2.0 */
/* Finds recordings by stem and reads them as mono float32 at a given rate.
 *
 * Everything libsndfile supports is read; integers become [-1, 1) (x / 32768 for 16 bits),
 * floats are kept as they are, and channels are averaged in double. Other rates are resampled by
 * soxr at quality HQ (the default of librosa); n samples become the floor or ceiling of n * rate
 * / own rate. At its own rate a recording is not changed. */
#ifndef CORE_CORPUS_AUDIO_H
#define CORE_CORPUS_AUDIO_H

#include <stdint.h>

#include "base/context.h"
#include "corpus/corpus.h"

typedef struct core_recording {
	const char *stem, *path;
} core_recording;

typedef struct core_audio_index {
	const char *folder;
	int64_t n;
	core_recording *file; /* [n] sorted by stem */
} core_audio_index;

/* Lists every file with an audio extension below the folder. Names that start with a dot are
 * skipped, links are followed, and a folder that contains itself is entered once. Lives as long
 * as the context. Errors: FV_DATA for a folder that cannot be read and for any two files with
 * the same stem (one file reached by two paths counts as one). */
FV_NODISCARD fv_status core_audio_index_open(
	fv_ctx *ctx, const char *folder, core_audio_index **out);
const char *core_audio_find(const core_audio_index *index, const char *stem); /* path, or NULL */

/* Sets path [n] for each utterance of the corpus. Errors: FV_DATA for every missing recording,
 * with its line in the label file. */
FV_NODISCARD fv_status core_audio_locate(
	fv_ctx *ctx, const core_audio_index *index, const core_corpus *corpus, const char **path);

typedef struct core_wave {
	float *sample; /* [n], from malloc */
	int64_t n;
	int32_t rate_hz, source_rate_hz;
	int32_t channels; /* channels of the file */
} core_wave;

/* Reads a recording. rate_hz 0 keeps its own rate. max_seconds > 0 gives the first
 * floor(max_seconds * rate_hz) samples of the whole recording without decoding all of it. Free
 * with core_wave_free. Errors: FV_DATA with file and reason: not audio, 0 samples, fewer samples
 * than the file states, more than 2^28, a sample that is not finite.   [worker] */
FV_NODISCARD fv_status core_audio_read(
	fv_ctx *ctx, const char *path, int32_t rate_hz, double max_seconds, core_wave *out);
void core_wave_free(core_wave *wave);

/* Length in seconds from the header, without decoding; 0 when it is not stated. Errors: FV_DATA. */
FV_NODISCARD fv_status core_audio_seconds(fv_ctx *ctx, const char *path, double *out);

/* Count, mean and sum of squared deviations. Merged in a fixed order, the result does not depend
 * on which worker computed which part. Population variance = m2 / n. */
typedef struct core_moments {
	int64_t n;
	double mean, m2;
} core_moments;
core_moments core_wave_moments(const float *sample, int64_t n);
core_moments core_moments_merge(core_moments a, core_moments b);

/* x <- (x - mean) / sqrt(variance); a variance of 0 gives zeros. */
void core_wave_standardize(float *sample, int64_t n, double mean, double variance);

#endif
