/* SPDX-License-Identifier: Apache-2.0 */
/* One training of the model, from start weights to a kept epoch: an ordinary run is one pass, an
 * objective with fv.stages/1 has one a stage. trainer.c does the pass, stages.c says what it is. */
#ifndef CORE_TRAIN_PASS_H
#define CORE_TRAIN_PASS_H

#include "train/objective.h"
#include "train/trainer.h"

/* What a pass asks beyond its job. All zero but `stage` in an ordinary run. */
typedef struct core_train_pass {
	int32_t stage; /* from 1 */
	/* The rows of this pass with an objective that is open and stays so: NULL: job->loss is
	 * opened on the job's rows and asked what it keeps. */
	const core_objective *objective;
	const int32_t *row; /* [n] of the objective's training rows */
	int32_t n;
	const double *class_weight; /* [C]; NULL: from the job's training rows */
	const double *row_weight;   /* [rows of the job]; NULL: 1 */
	const core_plan *from;      /* the model that it goes on with; NULL: a fresh start */
	const float *from_params;
	int64_t shuffled; /* epochs of the passes that it goes on from */
	double anchor;
	bool output_only, use_last;
} core_train_pass;

FV_NODISCARD fv_status core_train_pass_run(fv_ctx *ctx, const core_train_job *job,
	const core_train_pass *pass, core_train_result *result);

/* All stages of the job, whose objective is open. */
FV_NODISCARD fv_status core_stages_run(fv_ctx *ctx, const core_train_job *job,
	const core_objective *objective, core_train_result *result);

/* Goes through the stages without training: each checked one is shown to `each`. Predictions are 0,
 * or drawn by file name when `drawn`. Of the job rows, spec and the delegates' names are read. */
FV_NODISCARD fv_status core_stages_walk(fv_ctx *ctx, const core_train_job *job,
	const core_objective *objective, bool drawn,
	void (*each)(void *user, const fv_stage *stage), void *user);
FV_NODISCARD fv_status core_stages_preview(fv_ctx *ctx, const core_train_job *job,
	const core_objective *objective, core_train_preview *out);

#endif
