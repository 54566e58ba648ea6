/* SPDX-License-Identifier: Apache-2.0 */
#include "train/develop.h"

#include <math.h>
#include <string.h>

#include "nn/base_loss.h"
#include "train/trainer.h"

fv_status core_develop_init(fv_ctx *ctx, core_develop *d, const core_train_data *data)
{
	size_t n = (size_t)data->rows.n, classes = (size_t)data->rows.classes;
	*d = (core_develop){.data = data};
	if (core_stem_order(ctx, &data->rows, &d->order) != FV_OK)
		return FV_FAILED;
	d->index = core_alloc(ctx, n, sizeof *d->index);
	d->row = core_alloc(ctx, n, sizeof *d->row);
	d->sorted = core_alloc(ctx, n * classes, sizeof *d->sorted);
	d->logits = core_alloc(ctx, n * classes, sizeof *d->logits);
	d->loss = core_alloc(ctx, n, sizeof *d->loss);
	if (!d->index || !d->row || !d->sorted || !d->logits || !d->loss)
		return FV_FAILED;
	for (size_t i = 0; i < n; i++) {
		d->row[i] = (int32_t)i;
		d->index[i] = data->index ? data->index[d->order[i]] : d->order[i];
	}
	return FV_OK;
}

static fv_status objective_mean(core_develop *d, core_objective *objective, int64_t step,
	int64_t steps, int64_t epoch, double *out)
{
	const fv_rows *rows = &objective->dev;
	double sum = 0;
	int32_t batches = 0;
	for (int32_t first = 0; first < rows->n; first += CORE_DEV_BATCH, batches++) {
		int32_t n = rows->n - first < CORE_DEV_BATCH ? rows->n - first : CORE_DEV_BATCH;
		size_t at = (size_t)first, wide = at * (size_t)rows->classes;
		fv_batch batch = {.size = sizeof batch,
			.n = n,
			.classes = rows->classes,
			.groups = rows->groups,
			.step = step,
			.steps = steps,
			.epoch = epoch,
			.row = d->row + at,
			.loss = d->loss + at,
			.logits = d->logits + wide,
			.label = rows->label + wide,
			.klass = rows->klass + at,
			.group = rows->group ? rows->group + at : NULL,
			.member = rows->member ? rows->member + at * (size_t)rows->groups : NULL};
		double value;
		fv_status status = core_objective_develop(objective, &batch, &value);
		if (status != FV_OK)
			return status;
		sum += value;
	}
	*out = sum / batches;
	return FV_OK;
}

fv_status core_develop_run(core_develop *d, core_head *head, const float *params,
	core_objective *objective, int64_t step, int64_t steps, int64_t epoch, double *dev_loss,
	double *dev_objective, bool *finite)
{
	const fv_rows *rows = &d->data->rows;
	size_t classes = (size_t)rows->classes;
	core_head_predict(head, params, d->data->x, d->index, rows->n, d->sorted);
	*finite = true;
	for (size_t i = 0; i < (size_t)rows->n * classes; i++)
		*finite &= isfinite(d->sorted[i]) != 0;
	*dev_loss = *dev_objective = NAN;
	if (!*finite)
		return FV_OK;
	for (int32_t i = 0; i < rows->n; i++)
		memcpy(d->logits + (size_t)d->order[i] * classes, d->sorted + (size_t)i * classes,
			classes * sizeof *d->logits);
	core_base_loss(rows->n, rows->classes, d->logits, rows->label,
		objective->setup.class_weight, d->loss, NULL);
	double sum = 0;
	for (int32_t i = 0; i < rows->n; i++)
		sum += d->loss[d->order[i]];
	*dev_loss = sum / rows->n;
	return objective_mean(d, objective, step, steps, epoch, dev_objective);
}
