/* SPDX-License-Identifier: Apache-2.0 */
/* Extension fv.stages/1: objectives that train more than once. Examples are a second training on
 * the errors of a first model, on groups that a first model reveals, or of the last layer on
 * held-out rows.
 *
 * Before each training stage the plugin describes it; the core then trains it like any run, with
 * the same model, base loss, clipping, optimiser, validation passes and choice of the epoch. The
 * model of the last stage is the model of the run. A loss plugin offers the extension through its
 * descriptor:
 *
 *     static const void *my_loss_extension(const char *id)
 *     {
 *             return strcmp(id, FV_STAGES_1) ? NULL : &stages;
 *     }
 *
 * open and close are called once a run, as usual. order, mix, weigh, evaluate and validated are
 * called in the plugin's own stages (fv_stage.loss is NULL). subsample is not called, and a plugin
 * that has it is refused; fv_stage.row replaces it.
 * An objective has this extension or fv.networks/1, not both.
 *
 * An objective may have up to 64 stages.
 *
 * Shapes: N training rows, M development rows, n rows of a stage, G groups, C classes. Stages are
 * numbered from 1 in fv_stage and in messages; `next` counts them from 0.
 *
 * In every stage epochs and steps count from 1 and the optimiser starts anew. Every stage chooses
 * its own epoch by the value that `train.select` names, computed with the stage's own objective,
 * unless the stage sets use_last. A stage that continues from the previous model gets other
 * shuffles than the previous stage. `train.init` gives the start weights of fresh stages;
 * `train.order` cannot be used.
 *
 * A stage can delegate to another loss plugin. The user names it in a parameter of type
 * FV_LOSS_REF, together with its own parameters: `then: {name: gdro, mode: eg}`. The delegate sees
 * only its stage: the stage's rows are its training rows, numbered from 0, counts are over these
 * rows, its arrays (fv_array) are its own, and its subsample op is called. A delegate cannot have
 * stages itself.
 */
#ifndef FAIRVOX_STAGES_H
#define FAIRVOX_STAGES_H

#include <fairvox/abi.h>
#include <fairvox/context.h>
#include <fairvox/loss.h>

FV_BEGIN_DECLS

#define FV_STAGES_1 "fv.stages/1"

/* One training stage. All members but size are zero when `next` is called. The plugin owns what
 * they point to and keeps it until `next` is called again (fv_alloc, fv_array). */
typedef struct fv_stage {
	uint32_t size;
	int32_t fresh; /* 1: start weights as in a new run. The first stage is always fresh. */
	int32_t start; /* k: continue from the model of stage k, one of the stages before; 0: from
	                * the previous stage's, unless fresh */
	int32_t fresh_output; /* 1: output.weight and output.bias start as in a new run */
	int32_t output_only;  /* 1: only output.weight and output.bias are trained, and nothing is
	                      * dropped in the layers below */
	int32_t use_last;     /* 1: keep the model of the last epoch; 0: that of the best epoch */
	int64_t n;
	const int32_t *row; /* [n] training rows, repeats allowed; NULL: all N (n is ignored) */
	const double *
		row_weight; /* [N] by training row (not by position in row), not negative: factors of the base losses,
	                           * applied before the objective sees them, in training only;
	                           * NULL: 1 */
	const float *label;     /* [N,C] labels of the training rows in this stage, each row a
	                     * distribution; their classes (klass) follow. The class weights of the
	                     * base loss stay those of the corpus's labels. NULL: the corpus's */
	const float *dev_label; /* [M,C] likewise of the development rows */
	int32_t groups;         /* G: number of groups of this stage; 0: the run's groups, if any */
	const int32_t *group;   /* [N] by training row, -1 unknown; only if groups > 0 */
	const int32_t *dev_group; /* [M]; NULL: all unknown */
	int64_t epochs;           /* 0: train.epochs */
	double learning_rate;     /* 0: train.learning_rate */
	double anchor;    /* a: adds a sum_j (p_j - p0_j)^2 to the value of each step, where p
	                           * are the weights being trained and p0 their values at the start
	                           * of the stage; 0: nothing added */
	double output_l1; /* b: adds b sum_j |w_j| over output.weight to the value of each step, with
	                   * the derivative 0 where w_j is 0; 0: nothing added */
	const char *loss; /* name of the FV_LOSS_REF parameter that names the loss plugin to
	                           * delegate to; NULL: this plugin's own ops */
	int32_t n_average;
	const int32_t *average; /* [n_average] stages before this one, which must have the same
	                         * networks: nothing is trained, and the model of this stage is the
	                         * mean of theirs, number by number, in double. One validation pass
	                         * is made of it. All other members must be zero. */
} fv_stage;

typedef struct fv_stages_1 {
	uint32_t size;
	/* 1: delegates see only groups given in fv_stage, so the user needs no grouper for them;
	 * 0: a delegate that uses groups sees the run's groups unless the stage gives its own. */
	int32_t makes_groups;
	/* Called before each stage, index counting from 0: fills in `stage` and sets *more to 1 if
	 * another stage follows (0 on entry). The result may depend only on earlier calls and on
	 * fv_predict_rows: `explain` calls it without training, and a resumed run calls it again
	 * for the stages it has finished. Errors: FV_CONFIG, FV_DATA. [run] */
	fv_status (*next)(void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more);
} fv_stages_1;

#define FV_STAGES(...) FV_SIZED(fv_stages_1, __VA_ARGS__)

/* Writes the logits [rows->n, C] of the previous stage's model. rows must be setup->train or
 * setup->dev of open(). Only in `next` with index > 0. Where nothing is trained (`explain`,
 * `check`) the logits are made up, but finite. Errors: FV_FAILED. [run] */
FV_NODISCARD fv_status fv_predict_rows(fv_ctx *ctx, const fv_rows *rows, float *logits);

/* The representation of a row: what the output layer of the previous stage's model reads: the last hidden layer's result, or the
 * projection's, or the mixed features if the head has neither. z = W x + b with its output.weight W
 * and output.bias b. Rows and errors are those of fv_predict_rows; FV_CONFIG if the model has
 * networks of its own (fv.networks/1). Where nothing is trained the numbers are made up, but finite,
 * and the width may be another one. */

/* The width D of a row; 0, with a message, where fv_represent_rows would fail. [run] */
int32_t fv_representation_width(fv_ctx *ctx);
/* Writes x [rows->n, D] into the caller's memory. [run] */
FV_NODISCARD fv_status fv_represent_rows(fv_ctx *ctx, const fv_rows *rows, float *x);

FV_END_DECLS

#endif
