/* SPDX-License-Identifier: Apache-2.0 */
/* Disentangled feature augmentation (DisEnt): two encoders, one for what the label is about (i) and
 * one for what correlates with it (b). Each classifier sees both, but trains only its own encoder.
 * Later the biased halves are exchanged between the samples of a batch, so that the first
 * classifier sees them separately from their labels.
 *
 *     z_i = C_i[h_i; h_b]   z_b = C_b[h_i; h_b]      the other branch's half held constant
 *     value = mean(W l(z_i)) + lambda_dis mean GCE(z_b)
 *           + lambda_swap (mean(W l(C_i[h_i; h~_b], y))
 *                          + lambda_swap_b mean GCE(C_b[h_i; h~_b], y~))
 *
 * The term of lambda_swap is used from step > T on, and not for batches of one: h~_b and y~ are h_b
 * and y with the samples permuted by a draw of stream ("swap", epoch, step). T is swap_step, or, if
 * that is negative, swap_start times the number of all steps. W [B] (branches.h) has no gradient
 * and is always that of the unswapped losses.
 *
 * Shapes: h_i, h_b [B,H], the projections or last hidden layers of the two encoders; z [B,C]. C_i, which sees both encoders, predicts. Tensors: encoder "" and
 * linear "output" [C,2H], "biased." and "biased.output". State: moving averages [N] of both
 * branches' base losses. No groups. Validation: W = 1 and no swap, mean l(z_i) + lambda_dis mean
 * GCE(z_b).
 *
 * Source: Lee, Kim, Lee, Lee, Choo, "Learning debiased representation via disentangled feature
 * augmentation", NeurIPS 2021 (profile official: no clipping). In the code of Lin, Chou, Lee,
 * Interspeech 2025, T is 10000, which 50 epochs of their corpora do not reach.
 */
#include "branches.h"

typedef struct disent {
	branches branches;
	double lambda_dis, lambda_swap, lambda_swap_b, swap_start;
	int64_t swap_step;
	fv_net *encoder[2], *output[2]; /* debiased, biased */
} disent;

static fv_status disent_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	const disent *self = state;
	(void)setup;
	if (self->swap_step >= 0 && self->swap_start < 1)
		fv_warn(ctx,
			"swap_step %lld is used, swap_start %g is ignored: set swap_step to -1 to "
			"use swap_start",
			(long long)self->swap_step, self->swap_start);
	return FV_OK;
}

static fv_status disent_build(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	static const char *const prefix[] = {"", "biased."}, *const output[] = {
								     "output", "biased.output"};
	disent *self = state;
	for (int32_t k = 0; k < 2; k++) {
		self->encoder[k] = fv_net_encoder(ctx, prefix[k]);
		if (!self->encoder[k])
			return FV_FAILED;
		self->output[k] = fv_net_linear(ctx, output[k], setup->train->classes,
			2 * fv_net_outputs(self->encoder[k]));
		if (!self->output[k])
			return FV_FAILED;
	}
	return branches_open(&self->branches, ctx, setup);
}

/* Computes the logits of branch k (0: debiased), with the other branch's half held constant. */
static fv_node *compute_logits(
	const disent *self, fv_ctx *ctx, int32_t k, const int32_t *permutation)
{
	fv_node *input = fv_net_input(ctx);
	fv_node *debiased = fv_net_forward(ctx, self->encoder[0], input);
	fv_node *biased = fv_net_forward(ctx, self->encoder[1], input);
	return fv_net_forward(
		ctx, self->output[k], fv_net_concat(ctx, debiased, biased, k ? 1 : 2, permutation));
}

static fv_status disent_predict(void *state, fv_ctx *ctx, fv_node **logits)
{
	*logits = compute_logits(state, ctx, 0, NULL);
	return *logits ? FV_OK : FV_FAILED;
}

/* Adds scale (mean(W l) of the debiased branch + share mean GCE of the biased one) to the value,
 * and writes the gradients. */
static fv_status add_pair(const disent *self, fv_ctx *ctx, const fv_batch *batch,
	const int32_t *permutation, const double *weight, double scale, double share, double *value)
{
	const branches *b = &self->branches;
	fv_node *debiased = compute_logits(self, ctx, 0, permutation);
	fv_node *biased = compute_logits(self, ctx, 1, permutation);
	float *d_debiased = fv_net_grad(ctx, debiased), *d_biased = fv_net_grad(ctx, biased);
	double *scratch = fv_scratch(ctx, (size_t)batch->classes * sizeof *scratch);
	if (!d_debiased || !d_biased || !scratch)
		return FV_FAILED;
	double ce = branches_add_ce(
		b, batch, fv_net_data(ctx, debiased), weight, scale, scratch, d_debiased);
	double gce = branches_add_gce(
		b, batch, fv_net_data(ctx, biased), permutation, scale * share, scratch, d_biased);
	*value += scale * (ce + share * gce);
	return FV_OK;
}

