/* SPDX-License-Identifier: Apache-2.0 */
#include "train/trainer.h"

#include "train/pass.h"
#include "train/select.h"
#include "train/stages.h"

fv_status core_train_run(fv_ctx *ctx, const core_train_job *job, core_train_result *result)
{
	core_objective objective;
	*result = (core_train_result){0};
	fv_status status = core_select_check(ctx, job);
	if (status != FV_OK)
		return status;
	if (job->checkpoint)
		core_run_checkpoint_open(job->checkpoint);
	status = core_train_open_objective(ctx, job, NULL, &objective);
	if (status == FV_OK && objective.in_stages) {
		status = core_stages_run(ctx, job, &objective, result);
	} else if (status == FV_OK) {
		const core_train_pass whole = {.stage = 1, .objective = &objective};
		status = core_train_pass_run(ctx, job, &whole, result);
	}
	return core_objective_close(&objective, status);
}

/* Previews an ordinary run: a single stage on the subsample. */
static fv_status preview_pass(
	const core_train_job *job, core_objective *objective, core_train_preview *out)
{
	int32_t *subsample;
	out->n = 1;
	out->stage[0].loss = job->loss->name;
	out->stage[0].epochs = job->spec->epochs;
	return core_objective_subsample(objective, &subsample, &out->stage[0].rows);
}

fv_status core_train_preview_run(fv_ctx *ctx, const core_train_job *job, core_train_preview *out)
{
	core_objective objective = {0};
	*out = (core_train_preview){0};
	/* Without ids the groups are not inferred yet. */
	fv_status status = job->select_groups.id ? core_select_check(ctx, job) : FV_OK;
	if (status == FV_OK)
		status = core_train_open_objective(ctx, job, NULL, &objective);
	if (status == FV_OK)
		status = objective.in_stages ? core_stages_preview(ctx, job, &objective, out)
					     : preview_pass(job, &objective, out);
	return core_objective_close(&objective, status);
}
