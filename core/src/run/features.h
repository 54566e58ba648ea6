/* SPDX-License-Identifier: Apache-2.0 */
/* Features of many recordings: read from the cache, or computed by worker processes if the cache
 * lacks them. */
#ifndef CORE_RUN_FEATURES_H
#define CORE_RUN_FEATURES_H

#include "run/encoder.h"
#include "run/recordings.h"
#include "run/waves.h"

typedef struct core_features {
	int64_t n;
	int32_t layers, dims; /* after `layer` */
	float *x;             /* [n, layers, dims], in the order of the recordings */
	uint8_t *silent;      /* [n] 1: nothing can be heard (core_wave); memory of the context */
	const fv_output *output;
} core_features;

typedef struct core_encode_job {
	const char *cache;
	int jobs;
	core_waves *waves; /* waves of the same recordings that are already decoded; NULL: none */
} core_encode_job;

/* Counts the recordings that have no sound entry in the cache. */
FV_NODISCARD fv_status core_features_count_missing(fv_ctx *ctx, const core_encoder *encoder,
	const core_recordings *recordings, const char *cache, int64_t *missing);

/* Loads features and encodes those that the cache lacks. Free x with core_features_free. Every
 * recording that fails is reported. */
FV_NODISCARD fv_status core_features_load(fv_ctx *ctx, const core_encoder *encoder,
	const core_recordings *recordings, const core_encode_job *job, core_features *out);
void core_features_free(core_features *features);

#endif
