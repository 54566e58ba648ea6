/* SPDX-License-Identifier: Apache-2.0 */
#include "run/training_device.h"

#include "backend/device.h"
#include "run/device_choice.h"
#include "run/encoder.h"
#include "run/grouping.h"
#include "run/run_data.h"
#include "run/run_order.h"

bool core_run_trains_on_device(const core_study *study, const core_run *run)
{
	const core_device_choice *choice = study->device;
	const core_variant *variant = core_run_variant(study, run);
	if (!choice || !choice->numerics || !choice->trains || variant->tune ||
		variant->train.optimizer == CORE_SGD || !core_run_shares_worker(study, run))
		return false;
	const core_encoder *encoder = study->encoding[run->encoding].encoder;
	const fv_output *output = &encoder->info.outputs[encoder->output];
	const core_head_shape shape =
		core_run_data_shape(variant, 1, 1, study->fold[run->fold].corpus->classes);
	return core_trains_on_device(&shape) &&
	       core_find_standardize(&variant->encoder, output) != FV_STANDARDIZE_SPEAKER;
}

/* Copies the features to the device -> their place there. Those that do not fit in the list are refused. */
static fv_status load_features(
	fv_ctx *ctx, core_training_device *t, const core_features *features, const float **out)
{
	int64_t count = features->n * features->layers * features->dims;
	int32_t at = 0;
	while (at < t->n_features && t->features[at] != features->x)
		at++;
	if (at == CORE_TRAINING_FEATURES)
		return fv_fail(ctx, FV_FAILED,
			"more than %d encodings in the runs that train at once",
			CORE_TRAINING_FEATURES);
	if (at == t->n_features) {
		fv_status status =
			t->device->ops->load(ctx, t->device, features->x, count, &t->on_device[at]);
		if (status)
			return status;
		t->features[at] = features->x;
		t->n_features++;
	}
	*out = t->on_device[at];
	return FV_OK;
}

fv_status core_training_device_join(fv_ctx *ctx, core_training_device *t,
	const core_device_choice *choice, const core_features *features, core_train_device *out)
{
	fv_status status = FV_OK;
	t->users++;
	if (!t->device)
		status = core_device_open_chosen(ctx, choice, &t->module, &t->device);
	if (status) {
		t->device = NULL;
		return status;
	}
	*out = (core_train_device){
		.device = t->device, .ops = t->module->classifiers, .name = t->module->name};
	return load_features(ctx, t, features, &out->features);
}

void core_training_device_leave(core_training_device *t)
{
	if (--t->users || !t->device)
		return;
	t->module->close(t->device);
	*t = (core_training_device){0};
}
