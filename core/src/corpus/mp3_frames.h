/* SPDX-License-Identifier: Apache-2.0 */
/* The frames of an MPEG audio file (MP3, and layers 1 and 2): where they are and how many there are, found
 * without decoding. An MP3 states its length only in an optional first frame (Xing, Info or VBRI),
 * so the frames are counted. Frame headers: ISO/IEC 11172-3, 13818-3. */
#ifndef CORE_CORPUS_MP3_FRAMES_H
#define CORE_CORPUS_MP3_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/context.h"

/* One stream. A file holds several where files were joined. */
typedef struct core_mp3_part {
	int64_t start, end; /* its bytes in the file */
	int64_t frames;     /* without the one that states the length */
	int64_t stated;     /* frames according to that one; -1: there is none */
	bool states_delay;  /* it also states the encoder's delay and padding */
} core_mp3_part;

typedef struct core_mp3_stream {
	int32_t rate_hz, channels, frame_samples; /* samples a frame and channel */
	int32_t n_parts;
	core_mp3_part *part; /* [n_parts], memory of the context */
} core_mp3_stream;

/* Is this the start of an MPEG audio file, behind an ID3v2 tag or not? */
bool core_is_mp3(const uint8_t *data, int64_t size);

/* Finds all frames in data[from, to). Tags (ID3v1, ID3v2, APE, Lyrics3), zero bytes at both ends, and bytes of any
 * kind in front of the first frame are skipped. Errors: FV_DATA with path and byte for a last frame that is cut, fewer frames than
 * stated, bytes between or behind the frames that are none, and a change of rate or channels. */
FV_NODISCARD fv_status core_mp3_find_frames(fv_ctx *ctx, const char *path, const uint8_t *data,
	int64_t from, int64_t to, core_mp3_stream *out);

#endif
