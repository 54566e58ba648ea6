/* SPDX-License-Identifier: Apache-2.0 */
/* Features of any recordings, computed by worker processes, without the cache: what `fairvox encode`
 * writes, pooled or frame by frame. */
#ifndef CORE_RUN_ENCODE_FILES_H
#define CORE_RUN_ENCODE_FILES_H

#include <stdbool.h>

#include "run/encoder.h"
#include "run/spool.h"

typedef struct core_encoded {
	const float *data; /* [L,D], or [L,frames,D] */
	int64_t frames;    /* 1 when pooled */
} core_encoded;

typedef struct core_encode_files {
	const core_encoder *encoder;
	int64_t n;
	const char *const *path; /* [n] */
	const char *const *stem; /* [n] for encoders that are asked by name */
	bool frames;
	int jobs;
	const char *folder; /* of the temporary file of results */
} core_encode_files;

/* out [n] in the order of the paths; its data lives until the spool is closed. All recordings that
 * fail are named. *spool is NULL on errors. */
FV_NODISCARD fv_status core_encode_files_run(
	fv_ctx *ctx, const core_encode_files *job, core_encoded *out, core_spool **spool);

#endif
