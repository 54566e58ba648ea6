/* SPDX-License-Identifier: Apache-2.0 */
/* The development rows after an epoch: dev_loss and dev_objective of trainer.h. */
#ifndef CORE_TRAIN_DEVELOP_H
#define CORE_TRAIN_DEVELOP_H

#include "nn/head.h"
#include "train/batches.h"
#include "train/objective.h"

typedef struct core_develop {
	const core_train_data *data;
	int32_t *order; /* [n] by stem */
	int32_t *index; /* [n] feature rows in that order */
	int32_t *row;   /* [n] 0, 1, ... */
	float *sorted;  /* [n,C] logits in that order */
	float *logits;  /* [n,C] in file order */
	double *loss;   /* [n] in file order */
} core_develop;

FV_NODISCARD fv_status core_develop_init(
	fv_ctx *ctx, core_develop *develop, const core_train_data *data);

/* step and epoch are told to the plugin. When a logit is not finite, *finite is false, both values
 * are NaN and the plugin is not asked. */
FV_NODISCARD fv_status core_develop_run(core_develop *develop, core_head *head, const float *params,
	core_objective *objective, int64_t step, int64_t steps, int64_t epoch, double *dev_loss,
	double *dev_objective, bool *finite);

#endif
