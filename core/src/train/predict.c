/* SPDX-License-Identifier: Apache-2.0 */
#include "train/predict.h"

#include <string.h>

#include "nn/blocks.h"
#include "train/networks.h"

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

/* Predicts one full block of rows. The last block is filled up (see CORE_HEAD_BLOCK). */
static fv_status predict_block(core_networks *networks, const core_plan *plan,
	const core_train_data *data, int32_t first, float *scratch, float *logits)
{
	const float *x[CORE_HEAD_BLOCK];
	size_t width = (size_t)find_row_width(&plan->shape);
	int32_t n = data->rows.n - first < CORE_HEAD_BLOCK ? data->rows.n - first : CORE_HEAD_BLOCK;
	for (int32_t i = 0; i < CORE_HEAD_BLOCK; i++) {
		int32_t row = first + (i < n ? i : n - 1);
		x[i] = core_row_input(
			data, row, width, scratch ? scratch + (size_t)i * width : NULL);
	}
	core_networks_begin(networks, x, data->rows.stem + first, n, CORE_HEAD_BLOCK);
	const fv_node *node = core_networks_predict(networks);
	if (!node)
		return FV_FAILED;
	memcpy(logits + (size_t)first * (size_t)plan->shape.classes, core_node_data(node),
		(size_t)n * (size_t)plan->shape.classes * sizeof *logits);
	return FV_OK;
}

fv_status core_train_predict(fv_ctx *ctx, const core_plan *plan, const float *params,
	const core_train_data *data, float *logits)
{
	core_networks *networks;
	core_plan own = *plan;
	size_t numbers = CORE_HEAD_BLOCK * (size_t)find_row_width(&plan->shape);
	float *scratch = data->mean ? core_alloc(ctx, numbers, sizeof *scratch) : NULL;
	if (data->mean && !scratch)
		return FV_FAILED;
	fv_status status = core_networks_new(ctx, &own, CORE_HEAD_BLOCK, &networks);
	if (status == FV_OK)
		core_networks_set_params(networks, params);
	for (int32_t i = 0; status == FV_OK && i < data->rows.n; i += CORE_HEAD_BLOCK)
		status = predict_block(networks, plan, data, i, scratch, logits);
	core_networks_free(networks);
	if (status != FV_OK || core_all_finite(logits, (int64_t)data->rows.n * plan->shape.classes))
		return status;
	status = core_check_features(ctx, data, &plan->shape);
	return status != FV_OK ? status
			       : fv_fail(ctx, FV_FAILED, "the logits of the model are not finite");
}
