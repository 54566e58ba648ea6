/* SPDX-License-Identifier: Apache-2.0 */
#include "train/predict.h"

#include <string.h>

#include "backend/blas.h"
#include "nn/blocks.h"
#include "train/networks.h"

enum { BLOCK = 32 }; /* rows predicted at once */

static int64_t find_row_width(const core_head_shape *shape)
{
	return (int64_t)shape->layers * shape->dims;
}

static fv_status report_features(fv_ctx *ctx, const core_train_data *data, int32_t row)
{
	const char *stem = data->rows.stem ? data->rows.stem[row] : NULL;
	if (stem)
		return fv_fail(ctx, FV_DATA, "features of %s are not finite", stem);
	return fv_fail(ctx, FV_DATA, "features of row %d are not finite", (int)row);
}

fv_status core_check_features(
	fv_ctx *ctx, const core_train_data *data, const core_head_shape *shape)
{
	fv_status status = FV_OK;
	int64_t width = find_row_width(shape);
	float *scratch = data->mean ? core_alloc(ctx, (size_t)width, sizeof *scratch) : NULL;
	if (data->mean && !scratch)
		return FV_FAILED;
	for (int32_t i = 0; i < data->rows.n; i++)
		if (!core_all_finite(core_row_input(data, i, (size_t)width, scratch), width))
			status = report_features(ctx, data, i);
	return status;
}

/* Finds the inputs of a block of rows and returns how many there are. */
static int32_t find_block(const core_train_data *data, size_t width, int32_t first, float *scratch,
	const float *x[BLOCK])
{
	int32_t n = data->rows.n - first < BLOCK ? data->rows.n - first : BLOCK;
	for (int32_t i = 0; i < n; i++)
		x[i] = core_row_input(
			data, first + i, width, scratch ? scratch + (size_t)i * width : NULL);
	return n;
}

static fv_status predict_block(core_networks *networks, const core_plan *plan,
	const core_train_data *data, int32_t first, float *scratch, float *logits)
{
	const float *x[BLOCK];
	int32_t n = find_block(data, (size_t)find_row_width(&plan->shape), first, scratch, x);
	core_networks_begin(networks, x, data->rows.stem + first, n);
	const fv_node *node = core_networks_predict(networks);
	if (!node)
		return FV_FAILED;
	memcpy(logits + (size_t)first * (size_t)plan->shape.classes, core_node_data(node),
		(size_t)n * (size_t)plan->shape.classes * sizeof *logits);
	return FV_OK;
}

/* Makes room for the scaled features of a block -> *scratch, NULL if the features are used as they are. */
static bool alloc_block(
	fv_ctx *ctx, const core_plan *plan, const core_train_data *data, float **scratch)
{
	size_t numbers = BLOCK * (size_t)find_row_width(&plan->shape);
	*scratch = data->mean ? core_alloc(ctx, numbers, sizeof **scratch) : NULL;
	return *scratch || !data->mean;
}

fv_status core_train_predict(fv_ctx *ctx, const core_plan *plan, const float *params,
	const core_train_data *data, float *logits)
{
	core_networks *networks;
	core_plan own = *plan;
	float *scratch;
	if (!alloc_block(ctx, plan, data, &scratch))
		return FV_FAILED;
	fv_status status = core_networks_new(ctx, &own, BLOCK, &networks);
	if (status == FV_OK)
		core_networks_set_params(networks, params);
	for (int32_t i = 0; status == FV_OK && i < data->rows.n; i += BLOCK)
		status = predict_block(networks, plan, data, i, scratch, logits);
	core_networks_free(networks);
	if (status != FV_OK || core_all_finite(logits, (int64_t)data->rows.n * plan->shape.classes))
		return status;
	status = core_check_features(ctx, data, &plan->shape);
	return status != FV_OK ? status
			       : fv_fail(ctx, FV_FAILED, "the logits of the model are not finite");
}

int32_t core_train_representation_width(fv_ctx *ctx, const core_plan *plan)
{
	if (plan->n_nets == 1 && plan->net[0].kind == CORE_NET_HEAD)
		return core_head_width(&plan->shape);
	(void)fv_fail(ctx, FV_CONFIG,
		"the model has networks of its own, so that no output layer alone predicts");
	return 0;
}

/* Makes what computes the layers below the output, or leaves it NULL if there are none. */
static fv_status open_layers(
	fv_ctx *ctx, const core_plan *plan, const float *params, core_head **out)
{
	core_head_shape shape = plan->shape;
	*out = NULL;
	shape.classes = 0;
	if (!shape.projection && !shape.n_hidden)
		return core_blas_open(ctx);
	fv_status status = core_head_new(ctx, &shape, BLOCK, out);
	if (status == FV_OK)
		core_head_prepare(*out, params); /* the output layer is the end of the vector */
	return status;
}

fv_status core_train_represent(fv_ctx *ctx, const core_plan *plan, const float *params,
	const core_train_data *data, float *out)
{
	const core_head_shape *shape = &plan->shape;
	size_t width = (size_t)core_train_representation_width(ctx, plan);
	if (!width)
		return FV_CONFIG;
	float *scratch, *share = core_alloc(ctx, (size_t)shape->layers, sizeof *share);
	float *block = core_alloc(ctx, BLOCK * width, sizeof *block);
	core_head *head = NULL;
	if (!share || !block || !alloc_block(ctx, plan, data, &scratch))
		return FV_FAILED;
	fv_status status = open_layers(ctx, plan, params, &head);
	core_mix_share(params, shape->layers, share);
	for (int32_t first = 0; status == FV_OK && first < data->rows.n; first += BLOCK) {
		const float *x[BLOCK];
		int32_t n = find_block(data, (size_t)find_row_width(shape), first, scratch, x);
		if (head)
			core_head_forward(head, params, x, n, block);
		else
			core_mix_forward(&(core_mixes){.count = 1,
						 .layers = shape->layers,
						 .dims = shape->dims,
						 .n = n,
						 .x = x,
						 .share = {share}},
				&block);
		memcpy(out + (size_t)first * width, block, (size_t)n * width * sizeof *out);
	}
	core_head_free(head);
	if (status != FV_OK || core_all_finite(out, (int64_t)data->rows.n * (int64_t)width))
		return status;
	status = core_check_features(ctx, data, shape);
	return status != FV_OK
		       ? status
		       : fv_fail(ctx, FV_FAILED, "the representations of the model are not finite");
}
