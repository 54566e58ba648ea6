/* SPDX-License-Identifier: Apache-2.0 */
/* Computes one run: from loaded features to a finished folder. */
#ifndef CORE_RUN_RUNNER_H
#define CORE_RUN_RUNNER_H

#include "run/folder.h"
#include "run/run_data.h"
#include "run/training_device.h"

typedef struct core_run_options {
	bool force; /* compute it again, from the start, even if it is done */
	double save_every_s;
	core_lease_view *view; /* what is known of another process that holds the folder; updated */
	core_matrices *matrices;       /* shared with other runs; NULL: none */
	core_training_device *trainer; /* where it trains if it can (training_device.h) */
} core_run_options;

typedef enum core_run_outcome {
	CORE_RUN_COMPUTED,
	CORE_RUN_SKIPPED,   /* another process is computing or has finished it */
	CORE_RUN_REFRESHED, /* it was done; its metadata are new, its metrics are not */
	CORE_RUN_JUDGED,    /* it was done; its metrics are new */
} core_run_outcome;

/* Claims the run's folder, continues from the checkpoint of an interrupted run if the fingerprint
 * is the same, computes and writes all files, and marks the run done. A run that is done is
 * refreshed (refresh.h). Errors: FV_STOPPED if the pool was told to stop. */
FV_NODISCARD fv_status core_runner_run(fv_ctx *ctx, const core_study *study, const core_run *run,
	const core_run_options *options, core_run_outcome *outcome);

/* Previews the training; only the encodings of the groupers must be loaded. With `groups` false, no
 * groups are inferred: for objectives whose stages do not depend on them. */
FV_NODISCARD fv_status core_runner_preview(
	fv_ctx *ctx, core_run_data *r, bool groups, core_train_preview *out);

#endif
