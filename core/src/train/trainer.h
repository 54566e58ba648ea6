/* SPDX-License-Identifier: Apache-2.0 */
/* One run: trains the head on the training rows with a loss plugin and keeps the best epoch's
 * model.
 *
 * An epoch visits the kept rows in batches (the last one may be short). A step: logits, base
 * losses, the plugin's v, gradient sum_i v_i dl_i, one joint norm, clipping, Adam. An objective
 * with networks of its own puts its step in place of v and the gradient; the rest is the same, and
 * "base loss" is that of the value it predicts with. After each epoch
 *
 *     dev_loss       mean base loss over the development rows
 *     dev_objective  mean over development batches of 32 in file order of the plugin's value, the
 *                    short last batch at full weight
 *
 * and what else the rule of train.select looks at (train/select.h). The model with the lowest value
 * of that rule is kept: strictly lower wins, a value that is not finite never does, and a run
 * without any finite value has failed. The start model is no candidate; epochs count from 1.
 *
 * Everything random is keyed by file names (streams init and shuffle), and sums run in the order of
 * file names, so the order of rows in a label file changes nothing, dev_objective's batches apart.
 *
 * An objective with fv.stages/1 has such a training for each stage (stages.c); result and model are
 * the last one's.
 *
 * Arithmetic that leaves the numbers is an error that names the step and the tensor (FV_FAILED): a
 * run that overflows has a wrong setting, and a model of an earlier epoch would hide it. Features
 * that are not finite are an error that names the recording (FV_DATA). A development value that is
 * not finite although model and features are is no error; it does not win.
 *
 * A context serves one run: fv_array()s and streams belong to it.
 */
#ifndef CORE_TRAIN_TRAINER_H
#define CORE_TRAIN_TRAINER_H

#include <fairvox/plugin.h>

#include "base/context.h"
#include "config/spec.h"
#include "nn/plan.h"
#include "train/batches.h"
#include "train/state.h"

#define CORE_DEV_BATCH 32

/* What happened in an epoch; pointers are valid during the call only. */
typedef struct core_train_epoch {
	int32_t stage, epoch, epochs; /* stage from 1; epochs of this stage */
	double value;                 /* mean over steps of the objective's value */
	double grad_norm;             /* mean over steps, before clipping */
	double dev_loss, dev_objective;
	/* What a rule beyond these two looked at, by name; n_judged is 0 for the others. */
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

/* The groups by which a rule chooses. The objective never sees them. */
typedef struct core_select_groups {
	int32_t n;
	const char *const *name; /* [n] */
	const int32_t *id;       /* a row each; -1: unknown */
} core_select_groups;

/* A loss plugin that the objective may delegate a stage to. */
typedef struct core_train_delegate {
	const char *param; /* of the objective's, which names it */
	const fv_descriptor *loss;
	const void *state; /* parameters filled in; copied for each stage */
} core_train_delegate;

typedef struct core_train_job {
	core_head_shape shape;      /* classes equal those of the rows */
	core_train_data train, dev; /* dev in file order; klass is argmax of label, first on ties */
	const core_train_spec
		*spec; /* epochs, batch, learning_rate, adamw, weight_decay, clip, select... */
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
	/* Where the run is saved in the middle and taken up again; NULL: it is not. */
	core_state *state;
} core_train_job;

/* Arrays are memory of the context. */
typedef struct core_train_result {
	const core_plan *plan; /* of the model */
	float *params;         /* [plan->count] the kept model */
	int32_t selected_epoch;
	double selected_value;
	int32_t candidates;   /* epochs that were chosen from, in all stages */
	int32_t kept;         /* rows of an epoch, of the last stage */
	double *class_weight; /* [C] of the base loss, from the training rows before subsample() */
} core_train_result;

/* With a state, FV_STOPPED when told to stop. The state's file is left where it is, also after the
 * end. */
FV_NODISCARD fv_status core_train_run(
	fv_ctx *ctx, const core_train_job *job, core_train_result *result);

#define CORE_STAGES_MAX 64

/* What a run will train. An ordinary one is a single stage on the rows that subsample() gives. Where
 * rows depend on predictions, their number is a guess. */
typedef struct core_train_preview {
	int32_t n;
	struct {
		const char *loss;
		int32_t rows, epochs;
	} stage[CORE_STAGES_MAX];
} core_train_preview;

/* Without training. Uses the loss state up; features are not read and may be NULL. */
FV_NODISCARD fv_status core_train_preview_run(
	fv_ctx *ctx, const core_train_job *job, core_train_preview *out);

/* Errors: FV_DATA names every row whose features hold NaN or infinity. */
FV_NODISCARD fv_status core_check_features(
	fv_ctx *ctx, const core_train_data *data, const core_head_shape *shape);

/* Errors: FV_DATA names every row whose features hold NaN or infinity. */
FV_NODISCARD fv_status core_check_features(
	fv_ctx *ctx, const core_train_data *data, const core_head_shape *shape);

/* Logits [data->rows.n, C] of any rows (only rows.n, rows.stem, x and index are read). Those of a
 * row do not depend on the rows beside it. Errors: FV_DATA names the recording when a feature is
 * not finite; FV_FAILED when the logits overflow. */
FV_NODISCARD fv_status core_train_predict(fv_ctx *ctx, const core_plan *plan, const float *params,
	const core_train_data *data, float *logits);

#endif
