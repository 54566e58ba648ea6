/* SPDX-License-Identifier: Apache-2.0 */
/* The training stages of an objective with fv.stages/1: asks it what each stage is, checks the answer
 * and trains it as a pass. */
#ifndef CORE_TRAIN_STAGES_H
#define CORE_TRAIN_STAGES_H

#include "train/job.h"
#include "train/objective.h"

/* All stages of the job, whose objective is open. */
FV_NODISCARD fv_status core_stages_run(fv_ctx *ctx, const core_train_job *job,
	core_objective *objective, core_train_result *result);

/* Goes through the stages without training: each checked one is shown to `each`. Predictions are 0,
 * or drawn by file name when `drawn`. Of the job rows, spec and the delegates' names are read. */
FV_NODISCARD fv_status core_stages_walk(fv_ctx *ctx, const core_train_job *job,
	core_objective *objective, bool drawn, void (*each)(void *user, const fv_stage *stage),
	void *user);
FV_NODISCARD fv_status core_stages_preview(
	fv_ctx *ctx, const core_train_job *job, core_objective *objective, core_train_preview *out);

#endif
