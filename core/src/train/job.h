/* SPDX-License-Identifier: Apache-2.0 */
/* The types of training: the job, the report of an epoch, and the result. Files of train/ include this one
 * instead of the layers above them. */
#ifndef CORE_TRAIN_JOB_H
#define CORE_TRAIN_JOB_H

#include <fairvox/plugin.h>

#include "base/context.h"
#include "config/spec.h"
#include "nn/plan.h"
#include "train/batches.h"
#include "train/run_checkpoint.h"

#define CORE_DEV_BATCH 32

/* The report of an epoch. Pointers are valid only during the call. */
typedef struct core_train_epoch {
	int32_t stage, epoch, epochs; /* stage from 1; epochs of this stage */
	double value;                 /* mean over steps of the objective's value; NaN: no steps */
	double grad_norm;             /* mean over steps, before clipping; NaN: no steps */
	double learning_rate;
	double dev_loss, dev_objective;
	/* The value that the rule of train.select compares; dev_loss where the last epoch is kept. */
	double select_value;
	/* Further values that the selection rule used, by name; n_judged is 0 for rules that use none. */
	int32_t n_judged;
	const char *judged_name[2];
	double judged[2];
	double seconds;
	bool best; /* the best so far */
	int32_t groups;
	const double
		*group_loss; /* [G] mean base loss of the samples seen in this epoch; NaN: none */
	const float *params; /* the model after this epoch */
} core_train_epoch;

/* The groups that a selection rule compares. The objective never sees them. */
typedef struct core_select_groups {
	int32_t n;
	const char *const *name; /* [n] */
	const int32_t *id;       /* a row each; -1: unknown */
} core_select_groups;

/* A loss plugin that the objective may delegate a training stage to. */
typedef struct core_train_delegate {
	const char *param; /* the parameter of the objective that names it */
	const fv_descriptor *loss;
	const void *state; /* parameters filled in; copied for each stage */
} core_train_delegate;

typedef struct core_train_job {
	core_head_shape shape;      /* classes equal those of the rows */
	core_train_data train, dev; /* dev in file order; klass is argmax of label, first on ties */
	const core_train_spec *spec; /* epochs, batch, learning_rate, optimizer, clip, select... */
	/* For rules that look at groups, or at the test split; otherwise n = 0. */
	core_select_groups select_groups; /* of dev's rows, or of test's */
	core_train_data test;
	const fv_descriptor *loss;
	void *loss_state; /* parameters filled in; used up by the run */
	const core_train_delegate *delegate;
	int32_t n_delegates;
	bool member_is_probability;
	const char *const *class_name; /* [C] */
	/* Start values of the plan's tensors (train.init); NULL: drawn. */
	fv_status (*start)(void *user, const core_plan *plan, float *params);
	const int32_t *
		order; /* [order_epochs, order_n] of train.order; NULL: the plugin's or a shuffle */
	int64_t order_epochs, order_n;
	/* Called after each epoch; a status other than FV_OK ends the run with it. NULL: not
	 * called. */
	fv_status (*on_epoch)(void *user, const core_train_epoch *epoch);
	void *user;
	/* The checkpoint of the run; NULL: the run is not saved before its end. */
	core_run_checkpoint *checkpoint;
	/* Where the model is trained: an ordinary run whose only op is weigh, by Adam. NULL: on the CPU. */
	const struct core_train_device *device;
} core_train_job;

/* Arrays are memory of the context. */
typedef struct core_train_result {
	const core_plan *plan; /* the networks of the model */
	float *params;         /* [plan->count] the kept model */
	int32_t selected_epoch;
	double selected_value;
	int32_t candidates; /* epochs that were chosen from, in all stages */
	int32_t epochs; /* trained, in the last stage; fewer than train.epochs after train.patience */
	bool use_last;     /* the last stage keeps its last epoch by design: nothing was chosen */
	int32_t subsample; /* rows of the subsample, in the last stage */
	const double *
		class_weight; /* [C] of the base loss, from the training rows before the subsample */
} core_train_result;

#define CORE_STAGES_MAX 64 /* as stages.h says */

/* What a run will train. An ordinary run is a single stage on its subsample. Where rows depend on
 * predictions, their number is a guess. */
typedef struct core_train_preview {
	int32_t n;
	struct {
		const char *loss;
		int32_t rows, epochs;
		int32_t averaged; /* stages whose models are averaged, without training; else 0 */
	} stage[CORE_STAGES_MAX];
} core_train_preview;

#endif
