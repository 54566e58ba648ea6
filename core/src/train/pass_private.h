/* SPDX-License-Identifier: Apache-2.0 */
/* For the files pass*.c: one pass at work, and its place in the state of the run. */
#ifndef CORE_TRAIN_PASS_PRIVATE_H
#define CORE_TRAIN_PASS_PRIVATE_H

#include "train/batches.h"
#include "train/develop.h"
#include "train/networks.h"
#include "train/pass.h"
#include "train/select.h"

typedef struct trainer {
	fv_ctx *ctx;
	const core_train_job *job;
	const core_train_pass *pass;
	core_train_result *result;
	core_objective *objective;
	core_train_data train; /* what the objective may see of job->train */
	core_batches batches;
	core_develop develop;
	core_select select;
	core_plan *plan;
	core_networks *networks;
	const int32_t *kept;
	int32_t n_kept;
	int64_t step, steps; /* done; of the pass */
	int32_t stage;
	/* the epoch it is in: how many of its samples and steps are done, sums over these steps */
	int32_t epoch, seen, epoch_steps;
	double value, grad_norm, seconds;
	float *param, *gradient, *m, *v;
	float *anchor;        /* start weights that the model is pulled to; NULL: it is not */
	int64_t first;        /* of the parameters that learn, in the vector */
	double *grad, *share; /* [batch,C] dl/dz; [batch] v_i */
	double *group_sum, *group_loss;
	int64_t *group_seen;
} trainer;

/* pass_open.c: the rows of an epoch and all else there is before the first step. */
FV_NODISCARD fv_status core_trainer_prepare(trainer *t);

/* The first tensor of `vector` that is not finite, or NULL. */
const char *core_trainer_broken(const core_plan *plan, const float *vector);

/* pass_state.c. The following want a state in the job. */

/* Where the state of an interrupted run is open, goes back to where that run stood. *finished: it stood in a
 * later stage; the model of this one is in the result. */
FV_NODISCARD fv_status core_trainer_restore(trainer *t, bool *finished);

/* After a step: saves the state if that is due. Errors: FV_STOPPED. */
FV_NODISCARD fv_status core_trainer_save(trainer *t);

/* Later stages save this one's model. */
FV_NODISCARD fv_status core_trainer_finish(trainer *t);

#endif
