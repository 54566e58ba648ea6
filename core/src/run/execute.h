/* SPDX-License-Identifier: Apache-2.0 */
/* All runs of a study that are not done, and those that are to be judged anew, on worker processes. */
#ifndef CORE_RUN_EXECUTE_H
#define CORE_RUN_EXECUTE_H

#include "run/study.h"

typedef struct core_execute_options {
	int jobs;
	bool keep_going, force;
	bool isolate;        /* a process for every run, also where some could share one */
	double save_every_s; /* between two savings of a run's state; 0: only when a signal comes */
} core_execute_options;

typedef struct core_summary {
	/* done_now: here; done_before: also by another process meanwhile; taken: another is at them */
	int64_t runs, done_before, done_now, failed, taken;
	int64_t stopped; /* by a signal in the middle: their state is kept */
	int64_t judged;  /* done before, under another `eval`: their metrics are new */
	int64_t variants_failed;
} core_summary;

/* Features must be loaded. Failures are recorded in the context, one a run, with the folder; the
 * status is that of the first one, or FV_SOME_FAILED when another variant is whole. */
FV_NODISCARD fv_status core_study_execute(fv_ctx *ctx, const core_study *study,
	const core_execute_options *options, core_summary *out);

#endif
