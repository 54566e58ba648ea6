/* SPDX-License-Identifier: Apache-2.0 */
/* Reports the progress of a long task at level CORE_PROGRESS, with an estimate of the time left. */
#ifndef CORE_BASE_PROGRESS_H
#define CORE_BASE_PROGRESS_H

#include "base/context.h"

typedef struct core_progress {
	fv_ctx *ctx;
	/* `what` and `unit` give "what: 12 of 40 unit": a command or stage, and what is counted */
	const char *what;
	const char *unit;
	double begin_s;
} core_progress;

core_progress core_progress_begin(fv_ctx *ctx, const char *what, const char *unit);
void core_progress_tell(const core_progress *progress, int64_t done, int64_t total);

#endif
