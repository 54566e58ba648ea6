/* SPDX-License-Identifier: Apache-2.0 */
/* An open recording that gives its samples as they are in the file: MPEG audio through libmpg123,
 * everything else through libsndfile. libsndfile reads MP3 too, but stops at a length that it
 * guesses where the file does not state one, and its decoder writes to stderr. */
#ifndef CORE_CORPUS_AUDIO_SOURCE_H
#define CORE_CORPUS_AUDIO_SOURCE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/context.h"

typedef struct core_source core_source;

typedef struct core_decoder {
	/* Reads up to `frames` frames into block [frames, channels]. *got is less only at the end. */
	fv_status (*read)(core_source *source, float *block, int64_t frames, int64_t *got);
	/* Moves from the start to a frame, sample for sample; NULL: decode up to it. */
	fv_status (*seek)(core_source *source, int64_t frame);
	/* Reports damage that shows only after reading. */
	fv_status (*check)(core_source *source);
	void (*close)(core_source *source);
} core_decoder;

struct core_source {
	fv_ctx *ctx;
	const char *path;
	int fd;        /* the file is opened once */
	int64_t bytes; /* of the file */
	int unread;    /* errno of the first bytes that the system did not give, or 0 */
	int32_t rate_hz, channels;
	int64_t frames;      /* -1: not known before all is decoded */
	int64_t read_frames; /* decoded so far */
	const core_decoder *decoder;
	void *state; /* the decoder's own */
};

/* Opens a recording. Errors: FV_DATA with path and reason, in our own words. Close it even after an error. */
FV_NODISCARD fv_status core_source_open(fv_ctx *ctx, const char *path, core_source *out);
void core_source_close(core_source *source);

/* Reads up to `size` bytes of the file from `at` on; fewer only at its end. -1: errno says why, and the source keeps it,
 * since decoders take it for the end of the file. */
ssize_t core_source_bytes(core_source *source, int64_t at, void *bytes, size_t size);

/* Errors: FV_FAILED if bytes that were asked for could not be read. What was decoded then must not be used. */
FV_NODISCARD fv_status core_source_check(const core_source *source);

/* The decoders: open the source's file as this kind. MPEG audio is in the bytes [from, to). */
FV_NODISCARD fv_status core_mp3_open(core_source *source, int64_t from, int64_t to);
FV_NODISCARD fv_status core_sndfile_open(core_source *source);

/* Reports a file of a kind (core_content_name) that no decoder reads. */
fv_status core_source_report_kind(const core_source *source, const char *kind);

/* Errors: FV_DATA for a WAVE header that was never completed, for samples behind those that it
 * states, and for fewer than it states. */
FV_NODISCARD fv_status core_wav_check(core_source *source);
/* True if the samples of a WAVE file are coded as MPEG audio, in the bytes [*from, *to). libsndfile
 * reads such files up to a length that it guesses. */
bool core_wav_find_mpeg(core_source *source, int64_t *from, int64_t *to);
/* Why a WAVE file cannot be read, as a clause; NULL: nothing known. */
const char *core_wav_explain(core_source *source);
/* Errors: FV_DATA for a SPHERE, AIFF, AU or W64 file with more bytes than its header states, and for
 * a SPHERE file with fewer. */
FV_NODISCARD fv_status core_extent_check(core_source *source);
/* Why a SPHERE file cannot be read, as a clause; NULL: nothing known. */
const char *core_sphere_explain(core_source *source);
/* Errors: FV_DATA for several FLAC streams in one file, and, where the header does not state the
 * length, for a last frame that is cut. */
FV_NODISCARD fv_status core_flac_check(core_source *source);
/* Errors: FV_DATA for an Ogg file of several streams one after the other. */
FV_NODISCARD fv_status core_ogg_check(core_source *source);

#endif
