/* SPDX-License-Identifier: Apache-2.0 */
/* A loss with fv.stages/1, built from the headers of the first version of the ABI: two refits of the output
 * layer from one model, their mean, and a delegate. */
#include <string.h>

#include <fairvox/fairvox.h>

typedef struct old_stages {
	const char *then;
	const fv_loss_setup *setup;
	int32_t *group, *dev_group;
} old_stages;

static fv_status old_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	old_stages *self = state;
	self->setup = setup;
	self->group = fv_alloc(ctx, (size_t)setup->train->n * sizeof *self->group);
	self->dev_group = fv_alloc(ctx, (size_t)setup->dev->n * sizeof *self->dev_group);
	return self->group && self->dev_group ? FV_OK : FV_FAILED;
}

/* Groups rows by the sign of the first number that the output layer reads. */
static fv_status group_rows(fv_ctx *ctx, const fv_rows *rows, int32_t *group)
{
	size_t width = (size_t)fv_representation_width(ctx);
	float *x = width ? fv_scratch(ctx, (size_t)rows->n * width * sizeof *x) : NULL;
	if (!x || fv_represent_rows(ctx, rows, x) != FV_OK)
		return FV_FAILED;
	for (int32_t i = 0; i < rows->n; i++)
		group[i] = x[(size_t)i * width] > 0;
	return FV_OK;
}

static fv_status old_next(void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	static const int32_t both[] = {2, 3};
	old_stages *self = state;
	*more = index < 4;
	if (index == 0) {
		stage->use_last = 1;
	} else if (index < 3) {
		stage->start = 1;
		stage->output_only = 1;
		stage->fresh_output = index == 2;
		stage->output_l1 = 0.001;
	} else if (index == 3) {
		stage->n_average = 2;
		stage->average = both;
	} else {
		stage->groups = 2;
		stage->group = self->group;
		stage->dev_group = self->dev_group;
		stage->loss = "then";
		return group_rows(ctx, self->setup->train, self->group) == FV_OK &&
				       group_rows(ctx, self->setup->dev, self->dev_group) == FV_OK
			       ? FV_OK
			       : FV_FAILED;
	}
	return FV_OK;
}

static const fv_stages_1 stages = FV_STAGES(.makes_groups = 1, .next = old_next);

static const void *old_extension(const char *id)
{
	return strcmp(id, FV_STAGES_1) ? NULL : &stages;
}

static const fv_param params[] = {FV_PARAM_LOSS_REF(
	old_stages, then, .name = "then", .def_paper = "gdro", .doc = "trains the last stage")};

static const fv_loss_ops ops = FV_LOSS_OPS(.open = old_open);

static const fv_descriptor descriptor =
	FV_LOSS(.name = "old_stages", .version = "1.0.0", .summary = "five stages",
		.source = "none", .licence = "Apache-2.0", .state_size = sizeof(old_stages),
		FV_PARAMS(params), .ops = &ops, .extension = old_extension);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
