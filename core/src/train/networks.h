/* SPDX-License-Identifier: Apache-2.0 */
/* Evaluates the networks of a run on a batch and computes their gradients: the core's side of
 * fairvox/networks.h. Every model is evaluated here, including the ordinary one with a single head.
 *
 * For a batch, call core_networks_begin, make nodes (from the plan or in the plugin), write gradients into
 * them, and call core_networks_backward.
 */
#ifndef CORE_TRAIN_NETWORKS_H
#define CORE_TRAIN_NETWORKS_H

#include <fairvox/networks.h>

#include "nn/plan.h"

typedef struct core_networks core_networks;

/* Makes networks for batches of up to `rows`. The plan is used, and core_networks_build adds to it.
 * Errors: FV_FAILED (memory). Free with core_networks_free, NULL is allowed. */
FV_NODISCARD fv_status core_networks_new(
	fv_ctx *ctx, core_plan *plan, int32_t rows, core_networks **out);
void core_networks_free(core_networks *w);

/* Decides which functions of fairvox/networks.h may be called. */
typedef enum core_networks_phase {
	CORE_PHASE_BUILD,
	CORE_PHASE_PREDICT, /* nodes are made but hold nothing */
	CORE_PHASE_STEP,
	CORE_PHASE_EVALUATE,
} core_networks_phase;
void core_networks_set_phase(core_networks *w, core_networks_phase phase);

/* Sets the parameters [plan->count]. Call it again whenever their values have changed. */
void core_networks_set_params(core_networks *w, const float *params);

/* Begins a batch: x and stem [n]. They must live until the next batch. */
void core_networks_begin(
	core_networks *w, const float *const *x, const char *const *stem, int32_t n);

/* Makes the batch one of a training step, in which hidden layers drop units. copy [n]: as in core_dropout; it
 * must live until the next batch. Call it after core_networks_begin. */
void core_networks_drop(core_networks *w, int64_t epoch, const int32_t *copy);

/* Returns the predicting node of this batch, or NULL with a message if memory is out. */
fv_node *core_networks_predict(core_networks *w);
const float *core_node_data(const fv_node *node); /* [n,width], of the predicting node */
/* Returns the numbers [n,width] of any node, or NULL with a message if memory is out. */
const float *core_networks_data(core_networks *w, fv_node *node);

/* Returns false if a number of this batch is not finite. */
bool core_networks_finite(const core_networks *w);

/* Returns d objective / d node [n,width], which is zero at the first call in a batch, or NULL with a
 * message. */
float *core_node_gradient(core_networks *w, fv_node *node);
/* Sets the vector [plan->count] that gradients are written to. */
void core_networks_set_gradient(core_networks *w, float *gradient);
/* Propagates the nodes' gradients back into the networks, once a batch. Errors: FV_FAILED the second time. */
FV_NODISCARD fv_status core_networks_backward(core_networks *w);
/* Zeroes the gradients of networks that no gradient has reached. */
void core_networks_finish(core_networks *w);

/* Records in the plan the values that `logits` depends on. Errors: FV_FAILED if it cannot be a prediction. */
FV_NODISCARD fv_status core_networks_record(core_networks *w, const fv_node *logits);

#endif
