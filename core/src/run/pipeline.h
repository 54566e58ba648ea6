/* SPDX-License-Identifier: Apache-2.0 */
/* Encodes recordings on a device. Worker processes read recordings and make the network's input of them; a
 * ring in shared memory (ring.h) carries it to one process, which alone opens the device, computes packs of
 * utterances, and keeps the results. All are forked from the caller, which never opens it. A worker that
 * crashes costs its recording; if the computing process fails, the pipeline does. */
#ifndef CORE_RUN_PIPELINE_H
#define CORE_RUN_PIPELINE_H

#include "run/encoder.h"

typedef struct core_pipeline {
	const core_encoder *encoder; /* one with a device */
	int jobs;                    /* workers */
	int64_t tasks;               /* recordings 0 .. tasks-1 */
	bool frames;                 /* [L,T,D] of each instead of [L,D] */
	void *user;
	/* [worker] Reads a recording, cut and resampled as the encoder's spec says. */
	fv_status (*read)(void *user, fv_ctx *ctx, int64_t task, core_wave *out);
	/* What a recording is called in messages, in memory of ctx. */
	const char *(*name)(void *user, fv_ctx *ctx, int64_t task);
	/* [computing process] Keeps the result, `count` numbers. */
	fv_status (*put)(void *user, fv_ctx *ctx, int64_t task, const float *data, int64_t count,
		bool silent);
	/* [caller] As in core_pool. */
	void (*ended)(void *user, int64_t task, fv_status status, const char *reason);
	void (*tick)(void *user);
} core_pipeline;

/* Encodes all recordings and sets *failed to the number of those that failed. Errors, and what a signal does:
 * as core_pool_run. */
FV_NODISCARD fv_status core_pipeline_run(
	fv_ctx *ctx, const core_pipeline *pipeline, int64_t *failed);

#endif
