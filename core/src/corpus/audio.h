/* SPDX-License-Identifier: Apache-2.0 */
/* Finds recordings by name and reads them as mono float32 at a given rate.
 *
 * MPEG audio (MP3) is read by libmpg123, to the end of the stream, and everything else that
 * libsndfile supports by it; integers become [-1, 1) (x / 32768 for 16 bits),
 * floats are kept as they are, and channels are averaged in double. Other rates are resampled by
 * soxr at quality HQ (the default of librosa); n samples become the floor or ceiling of n * rate
 * / own rate. At its own rate a recording is not changed. */
#ifndef CORE_CORPUS_AUDIO_H
#define CORE_CORPUS_AUDIO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/context.h"
#include "corpus/corpus.h"

/* A file below the audio folder. */
typedef struct core_recording {
	const char *full; /* core_path_id of its absolute path; of a file that is no audio or video
			     without what follows the last dot */
	const char *id;   /* the same below the folder; points into `full` */
	const char *path;
} core_recording;

typedef struct core_audio_index {
	const char *folder, *folder_id; /* folder_id: core_path_id of the absolute path */
	int64_t n, n_others;
	/* Recordings [n] and files that are not read as audio [n_others]. Sorted by the parts of
	 * `full` from the end, the stem first without case and then by bytes. */
	core_recording *file, *other;
} core_audio_index;

/* Lists every file below the folder. Those with an extension of audio that is read are recordings;
 * the others are kept to explain why a recording is missing. Names that start with a dot are
 * skipped, links are followed, a folder that contains itself is entered once, and one file that is
 * reached by two paths of the same stem counts as one. Lives as long as the context.
 * Errors: FV_DATA for a folder that cannot be read. */
FV_NODISCARD fv_status core_audio_index_open(
	fv_ctx *ctx, const char *folder, core_audio_index **out);
/* The same of corpus.audio, which must be given. Errors name it with its place. */
FV_NODISCARD fv_status core_corpus_open_audio(
	fv_ctx *ctx, const core_corpus_spec *spec, core_audio_index **out);

/* Finds the recording of a name, `id` (core_path_id of what a label file says, with its folders).
 * At least the last `parts` parts of `id` must agree with the recording's path: 1, the stem, where
 * no other name of the corpus has that stem. Among several recordings the one wins whose `full`
 * shares the most parts with `id`, counted from the end, then, if `id` has a folder, the one
 * whose id is `id`.
 * Returns NULL, and in *why the reason as a clause (NULL: memory is out), if there is none or if
 * several agree equally well. `why` may be NULL. */
const core_recording *core_audio_find(fv_ctx *ctx, const core_audio_index *index, const char *id,
	int32_t parts, const char **why);

/* Finds the recording of a row of the corpus by its file name, with as many parts as its stem has.
 * Returns its path, or NULL and the reason as above. */
const char *core_audio_find_row(fv_ctx *ctx, const core_audio_index *index,
	const core_corpus *corpus, int32_t row, const char **why);

/* Sets path [n] for each utterance of the corpus. Errors: FV_DATA for every missing recording,
 * with its line in the label file. */
FV_NODISCARD fv_status core_audio_locate(
	fv_ctx *ctx, const core_audio_index *index, const core_corpus *corpus, const char **path);

/* A part of a recording, in seconds from its start. At R Hz its first sample is
 * floor(start * R + 0.5), and it ends before sample floor(end * R + 0.5); an end of INFINITY is
 * that of the recording. */
typedef struct core_segment {
	double start, end;
	const char *labels; /* the file that says so, for messages; NULL: none */
	int32_t line;       /* in it */
} core_segment;
/* Is it not the whole recording? NULL: it is. */
bool core_is_segment(const core_segment *segment);
/* The path with the bounds of a segment, for messages: "a.wav from 1.25 to 3.5 s". */
const char *core_segment_label(fv_ctx *ctx, const char *path, const core_segment *segment);

typedef struct core_wave {
	float *sample; /* [n], from malloc */
	int64_t n;
	int32_t rate_hz, source_rate_hz;
	int32_t channels; /* channels of the file */
	/* Nothing can be heard: the standard deviation of the samples that were read, after the
	 * channels are averaged and before resampling, is below 2^-15, the step of 16 bits. So
	 * are digital silence, a constant offset, and two channels that cancel each other. */
	bool silent;
} core_wave;

/* Reads a recording, or a segment of it (NULL: all). A segment is cut before it is resampled, and
 * it is found without decoding what is in front of it where the format allows that to the sample (uncompressed,
 * FLAC). rate_hz 0 keeps the recording's own rate. max_seconds > 0 gives the first
 * floor(max_seconds * rate_hz) samples of the whole without decoding all of it. Free with
 * core_wave_free. Errors: FV_DATA with file and reason: not audio, 0 samples, fewer samples than the
 * file states, more than 2^28, a sample that is not finite, a segment that ends behind the
 * recording.   [worker] */
FV_NODISCARD fv_status core_audio_read_segment(fv_ctx *ctx, const char *path,
	const core_segment *segment, int32_t rate_hz, double max_seconds, core_wave *out);
FV_NODISCARD fv_status core_audio_read(
	fv_ctx *ctx, const char *path, int32_t rate_hz, double max_seconds, core_wave *out);
void core_wave_free(core_wave *wave);

/* Length in seconds: from the header, of MP3 by counting its frames, and where a file states none by
 * decoding it. Errors: FV_DATA. */
FV_NODISCARD fv_status core_audio_seconds(fv_ctx *ctx, const char *path, double *out);

/* Length in seconds of a row of the corpus whose recording is at `path`: of its segment, if it is one.
 * Errors: FV_DATA. */
FV_NODISCARD fv_status core_audio_row_seconds(
	fv_ctx *ctx, const core_corpus *corpus, int32_t row, const char *path, double *out);

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
