/* SPDX-License-Identifier: Apache-2.0 */
/* The device that the runs of a worker train on: opened for the first of those that are at work, closed behind the last. */
#ifndef CORE_RUN_TRAINING_DEVICE_H
#define CORE_RUN_TRAINING_DEVICE_H

#include "run/study_types.h"
#include "train/on_device.h"

/* Returns true if the run trains on the study's device: the device can, the loss only weighs and comes from the install folder,
 * the head is one that it computes (train/on_device.h), the optimizer is Adam, and features are standardised by
 * training rows or not at all. The encodings must be open; features need not be loaded. */
bool core_run_trains_on_device(const core_study *study, const core_run *run);

enum { CORE_TRAINING_FEATURES = 16 }; /* encodings in the device's memory at most */

/* Start with {0}. */
typedef struct core_training_device {
	const struct core_device_module *module;
	core_device *device; /* NULL: it is not open */
	int32_t users, n_features;
	const float *features[CORE_TRAINING_FEATURES];  /* on the host */
	const float *on_device[CORE_TRAINING_FEATURES]; /* the same in the device's memory */
} core_training_device;

/* Opens the device, unless it is open, and copies the features to it, unless it has them. Call core_training_device_leave also
 * after an error. Errors: FV_FAILED. */
FV_NODISCARD fv_status core_training_device_join(fv_ctx *ctx, core_training_device *t,
	const core_device_choice *choice, const core_features *features, core_train_device *out);
void core_training_device_leave(core_training_device *t);

#endif
