/* SPDX-License-Identifier: Apache-2.0 */
/* Extension fv.stages/1: objectives that train more than once (on the errors of a first model, on
 * groups that a first model reveals, the last layer again on rows held out).
 *
 * The plugin says before each stage what the stage is; the core trains it as it trains any run,
 * with the same model, base loss, clipping, optimiser, development set and selection. The model of
 * the last stage is the run's. A loss plugin offers it by
 *
 *     static const void *extension(const char *id)
 *     {
 *             return strcmp(id, FV_STAGES_1) ? NULL : &stages;
 *     }
 *
 * in its descriptor. Its open and close are asked as ever, once a run; order, mix, weigh and
 * evaluate in the stages that are its own (fv_stage.loss NULL); subsample is not asked, `row` takes its
 * place. An objective has this extension or fv.networks/1, not both.
 *
 * Shapes: N training rows, M development rows, n rows of a stage, G groups, C classes.
 *
 * Epochs and steps count from 1 in every stage, the optimiser starts anew in every stage, and every
 * stage has its own choice of the epoch: the value that `train.select` names, computed by the
 * stage's own objective, unless the stage says use_last. A shuffle of a stage that goes on with the
 * last one's model is none of that one's. `train.init` is where fresh stages start; `train.order`
 * cannot be used.
 *
 * A stage may delegate to another loss plugin, which the user names in a parameter of type
 * FV_LOSS_REF, with parameters of its own: `then: {name: gdro, mode: eg}`. That plugin sees a world
 * of its own: the rows of the stage are its training rows, numbered from 0, counts are over them,
 * its arrays (fv_array) are its own, its subsample is asked. It has no stages itself.
 */
#ifndef FAIRVOX_STAGES_H
#define FAIRVOX_STAGES_H

#include <fairvox/abi.h>
#include <fairvox/context.h>
#include <fairvox/loss.h>

FV_BEGIN_DECLS

#define FV_STAGES_1 "fv.stages/1"

/* One stage. All zero but size when `next` is asked; what it points to stays the plugin's and lives
 * until `next` is asked again (fv_alloc, fv_array). */
typedef struct fv_stage {
	uint32_t size;
	int32_t fresh; /* 1: start weights as of a new run; 0: the last stage's model. The first
	                      * stage is fresh in any case. */
	int32_t output_only; /* 1: output.weight and output.bias learn, the rest of the model is held */
	int32_t use_last; /* 1: the model after the last epoch is kept; 0: that of the best one */
	int64_t n;
	const int32_t *row; /* [n] training rows, repeats allowed; NULL: all N (n is not read) */
	const double
		*row_weight;  /* [N] by training row, at least 0: base losses are multiplied by it
	                           * before the objective sees them, in training only; NULL: 1 */
	int32_t groups;       /* G: groups of this stage; 0: those of the run, if there are any */
	const int32_t *group; /* [N] by training row, -1 unknown; with groups only */
	const int32_t *dev_group; /* [M]; NULL: all unknown */
	int64_t epochs;           /* 0: train.epochs */
	double learning_rate;     /* 0: train.learning_rate */
	double anchor;    /* a: the step's value has a sum_j (p_j - p0_j)^2 added, p0 the weights
	                           * that the stage starts from, over those that learn; 0: none */
	const char *loss; /* name of the FV_LOSS_REF parameter that says which plugin; NULL:
	                           * this one */
} fv_stage;

typedef struct fv_stages_1 {
	uint32_t size;
	/* 1: delegates are shown the groups of fv_stage only, so a user gives no grouper for their
	 * sake; 0: a delegate that uses groups is shown the run's unless the stage has some. */
	int32_t makes_groups;
	/* Before each stage, index from 0: fills `stage`, and *more with 1 when another one follows
	 * (0 on entry). Every call depends on those before it and on fv_predict_rows alone: `explain`
	 * goes through it without training, and a resumed run asks again for the stages it has done.
	 * Errors: FV_CONFIG, FV_DATA. [run] */
	fv_status (*next)(void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more);
} fv_stages_1;

/* Logits [rows->n, C] of the last stage's model. rows: setup->train or setup->dev of open(), nothing
 * else. In `next` with index > 0 only. Where nothing is trained (`explain`, `check`) they are made
 * up, but finite. Errors: FV_FAILED. [run] */
FV_NODISCARD fv_status fv_predict_rows(fv_ctx *ctx, const fv_rows *rows, float *logits);

FV_END_DECLS

#endif
