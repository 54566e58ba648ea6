/* SPDX-License-Identifier: Apache-2.0 */
/* Trains the classifier of a run on a device (backend/classifier.h): forward passes and steps of Adam, together with those of the
 * runs that train in lockstep with it (base/lockstep.h). */
#ifndef CORE_TRAIN_ON_DEVICE_H
#define CORE_TRAIN_ON_DEVICE_H

#include "backend/classifier.h"
#include "nn/adam.h"
#include "nn/head.h"
#include "train/batches.h"

/* Where a run trains */
typedef struct core_train_device {
	core_device *device;
	const core_classifier_ops *ops;
	const char *name;      /* for messages */
	const float *features; /* [.,L,D] in its memory, those of the run's data */
} core_train_device;

/* Heads of which a device computes steps: a projection, no hidden layers, few classes. */
bool core_trains_on_device(const core_head_shape *shape);

typedef struct core_on_device core_on_device;

/* data: gives mean and scale of the rows; batch, rows: of a step, of any pass, at most. params: where it starts, with
 * moments of 0. Close it with core_on_device_close, NULL is allowed. Errors: FV_FAILED. */
FV_NODISCARD fv_status core_on_device_open(fv_ctx *ctx, const core_train_device *device,
	const core_head_shape *shape, const core_train_data *data, int32_t batch, int32_t rows,
	core_on_device **out);
void core_on_device_close(core_on_device *d);

/* Vectors of the model, m and v of Adam; NULL: left out. Errors: FV_FAILED. */
FV_NODISCARD fv_status core_on_device_set(
	core_on_device *d, const float *params, const float *m, const float *v);
FV_NODISCARD fv_status core_on_device_get(
	core_on_device *d, float *params, float *gradient, float *m, float *v);

/* Logits [n,C] of rows of the features, index [n]. keep: they are the batch of a step. Errors: FV_FAILED. */
FV_NODISCARD fv_status core_on_device_forward(
	core_on_device *d, int32_t n, const int32_t *index, bool keep, float *logits);
/* Takes the step for d_logits [n,C] of the batch; *norm as in core_vector_norm. Errors: FV_FAILED. */
FV_NODISCARD fv_status core_on_device_update(core_on_device *d, const float *d_logits,
	const core_adam *adam, int64_t step, double clip, double *norm);

#endif
