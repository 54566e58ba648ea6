/* SPDX-License-Identifier: Apache-2.0 */
/* For the files stages*.c: stages.c goes through the stages, stages_check.c checks what the plugin asks for,
 * stages_rows.c makes the rows that a stage is trained on, stages_predict.c answers what the plugin asks about
 * the previous stage's model. */
#ifndef CORE_TRAIN_STAGES_PRIVATE_H
#define CORE_TRAIN_STAGES_PRIVATE_H

#include <fairvox/stages.h>

#include "train/pass.h"
#include "train/stages.h"

/* The model of a stage. */
struct stage_model {
	const core_plan *plan; /* NULL: nothing is trained */
	const float *params;
	int64_t shuffled; /* epochs since its last fresh start */
};

struct core_stages {
	fv_ctx *ctx;
	const core_train_job *job;
	core_objective *objective;
	core_train_result last; /* of the stage before; plan NULL: none, or nothing is trained */
	int32_t index;          /* from 0 */
	struct stage_model model[CORE_STAGES_MAX]; /* [index] of the stages before */
	bool drawn;                                /* predictions where nothing is trained */
	core_stages_fault fault;                   /* of ask_stage, when it fails */
};

/* Reports an error of the current stage under the loss's name, and returns `status`. */
fv_status core_stages_fail(const struct core_stages *s, fv_status status, const char *format, ...)
	FV_PRINTF(3, 4);

/* Checks everything that the plugin asks for. */
FV_NODISCARD fv_status core_stages_check(const struct core_stages *s, const fv_stage *stage);
/* Returns the loss that the stage delegates to, or NULL. */
const core_train_delegate *core_stages_delegate(const struct core_stages *s, const fv_stage *stage);

/* Makes the rows of the stage, in `job` and `pass`: labels, and for a delegate its rows and groups. */
FV_NODISCARD fv_status core_stages_show_rows(const struct core_stages *s, const fv_stage *stage,
	core_train_job *job, core_train_pass *pass);

/* Refuses memory of fv_scratch in what op next of stage `index` gave, before the op's scratch memory ends. */
fv_status core_stages_refuse_scratch(const core_objective *o, int32_t index, const fv_stage *stage);

#endif