static fv_status add_swap(
	const disent *self, fv_ctx *ctx, const fv_batch *batch, const double *weight, double *value)
{
	double start = self->swap_start * (double)batch->steps;
	if (self->swap_step >= 0)
		start = (double)self->swap_step;
	if ((double)batch->step <= start || batch->n < 2)
		return FV_OK;
	int32_t *permutation = fv_scratch(ctx, (size_t)batch->n * sizeof *permutation);
	if (!permutation)
		return FV_FAILED;
	fv_stream stream = fv_rng(ctx, "swap", batch->epoch, (uint64_t)batch->step);
	fv_permutation(&stream, permutation, batch->n);
	return add_pair(self, ctx, batch, permutation, weight, self->lambda_swap,
		self->lambda_swap_b, value);
}

static fv_status disent_step(void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	const disent *self = state;
	size_t n = (size_t)batch->n;
	double *loss = fv_scratch(ctx, n * sizeof *loss);
	double *weight = fv_scratch(ctx, n * sizeof *weight);
	fv_node *biased = compute_logits(self, ctx, 1, NULL);
	if (!loss || !weight || !biased)
		return FV_FAILED;
	branches_compute_losses(&self->branches, batch, fv_net_data(ctx, biased), loss);
	branches_weigh(&self->branches, batch, loss, batch->loss, weight);
	*value = 0;
	fv_status status = add_pair(self, ctx, batch, NULL, weight, 1, self->lambda_dis, value);
	if (status == FV_OK)
		status = add_swap(self, ctx, batch, weight, value);
	return status == FV_OK ? fv_net_backward(ctx) : status;
}

static fv_status disent_evaluate(
	const void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	const disent *self = state;
	const float *logits = fv_net_data(ctx, compute_logits(self, ctx, 1, NULL));
	if (!logits)
		return FV_FAILED;
	*value = self->lambda_dis *
		 branches_add_gce(&self->branches, batch, logits, NULL, 1, NULL, NULL);
	for (int32_t i = 0; i < batch->n; i++)
		*value += batch->loss[i] / batch->n;
	return FV_OK;
}

static const fv_networks_1 networks = FV_NETWORKS(.build = disent_build, .predict = disent_predict,
	.step = disent_step, .evaluate = disent_evaluate);

static const void *disent_extension(const char *id)
{
	return strcmp(id, FV_NETWORKS_1) ? NULL : &networks;
}

static const fv_param params[] = {
	BRANCHES_PARAMS(disent, branches),
	FV_PARAM_REAL(disent, lambda_dis, .name = "lambda_dis", .min = 0, .max = 1000,
		.def_paper = "5", .def_official = "1", .doc = "weight of the biased branch's loss"),
	FV_PARAM_REAL(disent, lambda_swap, .name = "lambda_swap", .min = 0, .max = 1000,
		.def_paper = "1", .doc = "weight of both losses on exchanged halves"),
	FV_PARAM_REAL(disent, lambda_swap_b, .name = "lambda_swap_b", .min = 0, .max = 1000,
		.def_paper = "5", .def_official = "1",
		.doc = "weight of the biased branch's loss among those on exchanged halves"),
	FV_PARAM_INT(disent, swap_step, .name = "swap_step", .min = -1, .max = 1e15,
		.def_paper = "10000", .def_official = "-1",
		.doc = "halves are exchanged after this many steps; -1: use swap_start"),
	FV_PARAM_REAL(disent, swap_start, .name = "swap_start", .min = 0, .max = 1,
		.def_paper = "1", .def_official = "0.2",
		.doc = "halves are exchanged after this share of all steps; only used with "
		       "swap_step -1"),
};

static const fv_preset presets[] = {
	FV_PRESET("official", "train.clip", "none"),
};

static const fv_loss_ops ops = FV_LOSS_OPS(.exact_derivative = -1, .open = disent_open);

static const fv_descriptor descriptor = FV_LOSS(.name = "disent", .version = "1.0.0",
	.summary = "disentangled feature augmentation: two encoders, biased halves exchanged",
	.source = "Lee et al., Learning debiased representation via disentangled feature "
		  "augmentation, NeurIPS 2021",
	.licence = "Apache-2.0", .state_size = sizeof(disent), FV_PARAMS(params),
	FV_PRESETS(presets), .ops = &ops, .extension = disent_extension);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
