/* SPDX-License-Identifier: Apache-2.0 */
/* Random predictions: logits are drawn and nothing is learned. Shows what a metric gives by chance.
 *
 *     z_ik uniform on [0,1), stream ("random", hash of the stem): keyed by seed, fold and file name
 *
 * Shapes: z [B,C]. No networks, no groups, no parameters. The model file holds no tensors, and new
 * recordings get draws by their names. value: the mean base loss of the draws, the same in every
 * epoch, so the first epoch is chosen and more epochs change nothing. Source: the random baseline
 * of Lin, Chou, Lee, Interspeech 2025, table 1.
 */
#include <string.h>

#include <fairvox/fairvox.h>

typedef struct chance {
	int32_t classes;
} chance;

static fv_status chance_build(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	chance *self = state;
	(void)ctx;
	self->classes = setup->train->classes;
	return FV_OK;
}

static fv_status chance_predict(void *state, fv_ctx *ctx, fv_node **logits)
{
	const chance *self = state;
	*logits = fv_net_uniform(ctx, "random", self->classes);
	return *logits ? FV_OK : FV_FAILED;
}

static fv_status chance_step(void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	(void)state;
	(void)ctx;
	*value = 0;
	for (int32_t i = 0; i < batch->n; i++)
		*value += batch->loss[i] / batch->n;
	return FV_OK;
}

static const fv_networks_1 networks = FV_NETWORKS(.build = chance_build, .predict = chance_predict,
	.step = chance_step, .allows = FV_NETWORKS_BARE);

static const void *chance_extension(const char *id)
{
	return strcmp(id, FV_NETWORKS_1) ? NULL : &networks;
}

static const fv_loss_ops ops = FV_LOSS_OPS();

static const fv_descriptor descriptor = FV_LOSS(.name = "random", .version = "1.0.0",
	.summary = "random predictions: logits uniform on [0,1), nothing is learned",
	.source = "Lin, Chou and Lee, Interspeech 2025, table 1", .licence = "Apache-2.0",
	.state_size = sizeof(chance), .ops = &ops, .extension = chance_extension);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
