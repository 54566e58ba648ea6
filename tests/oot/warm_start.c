/* SPDX-License-Identifier: Apache-2.0 */
/* Warm start: `epochs` epochs of the mean loss, then the objective `then`, starting from that
 * model. An example of fv.stages/1. */
#include <string.h>

#include <fairvox/fairvox.h>

struct warm_start {
	int64_t epochs;
	const char *then;
};

static fv_status warm_start_next(
	void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	const struct warm_start *self = state;
	(void)ctx;
	if (index == 0) {
		stage->epochs = self->epochs; /* the plugin's own stage; without weigh, the mean */
		stage->use_last = 1;
		*more = 1;
	} else {
		stage->loss = "then"; /* the parameter; continues from stage 1's model */
	}
	return FV_OK;
}

static const fv_stages_1 stages = FV_STAGES(.next = warm_start_next);

static const void *warm_start_extension(const char *id)
{
	return strcmp(id, FV_STAGES_1) ? NULL : &stages;
}

static const fv_param params[] = {
	FV_PARAM_INT(struct warm_start, epochs, .name = "epochs", .min = 1, .max = 1000,
		.def_paper = "2", .doc = "epochs of the mean loss"),
	FV_PARAM_LOSS_REF(struct warm_start, then, .name = "then", .def_paper = "gdro",
		.doc = "objective that continues from there"),
};

static const fv_loss_ops ops = FV_LOSS_OPS();

static const fv_descriptor descriptor = FV_LOSS(.name = "warm_start", .version = "1.0",
	.summary = "any objective, started from a model trained with the mean loss",
	.source = "an example", .licence = "Apache-2.0", .state_size = sizeof(struct warm_start),
	FV_PARAMS(params), .ops = &ops, .extension = warm_start_extension);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
