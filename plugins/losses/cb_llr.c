/* SPDX-License-Identifier: Apache-2.0 */
/* Class-balanced last-layer retraining (CB-LLR): the output layer is trained anew on held-out
 * speakers, with the same weight for every class.
 *
 *     stage 1   the mean loss on the rows of about (1 - holdout) of the speakers
 *     stage 2   on the other speakers' rows, output layer only, from new start values, the layers
 *               below as stage 1 left them:
 *               (1/N2) sum_i m_i l_i,  m_i = N2 / (K S_c),  S_c = sum_(j of class c) s_j
 *
 * Shapes: N2 held-out rows; c the class of row i (argmax of the label, first on ties), K the number
 * of classes that they have. s_i = sum_k w_k y_ik is what the class weights w of the base loss make of
 * the row, so that the classes are balanced once, whatever train.class_weights says; with `none`
 * s_i = 1 and m_i = N2 / (K n_c). Base loss bce weighs every class in every row: s_i = 1. Speakers
 * are held out as in `afr`. No groups. Validation: the mean in stage 1; in stage 2 (1/B) sum_i m_i l_i,
 * with m over the development rows.
 *
 * Source: LaBonte, Muthukumar, Kumar, "Towards last-layer retraining for group robustness with fewer
 * annotations", NeurIPS 2023 (held-out share 5 %); the name is that of Hill, LaBonte, Zhang,
 * Muthukumar, "On the unreasonable effectiveness of last-layer retraining", 2025. Differences from
 * the authors' code: weights instead of class-balanced sampling, which have the same expectation;
 * Adam instead of SGD; hold-outs split by speaker; the epoch is not chosen by worst-group accuracy.
 */
#include <string.h>

#include "holdout.h"
#include "refit.h"

typedef struct cb_llr {
	double holdout, refit_learning_rate;
	int64_t refit_epochs;
	const fv_loss_setup *setup;
	holdout rows;       /* of stage 1, and of stage 2 */
	double *weight;     /* [N] m_i of the held-out rows; 0 for the others */
	double *dev_weight; /* [dev n] */
	int32_t refits;     /* 1 in stage 2 */
} cb_llr;

static fv_status cb_llr_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	cb_llr *self = state;
	const fv_rows *train = setup->train, *dev = setup->dev;
	self->setup = setup;
	fv_status status = holdout_draw(ctx, train, self->holdout, &self->rows);
	self->weight = fv_alloc(ctx, (size_t)train->n * sizeof *self->weight);
	self->dev_weight = fv_alloc(ctx, (size_t)dev->n * sizeof *self->dev_weight);
	if (status != FV_OK || !self->weight || !self->dev_weight)
		return status != FV_OK ? status : FV_FAILED;
	status = refit_balance_parts(ctx, setup, train, self->rows.row + self->rows.first,
		self->rows.second, train->klass, train->classes, self->weight);
	return status != FV_OK ? status
			       : refit_balance_parts(ctx, setup, dev, NULL, dev->n, dev->klass,
					 dev->classes, self->dev_weight);
}

static fv_status cb_llr_next(
	void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	cb_llr *self = state;
	(void)ctx;
	*more = index == 0;
	self->refits = index;
	stage->row = self->rows.row;
	stage->n = self->rows.first;
	if (index == 0)
		return FV_OK;
	stage->row = self->rows.row + self->rows.first;
	stage->n = self->rows.second;
	stage->row_weight = self->weight;
	stage->output_only = 1;
	stage->fresh_output = 1;
	stage->epochs = self->refit_epochs;
	stage->learning_rate = self->refit_learning_rate;
	return FV_OK;
}

static fv_status cb_llr_evaluate(
	const void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	const cb_llr *self = state;
	(void)ctx;
	*value = refit_compute_mean(batch, self->refits ? self->dev_weight : NULL);
	return FV_OK;
}

static const fv_stages_1 stages = FV_STAGES(.next = cb_llr_next);

static const void *cb_llr_extension(const char *id)
{
	return strcmp(id, FV_STAGES_1) ? NULL : &stages;
}

static const fv_param params[] = {
	FV_PARAM_REAL(cb_llr, holdout, .name = "holdout", .min = 0.01, .max = 0.99,
		.def_paper = "0.05",
		.doc = "share of the training recordings held out for stage 2, by whole speakers"),
	FV_PARAM_INT(cb_llr, refit_epochs, .name = "refit_epochs", .min = 0, .max = 1000000,
		.def_paper = "0", .doc = "epochs of stage 2; 0: train.epochs"),
	FV_PARAM_REAL(cb_llr, refit_learning_rate, .name = "refit_learning_rate", .min = 0,
		.max = 1000, .def_paper = "0.001",
		.doc = "learning rate of stage 2; 0: train.learning_rate"),
};

static const fv_loss_ops ops = FV_LOSS_OPS(.open = cb_llr_open, .evaluate = cb_llr_evaluate);

static const fv_descriptor descriptor = FV_LOSS(.name = "cb_llr", .version = "1.0.0",
	.summary = "class-balanced last-layer retraining on held-out speakers",
	.source = "LaBonte et al., Towards last-layer retraining for group robustness with fewer "
		  "annotations, NeurIPS 2023",
	.licence = "Apache-2.0", .state_size = sizeof(cb_llr), FV_PARAMS(params), .ops = &ops,
	.extension = cb_llr_extension);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
