/* SPDX-License-Identifier: Apache-2.0 */
/* Rows that a model is judged by after an epoch: losses and logits of all of them, and of the
 * development rows dev_loss and dev_objective of trainer.h. */
#ifndef CORE_TRAIN_DEVELOP_H
#define CORE_TRAIN_DEVELOP_H

#include "train/batches.h"
#include "train/networks.h"
#include "train/objective.h"

typedef struct core_develop {
	const core_train_data *data;
	size_t width;                    /* L D */
	int32_t *order;                  /* [n] by stem */
	int32_t *row;                    /* [n] 0, 1, ... */
	double *loss;                    /* [n] in file order */
	float *logits;                   /* [n,C] in file order */
	const float *x[CORE_HEAD_BLOCK]; /* features of a batch */
	float *scaled;                   /* [CORE_HEAD_BLOCK,width] */
} core_develop;

FV_NODISCARD fv_status core_develop_init(
	fv_ctx *ctx, core_develop *develop, const core_train_data *data, size_t width);

/* step and epoch are told to the plugin. When a logit is not finite, *finite is false, both values
 * are NaN and the plugin is not asked. */
FV_NODISCARD fv_status core_develop_run(core_develop *develop, core_networks *networks,
	core_objective *objective, int64_t step, int64_t steps, int64_t epoch, double *dev_loss,
	double *dev_objective, bool *finite);

/* Losses and logits alone, of any rows; *finite as above. */
FV_NODISCARD fv_status core_develop_score(
	core_develop *develop, core_networks *networks, const double *class_weight, bool *finite);

#endif
