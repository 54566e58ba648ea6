/* SPDX-License-Identifier: Apache-2.0 */
/* my_plugin: two networks; the second one tells which samples are hard, and those count more in the first.
 *
 *     value = mean_i w_i l_i + mean_i h_i,   w_i = 1 - share + share 2 h_i / (h_i + l_i)
 *
 * Shapes: l, h [B], the base losses of the first network, which predicts, and of the helper; w [B] is held
 * constant, 1 where both are 0. No groups, no state. Validation: the same with w = 1.
 *
 * What to change: build_networks (which networks there are), name_prediction (the value that predicts) and
 * step_networks, which writes the gradient of the value with respect to each network's output and calls
 * fv_net_backward once. fairvox/networks.h has encoders, linear layers, concatenations and reversed
 * gradients. The core computes layers, clipping and the optimiser, saves the networks and predicts.
 */
#include <string.h>

#include <fairvox/fairvox.h>

typedef struct state {
	double share;
	const fv_loss_setup *setup; /* filled in by build_networks, like all below */
	fv_net *first, *helper;
} state;

static fv_status build_networks(void *self, fv_ctx *ctx, const fv_loss_setup *setup)
{
	state *s = self;
	s->setup = setup;
	s->first = fv_net_head(ctx, "", setup->train->classes);
	s->helper = fv_net_head(ctx, "helper.", setup->train->classes);
	return s->first && s->helper ? FV_OK : FV_FAILED;
}

static fv_status name_prediction(void *self, fv_ctx *ctx, fv_node **logits)
{
	const state *s = self;
	*logits = fv_net_forward(ctx, s->first, fv_net_input(ctx));
	return *logits ? FV_OK : FV_FAILED;
}

/* Writes the base losses [B] of logits [B,C]. */
static void compute_losses(const state *s, const fv_batch *batch, const float *logits, double *loss)
{
	for (int32_t i = 0; i < batch->n; i++) {
		size_t at = (size_t)i * (size_t)batch->classes;
		loss[i] = fv_base_loss(s->setup, logits + at, batch->label + at, NULL);
	}
}

/* Writes the gradient [B,C] of mean_i weight_i l_i; `row` is memory for C numbers. */
static void write_gradient(const state *s, const fv_batch *batch, const float *logits,
	const double *weight, double *row, float *gradient)
{
	for (int32_t i = 0; i < batch->n; i++) {
		size_t at = (size_t)i * (size_t)batch->classes;
		(void)fv_base_loss(s->setup, logits + at, batch->label + at, row);
		for (int32_t k = 0; k < batch->classes; k++)
			gradient[at + (size_t)k] = (float)(weight[i] * row[k] / batch->n);
	}
}

static fv_status step_networks(void *self, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	const state *s = self;
	size_t n = (size_t)batch->n, classes = (size_t)batch->classes;
	fv_node *first = fv_net_forward(ctx, s->first, fv_net_input(ctx));
	fv_node *helper = fv_net_forward(ctx, s->helper, fv_net_input(ctx));
	const float *logits = fv_net_data(ctx, helper);
	float *d_first = fv_net_grad(ctx, first), *d_helper = fv_net_grad(ctx, helper);
	double *hard = fv_scratch(ctx, n * sizeof *hard),
	       *row = fv_scratch(ctx, classes * sizeof *row);
	double *weight = fv_scratch(ctx, n * sizeof *weight),
	       *one = fv_scratch(ctx, n * sizeof *one);
	if (!logits || !d_first || !d_helper || !hard || !row || !weight || !one)
		return FV_FAILED;
	compute_losses(s, batch, logits, hard);
	*value = 0;
	for (int32_t i = 0; i < batch->n; i++) {
		double sum = hard[i] + batch->loss[i];
		weight[i] = 1 - s->share + s->share * (sum > 0 ? 2 * hard[i] / sum : 1);
		one[i] = 1;
		*value += (weight[i] * batch->loss[i] + hard[i]) / batch->n;
	}
	write_gradient(s, batch, batch->logits, weight, row, d_first);
	write_gradient(s, batch, logits, one, row, d_helper);
	return fv_net_backward(ctx);
}

static fv_status evaluate_networks(
	const void *self, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	const state *s = self;
	const float *logits = fv_net_data(ctx, fv_net_forward(ctx, s->helper, fv_net_input(ctx)));
	double *hard = fv_scratch(ctx, (size_t)batch->n * sizeof *hard);
	if (!logits || !hard)
		return FV_FAILED;
	compute_losses(s, batch, logits, hard);
	*value = 0;
	for (int32_t i = 0; i < batch->n; i++)
		*value += (batch->loss[i] + hard[i]) / batch->n;
	return FV_OK;
}

static const fv_networks_1 networks =
	FV_NETWORKS(.build = build_networks, .predict = name_prediction, .step = step_networks,
		.evaluate = evaluate_networks, .allows = FV_NETWORKS_SIGMOID | FV_NETWORKS_BARE);

static const void *find_extension(const char *id)
{
	return strcmp(id, FV_NETWORKS_1) ? NULL : &networks;
}

/* Without a default (.def_paper) the user must give a number or choice; `fairvox check` then takes -p key=value. */
static const fv_param params[] = {
	FV_PARAM_REAL(state, share, .name = "share", .min = 0, .max = 1, .def_paper = "1",
		.doc = "how much the weights follow the helper; 0: all samples count the same"),
};

/* The weights are held constant, so the gradients are not the derivatives of the value. */
static const fv_loss_ops ops = FV_LOSS_OPS(.exact_derivative = -1);

static const fv_descriptor descriptor = FV_LOSS(.name = "my_plugin", .version = "0.1",
	.summary = "samples count more that a second network finds hard",
	.source = "an example: name the paper here", .licence = "Apache-2.0",
	.state_size = sizeof(state), FV_PARAMS(params), .ops = &ops, .extension = find_extension);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
