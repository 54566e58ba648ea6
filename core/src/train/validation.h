/* SPDX-License-Identifier: Apache-2.0 */
/* The validation pass after an epoch: losses and logits of all rows, and from the development rows the
 * dev_loss and dev_objective of trainer.h. */
#ifndef CORE_TRAIN_VALIDATION_H
#define CORE_TRAIN_VALIDATION_H

#include "train/batches.h"
#include "train/job.h"
#include "train/networks.h"
#include "train/objective.h"
#include "train/on_device.h"

typedef struct core_validation {
	const core_train_data *data;
	size_t width;                   /* L D */
	int32_t *order;                 /* [n] by stem */
	int32_t *row;                   /* [n] 0, 1, ... */
	double *loss;                   /* [n] in file order */
	float *logits;                  /* [n,C] in file order */
	const float *x[CORE_DEV_BATCH]; /* features of a batch */
	float *scaled;                  /* [CORE_DEV_BATCH,width] */
	core_on_device *on_device;      /* that computes the logits; NULL: the networks do */
	int32_t *place;                 /* [n] of the rows in the features, for the device */
} core_validation;

FV_NODISCARD fv_status core_validation_init(
	fv_ctx *ctx, core_validation *validation, const core_train_data *data, size_t width);

/* From now on the device computes the logits. Errors: FV_FAILED (memory). */
FV_NODISCARD fv_status core_validation_use_device(
	fv_ctx *ctx, core_validation *validation, core_on_device *on_device);

/* Passes step and epoch on to the plugin, whose view of the rows `data` is. If a logit is not finite, *finite is false, both values are
 * NaN, and the plugin is not called. */
FV_NODISCARD fv_status core_validation_run(core_validation *validation, core_networks *networks,
	core_objective *objective, int64_t step, int64_t steps, int64_t epoch, double *dev_loss,
	double *dev_objective, bool *finite);

/* Computes only losses and logits, for any rows; *finite as above. */
FV_NODISCARD fv_status core_validation_score(
	core_validation *validation, core_networks *networks, const core_base *base, bool *finite);

#endif
