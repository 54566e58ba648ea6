/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings: finding them by stem, reading them as mono float32 at a wanted rate.
 *
 * Reading: anything libsndfile reads; integers become [-1, 1) (x / 32768 for 16 bits), floats stay
 * as they are; channels are averaged in double. Another rate is resampled by soxr at quality HQ
 * (librosa's default); n samples become ceil or floor of n * rate / own rate. At its own rate a
 * recording is untouched. */
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

/* Every file with an audio extension below the folder; names that begin with a dot are not looked
 * at, links are followed, a folder that contains itself is entered once. Lives as long as the
 * context. Errors: FV_DATA for a folder that cannot be read and for every two files with one stem
 * (one file reached by two paths is one file). */
FV_NODISCARD fv_status core_audio_index_open(
	fv_ctx *ctx, const char *folder, core_audio_index **out);
const char *core_audio_find(const core_audio_index *index, const char *stem); /* path, or NULL */

/* path [n] of each of the corpus's utterances. Errors: FV_DATA for every recording that is missing,
 * with its place in the label file. */
FV_NODISCARD fv_status core_audio_locate(
	fv_ctx *ctx, const core_audio_index *index, const core_corpus *corpus, const char **path);

typedef struct core_wave {
	float *sample; /* [n], from malloc */
	int64_t n;
	int32_t rate_hz, source_rate_hz;
	int32_t channels; /* of the file */
} core_wave;

/* rate_hz 0: the file's own. max_seconds > 0 keeps the first floor(max_seconds * rate_hz) samples
 * of what reading the whole recording gives, without decoding all of it. Free with core_wave_free.
 * Errors: FV_DATA naming file and reason: no audio, 0 samples, fewer samples than the file says,
 * more than 2^28, a sample that is not finite.   [worker] */
FV_NODISCARD fv_status core_audio_read(
	fv_ctx *ctx, const char *path, int32_t rate_hz, double max_seconds, core_wave *out);
void core_wave_free(core_wave *wave);

/* Length in seconds by the file's header, nothing decoded; 0 where it does not say. Errors: FV_DATA. */
FV_NODISCARD fv_status core_audio_seconds(fv_ctx *ctx, const char *path, double *out);

/* Number, mean and sum of squared deviations; merged in a fixed order they do not depend on who
 * computed them. Population variance = m2 / n. */
typedef struct core_moments {
	int64_t n;
	double mean, m2;
} core_moments;
core_moments core_wave_moments(const float *sample, int64_t n);
core_moments core_moments_merge(core_moments a, core_moments b);

/* x <- (x - mean) / sqrt(variance); a variance of 0 gives zeros. */
void core_wave_standardize(float *sample, int64_t n, double mean, double variance);

#endif
