/* SPDX-License-Identifier: Apache-2.0 */
#include "train/validation.h"

#include <math.h>
#include <string.h>

#include "nn/base_loss.h"
#include "nn/blocks.h"

fv_status core_validation_init(
	fv_ctx *ctx, core_validation *d, const core_train_data *data, size_t width)
{
	size_t n = (size_t)data->rows.n;
	*d = (core_validation){.data = data, .width = width};
	if (core_stem_order(ctx, &data->rows, &d->order) != FV_OK)
		return FV_FAILED;
	d->row = core_alloc(ctx, n, sizeof *d->row);
	d->loss = core_alloc(ctx, n, sizeof *d->loss);
	d->logits = core_alloc(ctx, n * (size_t)data->rows.classes, sizeof *d->logits);
	d->scaled = core_alloc(ctx, data->mean ? CORE_DEV_BATCH * width : 1, sizeof *d->scaled);
	if (!d->row || !d->loss || !d->logits || !d->scaled)
		return FV_FAILED;
	for (size_t i = 0; i < n; i++)
		d->row[i] = (int32_t)i;
	return FV_OK;
}

/* Makes the batch of up to `most` rows that starts at row `first`. */
static fv_batch make_batch(const core_validation *d, int32_t first, int32_t most)
{
	const fv_rows *rows = &d->data->rows;
	size_t at = (size_t)first, classes = (size_t)rows->classes;
	return (fv_batch){.size = sizeof(fv_batch),
		.n = rows->n - first < most ? rows->n - first : most,
		.classes = rows->classes,
		.groups = rows->groups,
		.row = d->row + at,
		.loss = d->loss + at,
		.label = rows->label + at * classes,
		.klass = rows->klass + at,
		.group = rows->group ? rows->group + at : NULL,
		.member = rows->member ? rows->member + at * (size_t)rows->groups : NULL,
		.stem = rows->stem + at};
}

fv_status core_validation_use_device(fv_ctx *ctx, core_validation *d, core_on_device *on_device)
{
	d->place = core_alloc(ctx, (size_t)d->data->rows.n, sizeof *d->place);
	for (int32_t i = 0; d->place && i < d->data->rows.n; i++)
		d->place[i] = core_row_place(d->data, i);
	d->on_device = on_device;
	return d->place ? FV_OK : FV_FAILED;
}

/* A device computes the logits of all rows at once. */
static fv_status begin_pass(core_validation *d)
{
	if (!d->on_device)
		return FV_OK;
	return core_on_device_forward(d->on_device, d->data->rows.n, d->place, false, d->logits);
}

/* Computes the logits of the batch -> d->logits. */
static fv_status compute_logits(
	core_validation *d, core_networks *networks, const fv_batch *batch, bool *finite)
{
	const core_train_data *data = d->data;
	size_t classes = (size_t)batch->classes;
	float *to = d->logits + (size_t)batch->row[0] * classes;
	if (d->on_device) {
		*finite = core_all_finite(to, (int64_t)batch->n * batch->classes);
		return FV_OK;
	}
	for (int32_t i = 0; i < batch->n; i++)
		d->x[i] = core_row_input(data, batch->row[i], d->width,
			data->mean ? d->scaled + (size_t)i * d->width : NULL);
	core_networks_begin(networks, d->x, batch->stem, batch->n);
	const fv_node *logits = core_networks_predict(networks);
	if (!logits)
		return FV_FAILED;
	*finite = core_networks_finite(networks);
	if (*finite)
		memcpy(to, core_node_data(logits), (size_t)batch->n * classes * sizeof *to);
	return FV_OK;
}

/* Computes logits and base losses of the batch. Its logits stay NULL if one is not finite. */
static fv_status evaluate_batch(core_validation *d, core_networks *networks, const core_base *base,
	fv_batch *batch, bool *finite)
{
	size_t classes = (size_t)batch->classes, at = (size_t)batch->row[0];
	fv_status status = compute_logits(d, networks, batch, finite);
	if (status != FV_OK || !*finite)
		return status;
	batch->logits = d->logits + at * classes;
	core_base_loss(
		base, batch->n, batch->classes, batch->logits, batch->label, d->loss + at, NULL);
	return FV_OK;
}

fv_status core_validation_run(core_validation *d, core_networks *networks,
	core_objective *objective, int64_t step, int64_t steps, int64_t epoch, double *dev_loss,
	double *dev_objective, bool *finite)
{
	const fv_rows *rows = &d->data->rows;
	const core_base base = core_objective_base(&objective->setup);
	double sum = 0, loss = 0;
	int32_t batches = 0;
	*dev_loss = *dev_objective = NAN;
	fv_status status = begin_pass(d);
	if (status != FV_OK)
		return status;
	for (int32_t first = 0; first < rows->n; first += CORE_DEV_BATCH, batches++) {
		fv_batch batch = make_batch(d, first, CORE_DEV_BATCH);
		batch.step = step;
		batch.steps = steps;
		batch.epoch = epoch;
		status = evaluate_batch(d, networks, &base, &batch, finite);
		if (status != FV_OK || !*finite)
			return status;
		double value;
		status = core_objective_evaluate(objective, networks, &batch, &value);
		if (status != FV_OK)
			return status;
		sum += value;
	}
	for (int32_t i = 0; i < rows->n; i++)
		loss += d->loss[d->order[i]];
	*dev_loss = loss / rows->n;
	*dev_objective = sum / batches;
	fv_batch all = make_batch(d, 0, rows->n);
	all.logits = d->logits;
	all.step = step;
	all.steps = steps;
	all.epoch = epoch;
	return core_objective_validated(objective, &all);
}

fv_status core_validation_score(
	core_validation *d, core_networks *networks, const core_base *base, bool *finite)
{
	const fv_rows *rows = &d->data->rows;
	fv_status status = begin_pass(d);
	*finite = true;
	for (int32_t first = 0; first < rows->n && *finite && status == FV_OK;
		first += CORE_DEV_BATCH) {
		fv_batch batch = make_batch(d, first, CORE_DEV_BATCH);
		status = evaluate_batch(d, networks, base, &batch, finite);
	}
	return status;
}
