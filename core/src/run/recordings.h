/* SPDX-License-Identifier: Apache-2.0 */
/* A list of recordings, and functions for giving them to workers. */
#ifndef CORE_RUN_RECORDINGS_H
#define CORE_RUN_RECORDINGS_H

#include "base/context.h"
#include "base/hash.h"
#include "corpus/audio.h"

typedef struct core_recordings {
	int64_t n;
	const char **stem;               /* sorted by bytes */
	const char **name;               /* core_path_id of each as a label file has it */
	const char **path;               /* NULL: no audio, looked up by name */
	core_segment *segment;           /* part of each that is read; NULL: whole recordings */
	char (*sha256)[CORE_SHA256_HEX]; /* of the files' bytes, and of the segment's bounds */
} core_recordings;

/* The segment of a row, or NULL: the whole recording. */
const core_segment *core_recording_segment(const core_recordings *recordings, int64_t row);
/* The hash of a recording whose file has the hash `file`, or of a segment of it. */
FV_NODISCARD fv_status core_recording_sha256(fv_ctx *ctx, const char file[CORE_SHA256_HEX],
	const core_segment *segment, char hex[CORE_SHA256_HEX]);

/* Warns of the silent ones among n recordings, with their number and the names of the first three. */
void core_recordings_warn_silent(
	fv_ctx *ctx, const char *const *name, const uint8_t *silent, int64_t n);

/* Reports why a worker failed on a recording; `reason` holds its messages, one per line. Those of one cause
 * are one line for all recordings. path is NULL if the recording has none. */
void core_recording_report_failure(
	fv_ctx *ctx, fv_status status, const char *path, const char *reason);

/* Orders n recordings by falling file size, equal sizes as given -> order [n], so that no large one
 * is started last. `row` selects the paths (NULL: path 0 .. n-1). */
FV_NODISCARD fv_status core_recordings_order_by_size(
	fv_ctx *ctx, const char *const *path, const int64_t *row, int64_t n, int64_t *order);

#endif
