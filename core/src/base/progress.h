/* SPDX-License-Identifier: Apache-2.0 */
/* How far a long work is, with an estimate of what is left, at level CORE_PROGRESS. */
#ifndef CORE_BASE_PROGRESS_H
#define CORE_BASE_PROGRESS_H

#include "base/context.h"

typedef struct core_progress {
	fv_ctx *ctx;
	const char *what; /* "synth: 12 of 40 utterances": verb or stage, and the unit */
	const char *unit;
	double begin_s;
} core_progress;

core_progress core_progress_begin(fv_ctx *ctx, const char *what, const char *unit);
void core_progress_tell(const core_progress *progress, int64_t done, int64_t total);

#endif
