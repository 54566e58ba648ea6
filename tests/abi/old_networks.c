/* SPDX-License-Identifier: Apache-2.0 */
/* A loss with fv.networks/1, built from the headers of the first version of the ABI: one head and the mean base
 * loss. It gives the same model as erm, to rounding. */
#include <string.h>

#include <fairvox/fairvox.h>

typedef struct old_networks {
	const fv_loss_setup *setup;
	fv_net *encoder, *output;
} old_networks;

static fv_status old_build(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	old_networks *self = state;
	self->setup = setup;
	self->encoder = fv_net_encoder(ctx, "");
	if (!self->encoder)
		return FV_FAILED;
	self->output =
		fv_net_linear(ctx, "output", setup->train->classes, fv_net_outputs(self->encoder));
	return self->output ? FV_OK : FV_FAILED;
}

static fv_status old_predict(void *state, fv_ctx *ctx, fv_node **logits)
{
	const old_networks *self = state;
	*logits = fv_net_forward(
		ctx, self->output, fv_net_forward(ctx, self->encoder, fv_net_input(ctx)));
	return *logits ? FV_OK : FV_FAILED;
}

static fv_status old_step(void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	const old_networks *self = state;
	size_t classes = (size_t)batch->classes;
	fv_node *logits = NULL;
	double *slope = fv_scratch(ctx, classes * sizeof *slope);
	if (!slope || old_predict(state, ctx, &logits) != FV_OK)
		return FV_FAILED;
	float *out = fv_net_grad(ctx, logits);
	if (!out)
		return FV_FAILED;
	*value = 0;
	for (int32_t i = 0; i < batch->n; i++) {
		const float *z = batch->logits + (size_t)i * classes;
		*value += fv_base_loss(self->setup, z, batch->label + (size_t)i * classes, slope) /
			  batch->n;
		for (size_t k = 0; k < classes; k++)
			out[(size_t)i * classes + k] = (float)(slope[k] / batch->n);
	}
	return fv_net_backward(ctx);
}

static const fv_networks_1 networks = FV_NETWORKS(.build = old_build, .predict = old_predict,
	.step = old_step, .allows = FV_NETWORKS_SIGMOID);

static const void *old_extension(const char *id)
{
	return strcmp(id, FV_NETWORKS_1) ? NULL : &networks;
}

static const fv_loss_ops ops = FV_LOSS_OPS(.exact_derivative = 1);

static const fv_descriptor descriptor = FV_LOSS(.name = "old_networks", .version = "1.0.0",
	.summary = "one head of its own", .source = "none", .licence = "Apache-2.0",
	.state_size = sizeof(old_networks), .ops = &ops, .extension = old_extension);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
