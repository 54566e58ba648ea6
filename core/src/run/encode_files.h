/* SPDX-License-Identifier: Apache-2.0 */
/* Computes features of any recordings in worker processes, without the cache, as `fairvox encode`
 * writes them: pooled or frame by frame. */
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
	const char *const *stem; /* [n] for encoders that look recordings up by name */
	bool frames;
	int jobs;
	const char *folder; /* where the temporary file of results is made */
	uint8_t *silent; /* [n] set to 1 where nothing can be heard; NULL: a warning names them */
} core_encode_files;

/* Fills out [n] in the order of the paths; its data lives until the spool is closed. Every
 * recording that fails is reported. *spool is NULL after an error. */
FV_NODISCARD fv_status core_encode_files_run(
	fv_ctx *ctx, const core_encode_files *job, core_encoded *out, core_spool **spool);

#endif
