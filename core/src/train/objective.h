/* SPDX-License-Identifier: Apache-2.0 */
/* Calls the ops of a loss plugin: checks everything they return, reports errors under the plugin's name,
 * and reclaims scratch memory. An objective that does not use groups never sees them. */
#ifndef CORE_TRAIN_OBJECTIVE_H
#define CORE_TRAIN_OBJECTIVE_H

#include <fairvox/loss.h>
#include <fairvox/networks.h>
#include <fairvox/plugin.h>
#include <fairvox/stages.h>

#include "nn/base_loss.h"
#include "plugin/guard.h"
#include "train/networks.h"
#include "train/shown.h"

typedef struct core_objective {
	fv_ctx *ctx;
	const char *name;
	fv_loss_ops ops;
	bool own_networks;
	fv_networks_1 networks;
	bool in_stages;
	fv_stages_1 stages;
	void *state;
	size_t state_size;
	fv_rows train, dev;
	fv_counts count;
	fv_loss_setup setup;        /* what open gets; its arrays end with the objective */
	const double *class_weight; /* the same weights in memory of the job */
	bool opened;
	const char *place; /* in front of steps in messages: "stage 2 (NAME), "; NULL: nothing */
	core_guard guard;
	core_fence *shown, *v, *value, *partner, *lambda,
		*position;     /* what the ops see and write */
	bool weighed;          /* weigh has given some sample a weight other than 0 */
	core_batch_copy batch; /* of the step in progress */
} core_objective;

/* Counts rows [n] by class and group -> memory of the context. Memberships are summed in the order given
 * (order [n], a permutation), so that sums do not depend on the order of a label file. */
FV_NODISCARD fv_status core_count_rows(
	fv_ctx *ctx, const fv_rows *rows, const int32_t *order, fv_counts *out);

/* `state` has its parameters filled in. setup->train, dev and class_weight are given; count is made
 * here. Errors: FV_CONFIG when groups are needed and there are none; the plugin's own. */
FV_NODISCARD fv_status core_objective_open(fv_ctx *ctx, const fv_descriptor *loss, void *state,
	const fv_loss_setup *setup, const int32_t *order, core_objective *out);
/* Returns the base loss that the setup describes. */
core_base core_objective_base(const fv_loss_setup *setup);
/* Releases what the ops see, without calling close. */
void core_objective_release(core_objective *objective);
/* Calls close and releases what the ops see. Returns `status`, or an error if that is FV_OK and the plugin left the process changed. */
FV_NODISCARD fv_status core_objective_close(core_objective *objective, fv_status status);

/* Asks for the subsample, the training rows of this run -> memory of the context. */
FV_NODISCARD fv_status core_objective_subsample(
	core_objective *objective, int32_t **row, int32_t *n);
FV_NODISCARD fv_status core_objective_order(
	core_objective *objective, int64_t epoch, int32_t *position, int32_t n);
FV_NODISCARD fv_status core_objective_mix(
	core_objective *objective, const fv_batch *batch, int32_t *partner, double *lambda);
FV_NODISCARD fv_status core_objective_weigh(
	core_objective *objective, const fv_batch *batch, double *v, double *value);
/* Does the plugin compute the value of a development batch? */
bool core_objective_evaluates(const core_objective *objective);
/* Computes the value of a development batch, which may be NaN. `networks` hold the batch. The
 * first batch of a validation pass ends the epoch and checks whether its steps left the process
 * changed. */
FV_NODISCARD fv_status core_objective_evaluate(
	core_objective *objective, core_networks *networks, const fv_batch *batch, double *value);
/* Ends a validation pass: `dev` holds all its rows. */
FV_NODISCARD fv_status core_objective_validated(core_objective *objective, const fv_batch *dev);

/* For objectives that train in stages: asks the plugin for the next training stage. Sets *scratch if it fails because
 * a list of the stage is memory of fv_scratch. */
FV_NODISCARD fv_status core_objective_next(
	core_objective *objective, int32_t index, fv_stage *stage, bool *more, bool *scratch);

/* For objectives with networks of their own: builds them and records which value predicts. */
FV_NODISCARD fv_status core_objective_build(core_objective *objective, core_networks *networks);
/* Writes gradients into the networks. If a number of the batch is not finite, the value is NaN and the
 * caller reports it. */
FV_NODISCARD fv_status core_objective_step(
	core_objective *objective, core_networks *networks, const fv_batch *batch, double *value);

#endif
