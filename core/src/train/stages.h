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

/* Where asking for a stage failed. */
typedef enum core_stages_fault {
	CORE_STAGES_NONE,    /* it did not, or not because of the plugin */
	CORE_STAGES_LIMIT,   /* there is a stage after the last one that is allowed */
	CORE_STAGES_OP,      /* op next failed */
	CORE_STAGES_SCRATCH, /* a list of the stage is memory of fv_scratch */
	CORE_STAGES_ANSWER   /* a member of the stage is not in range */
} core_stages_fault;

typedef struct core_stages_visit {
	bool drawn; /* predictions are drawn by file name; false: they are 0 */
	void (*each)(void *user, const fv_stage *stage);
	void *user;
	core_stages_fault fault; /* written */
} core_stages_visit;

/* Walks through the stages without training and calls `each` with every checked one. Reads only rows, spec and the
 * delegates' names of the job. */
FV_NODISCARD fv_status core_stages_walk(fv_ctx *ctx, const core_train_job *job,
	core_objective *objective, core_stages_visit *visit);
FV_NODISCARD fv_status core_stages_preview(
	fv_ctx *ctx, const core_train_job *job, core_objective *objective, core_train_preview *out);

#endif
