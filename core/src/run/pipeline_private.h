/* SPDX-License-Identifier: Apache-2.0 */
/* What the caller and the workers of a pipeline (pipeline.c) share with the process that computes
 * (pipeline_compute.c). */
#ifndef CORE_RUN_PIPELINE_PRIVATE_H
#define CORE_RUN_PIPELINE_PRIVATE_H

#include "run/pipeline.h"
#include "run/pool.h"
#include "run/ring.h"

/* What the computing process is at, in shared memory, to be told if it dies. */
struct at_work {
	enum { OPENING_DEVICE, ON_DEVICE, IN_PACK } stage;
	int32_t n;     /* recordings of the pack */
	int64_t first; /* task of the first of them */
};

struct pipeline {
	const core_pipeline *asked;
	fv_ctx *ctx; /* of the caller */
	core_ring *ring;
	struct at_work *at;
};

/* The life of the computing process (core_pool.finish). user: a struct pipeline. */
fv_status core_pipeline_compute(void *user, fv_ctx *ctx, core_finisher *finisher);

/* Writes ", on cuda, in a pack of 3 recordings, the first of them a.wav". */
void core_pipeline_describe(const void *user, char *text, size_t size);

#endif
