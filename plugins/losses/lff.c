/* SPDX-License-Identifier: Apache-2.0 */
/* Learning from failure (LfF): a biased branch follows what is easy, and a debiased branch learns
 * most from what the biased one gets wrong.
 *
 *     value = mean_i GCE(z_b)_i + mean_i W_i l(z_d)_i
 *
 * Shapes: z_b, z_d [B,C] of two heads on the same features; l the base loss; W [B] (branches.h) has
 * no gradient. The debiased branch predicts; the tensors of the other start with "biased.". State:
 * moving averages [N] of both branches' base losses. No groups. Validation: W = 1, and the averages
 * do not change.
 *
 * Source: Nam, Cha, Ahn, Lee, Shin, "Learning from failure", NeurIPS 2020. Their code clips
 * nothing, divides the averages by class and uses cross-entropy times q p^q (profile official, with
 * one optimiser for both branches, which is the same without clipping). Lin, Chou, Lee, Interspeech
 * 2025 clip both branches by one norm and use the soft label.
 */
#include "branches.h"

typedef struct lff {
	branches branches;
	fv_net *biased, *debiased;
} lff;

static fv_status lff_build(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	lff *self = state;
	self->debiased = fv_net_head(ctx, "", setup->train->classes);
	self->biased = fv_net_head(ctx, "biased.", setup->train->classes);
	if (!self->debiased || !self->biased)
		return FV_FAILED;
	return branches_open(&self->branches, ctx, setup);
}

static fv_status lff_predict(void *state, fv_ctx *ctx, fv_node **logits)
{
	const lff *self = state;
	*logits = fv_net_forward(ctx, self->debiased, fv_net_input(ctx));
	return *logits ? FV_OK : FV_FAILED;
}

static fv_status lff_step(void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	const lff *self = state;
	const branches *b = &self->branches;
	size_t n = (size_t)batch->n;
	fv_node *biased = fv_net_forward(ctx, self->biased, fv_net_input(ctx));
	fv_node *debiased = fv_net_forward(ctx, self->debiased, fv_net_input(ctx));
	double *loss = fv_scratch(ctx, n * sizeof *loss);
	double *weight = fv_scratch(ctx, n * sizeof *weight);
	double *scratch = fv_scratch(ctx, (size_t)batch->classes * sizeof *scratch);
	float *d_biased = fv_net_grad(ctx, biased), *d_debiased = fv_net_grad(ctx, debiased);
	if (!loss || !weight || !scratch || !d_biased || !d_debiased)
		return FV_FAILED;
	const float *z_b = fv_net_data(ctx, biased), *z_d = fv_net_data(ctx, debiased);
	branches_compute_losses(b, batch, z_b, loss);
	branches_weigh(b, batch, loss, batch->loss, weight);
	*value = branches_add_gce(b, batch, z_b, NULL, 1, scratch, d_biased);
	*value += branches_add_ce(b, batch, z_d, weight, 1, scratch, d_debiased);
	return fv_net_backward(ctx);
}

static fv_status lff_evaluate(const void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	const lff *self = state;
	fv_node *biased = fv_net_forward(ctx, self->biased, fv_net_input(ctx));
	const float *logits = fv_net_data(ctx, biased);
	if (!logits)
		return FV_FAILED;
	*value = branches_add_gce(&self->branches, batch, logits, NULL, 1, NULL, NULL);
	for (int32_t i = 0; i < batch->n; i++)
		*value += batch->loss[i] / batch->n;
	return FV_OK;
}

static const fv_networks_1 networks = FV_NETWORKS(.build = lff_build, .predict = lff_predict,
	.step = lff_step, .evaluate = lff_evaluate, .allows = FV_NETWORKS_BARE);

static const void *lff_extension(const char *id)
{
	return strcmp(id, FV_NETWORKS_1) ? NULL : &networks;
}

static const fv_param params[] = {BRANCHES_PARAMS(lff, branches)};

static const fv_preset presets[] = {
	FV_PRESET("official", "train.clip", "none"),
};

static const fv_loss_ops ops = FV_LOSS_OPS(.exact_derivative = -1); /* W is held constant */

static const fv_descriptor descriptor = FV_LOSS(.name = "lff", .version = "1.0.0",
	.summary = "learning from failure: weights from a branch that is biased on purpose",
	.source =
		"Nam et al., Learning from failure: de-biasing classifier from biased classifier, "
		"NeurIPS 2020",
	.licence = "Apache-2.0", .state_size = sizeof(lff), FV_PARAMS(params), FV_PRESETS(presets),
	.ops = &ops, .extension = lff_extension);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
