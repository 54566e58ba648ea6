/* SPDX-License-Identifier: Apache-2.0 */
/* Executes the runs of a study in worker processes: those that are not done, and those to be
 * evaluated again. */
#ifndef CORE_RUN_EXECUTE_H
#define CORE_RUN_EXECUTE_H

#include "run/study.h"
#include "run/tune.h"

typedef struct core_execute_options {
	int jobs;
	bool keep_going, force;
	bool isolate; /* every run gets its own process, even if it could share one */
	bool wait;    /* for the runs that other processes compute, until none is left */
	bool part;    /* of a study that other processes share: they report what could not start */
	double save_every_s; /* between two checkpoints of a run; 0: only when a signal arrives */
} core_execute_options;

typedef struct core_summary {
	/* done_now: computed here; done_before: done at the start, or by another process since;
	 * taken: other processes are still computing them */
	int64_t runs, done_before, done_now, failed, taken;
	int64_t stopped; /* by a signal during training; their checkpoints remain */
	int64_t judged;  /* done before under another `eval`; their metrics are new */
	int64_t variants_failed;
	int64_t refused; /* variants that the configuration left out; not among the runs */
	core_tune_summary
		tuned; /* the choices of tuned variants, whose runs are not counted above */
} core_summary;

/* Features must be loaded. Each failed run is reported in the context with its folder. Returns the
 * status of the first failure, or FV_SOME_FAILED if all runs of some other variant are done; with
 * keep_going, FV_SOME_FAILED unless only one run was asked for. FV_STOPPED if nothing failed but
 * other processes still compute some. Runs whose processes die are taken over. */
FV_NODISCARD fv_status core_study_execute(fv_ctx *ctx, const core_study *study,
	const core_execute_options *options, core_summary *out);

#endif
