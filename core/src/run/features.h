/* SPDX-License-Identifier: Apache-2.0 */
/* Features of many recordings: out of the cache where they are, computed by worker processes where
 * not. */
#ifndef CORE_RUN_FEATURES_H
#define CORE_RUN_FEATURES_H

#include "run/encoder.h"
#include "run/recordings.h"
#include "run/waves.h"

typedef struct core_features {
	int64_t n;
	int32_t layers, dims; /* after `layer` */
	float *x;             /* [n, layers, dims], rows as in the recordings */
	const fv_output *output;
} core_features;

typedef struct core_encode_job {
	const char *cache;
	int jobs;
	core_waves *waves; /* of the same recordings, decoded before; NULL: none */
} core_encode_job;

/* How many recordings have no sound entry in the cache. */
FV_NODISCARD fv_status core_features_missing(fv_ctx *ctx, const core_encoder *encoder,
	const core_recordings *recordings, const char *cache, int64_t *missing);

/* x is freed with core_features_free. All recordings that fail are named. */
FV_NODISCARD fv_status core_features_load(fv_ctx *ctx, const core_encoder *encoder,
	const core_recordings *recordings, const core_encode_job *job, core_features *out);
void core_features_free(core_features *features);

#endif
