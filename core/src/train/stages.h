/* SPDX-License-Identifier: Apache-2.0 */
/* Trains an objective with fv.stages/1: asks it for each training stage, checks the answer, and trains the
 * stage as a pass. */
#ifndef CORE_TRAIN_STAGES_H
#define CORE_TRAIN_STAGES_H

#include "train/job.h"
#include "train/objective.h"

/* Trains all stages of the job, whose objective is open. */
FV_NODISCARD fv_status core_stages_run(fv_ctx *ctx, const core_train_job *job,
	core_objective *objective, core_train_result *result);

/* Walks through the stages without training and calls `each` with every checked one. Predictions are 0, or
 * drawn by file name if `drawn`. Reads only rows, spec and the delegates' names of the job. */
FV_NODISCARD fv_status core_stages_walk(fv_ctx *ctx, const core_train_job *job,
	core_objective *objective, bool drawn, void (*each)(void *user, const fv_stage *stage),
	void *user);
FV_NODISCARD fv_status core_stages_preview(
	fv_ctx *ctx, const core_train_job *job, core_objective *objective, core_train_preview *out);

#endif
