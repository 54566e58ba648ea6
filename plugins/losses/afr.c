/* SPDX-License-Identifier: Apache-2.0 */
/* Automatic feature reweighting (AFR): the last layer is trained again on held-out speakers, with
 * more weight on what the model does not yet get right.
 *
 *     stage 1   the mean loss on the rows of about (1 - holdout) of the speakers
 *     stage 2   on the other speakers' rows, output layer only, from stage 1's model:
 *               sum_i mu_i l_i + anchor sum_j (w_j - w1_j)^2
 *               mu_i = exp(-gamma p_i) / sum_j exp(-gamma p_j),  p_i = sum_k y_ik p(z_i)_k
 *
 * Shapes: z [N,C] logits of stage 1's model, p(z) what it predicts (softmax, or sigmoid with base loss
 * bce); w the output layer's weights and biases, w1 their
 * values at the start of stage 2; N2 held-out rows. The core gets row weights N2 mu_i, which have
 * mean 1, so the sum over a batch of B is (1/B) sum_i N2 mu_i l_i. Speakers are held out in random
 * order until they have holdout N rows, but never all of them; the draws are keyed by each
 * speaker's first file name. No groups. The base loss balances the classes; this is the beta_y of
 * the paper. Validation: the mean in stage 1; in stage 2 (1/B) sum_i M mu_i l_i, with mu over the M
 * development rows.
 *
 * Source: Qiu, Potapczynski, Izmailov, Wilson, "Simple and fast group robustness by automatic
 * feature reweighting", ICML 2023, eq. 1 and 2; p of a soft label is its expectation. Differences
 * from the authors' code: Adam on batches instead of full-batch steps; hold-outs split by speaker;
 * the epoch is not chosen by worst-group accuracy.
 */
#include <string.h>

#include "holdout.h"
#include "refit.h"

typedef struct afr {
	double gamma, holdout, anchor, refit_learning_rate;
	int64_t refit_epochs;
	const fv_loss_setup *setup;
	holdout rows;       /* of stage 1, and of stage 2 */
	double *dev_weight; /* [dev n]; NULL in stage 1 */
} afr;

static fv_status afr_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	afr *self = state;
	self->setup = setup;
	return holdout_draw(ctx, setup->train, self->holdout, &self->rows);
}

/* Writes exp(-gamma p), up to a common factor, into weight [n]. */
static fv_status weigh_rows(const afr *self, fv_ctx *ctx, const fv_rows *rows, double *weight)
{
	size_t classes = (size_t)rows->classes;
	float *logits = fv_scratch(ctx, (size_t)rows->n * classes * sizeof *logits);
	double *p = fv_scratch(ctx, classes * sizeof *p), least = 1;
	if (!logits || !p || fv_predict_rows(ctx, rows, logits) != FV_OK)
		return FV_FAILED;
	for (size_t i = 0; i < (size_t)rows->n; i++) {
		fv_probability(self->setup, logits + i * classes, p);
		weight[i] = 0;
		for (size_t k = 0; k < classes; k++)
			weight[i] += (double)rows->label[i * classes + k] * p[k];
		least = fmin(least, weight[i]);
	}
	for (int32_t i = 0; i < rows->n; i++)
		weight[i] = exp(-self->gamma * (weight[i] - least));
	return FV_OK;
}

/* Writes row weights: mean 1 over the held-out rows, 0 for the others. */
static fv_status weigh_held_out(const afr *self, fv_ctx *ctx, double *weight)
{
	const fv_rows *train = self->setup->train;
	double *held = fv_scratch(ctx, (size_t)self->rows.second * sizeof *held);
	if (!held || weigh_rows(self, ctx, train, weight) != FV_OK)
		return FV_FAILED;
	for (int64_t i = 0; i < self->rows.second; i++)
		held[i] = weight[self->rows.row[self->rows.first + i]];
	refit_normalise(held, (int32_t)self->rows.second);
	memset(weight, 0, (size_t)train->n * sizeof *weight);
	for (int64_t i = 0; i < self->rows.second; i++)
		weight[self->rows.row[self->rows.first + i]] = held[i];
	return FV_OK;
}

static fv_status afr_next(void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	afr *self = state;
	*more = index == 0;
	stage->row = self->rows.row;
	stage->n = self->rows.first;
	if (index == 0)
		return FV_OK;
	const fv_rows *train = self->setup->train, *dev = self->setup->dev;
	double *weight = fv_alloc(ctx, (size_t)train->n * sizeof *weight);
	self->dev_weight = fv_alloc(ctx, (size_t)dev->n * sizeof *self->dev_weight);
	if (!weight || !self->dev_weight || weigh_held_out(self, ctx, weight) != FV_OK ||
		weigh_rows(self, ctx, dev, self->dev_weight) != FV_OK)
		return FV_FAILED;
	refit_normalise(self->dev_weight, dev->n);
	stage->row = self->rows.row + self->rows.first;
	stage->n = self->rows.second;
	stage->row_weight = weight;
	stage->output_only = 1;
	stage->anchor = self->anchor;
	stage->epochs = self->refit_epochs;
	stage->learning_rate = self->refit_learning_rate;
	return FV_OK;
}

static fv_status afr_evaluate(const void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	const afr *self = state;
	(void)ctx;
	*value = refit_compute_mean(batch, self->dev_weight);
	return FV_OK;
}

static const fv_stages_1 stages = FV_STAGES(.next = afr_next);

static const void *afr_extension(const char *id)
{
	return strcmp(id, FV_STAGES_1) ? NULL : &stages;
}

static const fv_param params[] = {
	FV_PARAM_REAL(afr, gamma, .name = "gamma", .min = 0, .max = 1000, .def_paper = "10",
		.doc = "how much less a recording counts that the first model gets right"),
	FV_PARAM_REAL(afr, holdout, .name = "holdout", .min = 0.01, .max = 0.99, .def_paper = "0.2",
		.doc = "share of the training recordings held out for stage 2, by whole speakers"),
	FV_PARAM_REAL(afr, anchor, .name = "anchor", .min = 0, .max = 1000000, .def_paper = "0.1",
		.doc = "how strongly the output layer is held at its values after stage 1"),
	FV_PARAM_INT(afr, refit_epochs, .name = "refit_epochs", .min = 0, .max = 1000000,
		.def_paper = "0", .doc = "epochs of stage 2; 0: train.epochs"),
	FV_PARAM_REAL(afr, refit_learning_rate, .name = "refit_learning_rate", .min = 0,
		.max = 1000, .def_paper = "0.001",
		.doc = "learning rate of stage 2; 0: train.learning_rate"),
};

static const fv_loss_ops ops = FV_LOSS_OPS(.open = afr_open, .evaluate = afr_evaluate);

static const fv_descriptor descriptor = FV_LOSS(.name = "afr", .version = "1.0.0",
	.summary = "automatic feature reweighting: trains the last layer again on what is not yet "
		   "right",
	.source = "Qiu et al., Simple and fast group robustness by automatic feature reweighting, "
		  "ICML 2023, eq. 1 and 2",
	.licence = "Apache-2.0", .state_size = sizeof(afr), FV_PARAMS(params), .ops = &ops,
	.extension = afr_extension);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
