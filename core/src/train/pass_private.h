/* SPDX-License-Identifier: Apache-2.0 */
/* For the files pass*.c: one pass while it trains, and its part of the checkpoint of the run. */
#ifndef CORE_TRAIN_PASS_PRIVATE_H
#define CORE_TRAIN_PASS_PRIVATE_H

#include "train/batches.h"
#include "train/networks.h"
#include "train/pass.h"
#include "train/sampler.h"
#include "train/schedule.h"
#include "train/select.h"
#include "train/validation.h"

struct core_pass {
	fv_ctx *ctx;
	const core_train_job *job;
	const core_train_pass *pass;
	core_train_result *result;
	core_objective *objective;
	core_base base;
	core_train_data train, dev; /* what the objective may see of the job's */
	core_batches batches;
	core_validation validation;
	core_select select;
	core_plan *plan;
	core_networks *networks;
	const int32_t *subsample;
	int32_t n_subsample;
	int64_t step, steps; /* done; of the pass */
	int32_t stage;
	/* the epoch it is in: how many of its samples and steps are done, sums over these steps */
	int32_t epoch, seen, epoch_steps;
	double value, grad_norm, seconds;
	core_sampler sampler;
	core_schedule schedule;
	int32_t last_best; /* the last epoch that was the best so far; 0: none yet */
	/* m: first moment, or the velocity of SGD; v: second moment, with Adam alone */
	float *param, *gradient, *m, *v;
	float *anchor; /* start weights that the model is pulled to; NULL: it is not */
	int64_t first; /* of the parameters that learn, in the vector */
	float *output; /* [n_output] output.weight in the vector, if it has a penalty */
	int64_t n_output;
	double *grad, *share;      /* [batch,C] dl/dz; [batch] v_i */
	core_on_device *on_device; /* where the model is; NULL: it is trained on the CPU */
	double *group_sum, *group_loss;
	int64_t *group_seen;
};

/* pass_open.c: finds the rows of an epoch and makes all else that the first step needs. */
FV_NODISCARD fv_status core_pass_prepare(struct core_pass *t);

/* Returns the name of the first tensor of `vector` that is not finite, or NULL. */
const char *core_find_non_finite(const core_plan *plan, const float *vector);

/* pass_checkpoint.c. These need a checkpoint (core_run_checkpoint) in the job. */

/* If the checkpoint of an interrupted run is open, continues where that run was. *finished: it was in a later
 * training stage, and the model of this one is now in the result. */
FV_NODISCARD fv_status core_pass_restore(struct core_pass *t, bool *finished);

/* Saves the checkpoint after a step if that is due. Errors: FV_STOPPED. */
FV_NODISCARD fv_status core_pass_save(struct core_pass *t);

/* Makes later training stages save this one's model with theirs. */
FV_NODISCARD fv_status core_pass_finish(struct core_pass *t);

#endif
