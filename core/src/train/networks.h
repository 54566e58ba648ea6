/* SPDX-License-Identifier: Apache-2.0 */
/* The networks of a run at work: values of a batch, their gradients, and the core's side of
 * fairvox/networks.h. Every model is evaluated here, also the ordinary one of a single head.
 *
 * A batch: core_networks_begin, then nodes are made (by the plan, by the plugin), then gradients
 * are written and carried back.
 */
#ifndef CORE_TRAIN_NETWORKS_H
#define CORE_TRAIN_NETWORKS_H

#include <fairvox/networks.h>

#include "nn/plan.h"

typedef struct core_networks core_networks;

/* Room for batches of up to `rows`. The plan is used, and in core_networks_build added to. Errors:
 * FV_FAILED (memory). Free with core_networks_free, NULL is allowed. */
FV_NODISCARD fv_status core_networks_new(
	fv_ctx *ctx, core_plan *plan, int32_t rows, core_networks **out);
void core_networks_free(core_networks *networks);

/* Which of the functions of fairvox/networks.h work. */
typedef enum core_networks_stage {
	CORE_STAGE_BUILD,
	CORE_STAGE_PREDICT, /* nodes are made but hold nothing */
	CORE_STAGE_STEP,
	CORE_STAGE_DEVELOP,
} core_networks_stage;
void core_networks_set_stage(core_networks *networks, core_networks_stage stage);

/* Says that these are the parameters [plan->count], or that their values have changed. */
void core_networks_set_params(core_networks *networks, const float *params);

/* A new batch: x and stem [n], computed as `rows` rows of which n are wanted (x has that many; see
 * CORE_HEAD_BLOCK). Kept until the next batch. */
void core_networks_begin(core_networks *networks, const float *const *x, const char *const *stem,
	int32_t n, int32_t rows);

/* The predicting node of this batch; NULL with a message when memory is out. */
fv_node *core_networks_predict(core_networks *networks);
const float *core_node_data(const fv_node *node); /* [n,width] */

/* False once a number of this batch is not finite. */
bool core_networks_finite(const core_networks *networks);

/* d objective / d node [n,width], zero at the first call of a batch. NULL with a message. */
float *core_node_gradient(core_networks *networks, fv_node *node);
/* Where gradients go: [plan->count]. */
void core_networks_set_gradient(core_networks *networks, float *gradient);
/* Carries the nodes' gradients into the networks, once a batch. Errors: FV_FAILED the second time.
 */
FV_NODISCARD fv_status core_networks_backward(core_networks *networks);
/* Zeros for the networks that no gradient has reached. */
void core_networks_finish(core_networks *networks);

/* Makes the plan's values those that `logits` depends on. Errors: FV_FAILED when it cannot be a
 * prediction. */
FV_NODISCARD fv_status core_networks_record(core_networks *networks, const fv_node *logits);

#endif
