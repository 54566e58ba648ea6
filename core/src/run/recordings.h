/* SPDX-License-Identifier: Apache-2.0 */
/* A list of recordings, and what all do that hand them to workers. */
#ifndef CORE_RUN_RECORDINGS_H
#define CORE_RUN_RECORDINGS_H

#include "base/context.h"
#include "base/hash.h"

typedef struct core_recordings {
	int64_t n;
	const char **stem;               /* sorted by bytes */
	const char **path;               /* NULL entries: no audio (by name) */
	char (*sha256)[CORE_SHA256_HEX]; /* of the files' bytes */
} core_recordings;

/* Adds an error for a recording that a worker failed on; `reason` is what the worker said. path: NULL
 * where the recording has none. */
void core_recording_report_failure(
	fv_ctx *ctx, fv_status status, const char *path, const char *reason);

/* The order in which n recordings are best given to workers: the largest files first, so that none of
 * them is begun when the others are done; equal ones as they come -> order [n]. `row` says which path
 * is meant by each of the n, NULL: all in turn. */
FV_NODISCARD fv_status core_recordings_order_by_size(
	fv_ctx *ctx, const char *const *path, const int64_t *row, int64_t n, int64_t *order);

#endif
