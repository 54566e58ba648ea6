/* SPDX-License-Identifier: Apache-2.0 */
#include "train/on_device.h"

#include "base/lockstep.h"

struct core_on_device {
	fv_ctx *ctx;
	const core_train_device *where;
	core_classifier *classifier;
};

bool core_trains_on_device(const core_head_shape *shape)
{
	return shape->projection > 0 && !shape->n_hidden && shape->classes > 0 &&
	       shape->classes <= CORE_CLASSIFIER_CLASSES;
}

/* Tells what failed, if it is not NULL. */
static fv_status tell_failure(const core_on_device *d, const char *failure)
{
	return failure ? fv_fail(d->ctx, FV_FAILED, "training on %s: %s", d->where->name, failure)
		       : FV_OK;
}

fv_status core_on_device_open(fv_ctx *ctx, const core_train_device *device,
	const core_head_shape *shape, const core_train_data *data, int32_t batch, int32_t rows,
	core_on_device **out)
{
	const core_classifier_plan plan = {.layers = shape->layers,
		.dims = shape->dims,
		.projection = shape->projection,
		.classes = shape->classes,
		.batch = batch,
		.rows = rows,
		.features = device->features,
		.mean = data->mean,
		.scale = data->scale};
	core_on_device *d = core_alloc(ctx, 1, sizeof *d);
	*out = NULL;
	if (!d)
		return FV_FAILED;
	*d = (core_on_device){.ctx = ctx, .where = device};
	fv_status status = device->ops->open(ctx, device->device, &plan, &d->classifier);
	*out = status ? NULL : d;
	return status;
}

void core_on_device_close(core_on_device *d)
{
	if (d)
		d->where->ops->close(d->classifier);
}

fv_status core_on_device_set(core_on_device *d, const float *params, const float *m, const float *v)
{
	return tell_failure(d, d->where->ops->set(d->classifier, params, m, v));
}

fv_status core_on_device_get(core_on_device *d, float *params, float *gradient, float *m, float *v)
{
	return tell_failure(d, d->where->ops->get(d->classifier, params, gradient, m, v));
}

/* --- meetings: one call of the device for all runs that have come so far --- */

enum { MOST = 256 }; /* classifiers of a call */

struct rows {
	core_classifier_rows job;
	const core_train_device *where;
	const char *failure;
};

struct step {
	core_classifier_step job;
	const core_train_device *where;
	const char *failure;
};

static void meet_to_read(void *const *item, int32_t n)
{
	for (int32_t first = 0; first < n; first += MOST) {
		int32_t count = n - first < MOST ? n - first : MOST;
		core_classifier_rows *job[MOST];
		for (int32_t i = 0; i < count; i++)
			job[i] = &((struct rows *)item[first + i])->job;
		const core_train_device *where = ((struct rows *)item[first])->where;
		const char *failure = where->ops->forward(where->device, job, count);
		for (int32_t i = 0; i < count; i++)
			((struct rows *)item[first + i])->failure = failure;
	}
}

static void meet_to_step(void *const *item, int32_t n)
{
	for (int32_t first = 0; first < n; first += MOST) {
		int32_t count = n - first < MOST ? n - first : MOST;
		core_classifier_step *job[MOST];
		for (int32_t i = 0; i < count; i++)
			job[i] = &((struct step *)item[first + i])->job;
		const core_train_device *where = ((struct step *)item[first])->where;
		const char *failure = where->ops->update(where->device, job, count);
		for (int32_t i = 0; i < count; i++)
			((struct step *)item[first + i])->failure = failure;
	}
}

fv_status core_on_device_forward(
	core_on_device *d, int32_t n, const int32_t *index, bool keep, float *logits)
{
	struct rows rows = {{d->classifier, n, index, keep, logits}, d->where, NULL};
	core_lockstep_meet(meet_to_read, &rows);
	return tell_failure(d, rows.failure);
}

fv_status core_on_device_update(core_on_device *d, const float *d_logits, const core_adam *adam,
	int64_t step, double clip, double *norm)
{
	struct step own = {{d->classifier, d_logits, core_adam_prepare(adam, step, 1), clip, 0},
		d->where, NULL};
	core_lockstep_meet(meet_to_step, &own);
	*norm = own.job.norm;
	return tell_failure(d, own.failure);
}
