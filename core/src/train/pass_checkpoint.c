/* SPDX-License-Identifier: Apache-2.0 */
#include "train/pass_private.h"

#include <stdio.h>

/* Adds what later steps depend on. Order and batches of later epochs follow from streams, and what a
 * training stage is follows from the models of the stages before it. */
static fv_status add_parts(struct core_pass *t)
{
	core_run_checkpoint *checkpoint = t->job->checkpoint;
	int64_t count = t->plan->count, groups = t->job->train.rows.groups;
	core_run_checkpoint_add(checkpoint, "stage", FV_I32, 1, &t->stage);
	core_run_checkpoint_add(checkpoint, "step", FV_I64, 1, &t->step);
	core_run_checkpoint_add(checkpoint, "epoch", FV_I32, 1, &t->epoch);
	core_run_checkpoint_add(checkpoint, "seen", FV_I32, 1, &t->seen);
	core_run_checkpoint_add(checkpoint, "epoch_steps", FV_I32, 1, &t->epoch_steps);
	core_run_checkpoint_add(checkpoint, "order", FV_I32, t->n_subsample, t->batches.position);
	core_run_checkpoint_add(checkpoint, "value", FV_F64, 1, &t->value);
	core_run_checkpoint_add(checkpoint, "grad_norm", FV_F64, 1, &t->grad_norm);
	core_run_checkpoint_add(checkpoint, "seconds", FV_F64, 1, &t->seconds);
	core_run_checkpoint_add(checkpoint, "group_sum", FV_F64, groups, t->group_sum);
	core_run_checkpoint_add(checkpoint, "group_seen", FV_I64, groups, t->group_seen);
	core_run_checkpoint_add(checkpoint, "model", FV_F32, count, t->param);
	core_run_checkpoint_add(checkpoint, "optimizer.m", FV_F32, count, t->m);
	if (t->v != t->m)
		core_run_checkpoint_add(checkpoint, "optimizer.v", FV_F32, count, t->v);
	core_run_checkpoint_add(checkpoint, "schedule.rate", FV_F64, 1, &t->schedule.rate);
	core_run_checkpoint_add(checkpoint, "schedule.best", FV_F64, 1, &t->schedule.best);
	core_run_checkpoint_add(checkpoint, "schedule.bad", FV_I32, 1, &t->schedule.bad);
	core_run_checkpoint_add(checkpoint, "last_best", FV_I32, 1, &t->last_best);
	return core_select_add(&t->select, checkpoint);
}

fv_status core_pass_save(struct core_pass *t)
{
	if (!core_run_checkpoint_is_due(t->job->checkpoint))
		return FV_OK;
	fv_status status =
		t->on_device ? core_on_device_get(t->on_device, t->param, NULL, t->m, t->v) : FV_OK;
	if (status == FV_OK)
		status = add_parts(t);
	return status == FV_OK ? core_run_checkpoint_save(t->job->checkpoint) : status;
}

/* What a later training stage needs of this one; it lives as long as the run. */
typedef struct outcome {
	char *model, *epoch, *value, *candidates; /* names of the parts */
	int32_t selected_epoch, n_candidates;
	double selected_value;
} outcome;

static outcome *add_outcome(struct core_pass *t)
{
	core_run_checkpoint *checkpoint = t->job->checkpoint;
	outcome *o = core_alloc(t->ctx, 1, sizeof *o);
	if (!o)
		return NULL;
	o->model = core_format(t->ctx, "stage%d.model", (int)t->pass->stage);
	o->epoch = core_format(t->ctx, "stage%d.epoch", (int)t->pass->stage);
	o->value = core_format(t->ctx, "stage%d.value", (int)t->pass->stage);
	o->candidates = core_format(t->ctx, "stage%d.candidates", (int)t->pass->stage);
	o->selected_epoch = t->result->selected_epoch;
	o->selected_value = t->result->selected_value;
	o->n_candidates = t->result->candidates;
	if (!o->model || !o->epoch || !o->value || !o->candidates)
		return NULL;
	core_run_checkpoint_add(checkpoint, o->model, FV_F32, t->plan->count, t->result->params);
	core_run_checkpoint_add(checkpoint, o->epoch, FV_I32, 1, &o->selected_epoch);
	core_run_checkpoint_add(checkpoint, o->value, FV_F64, 1, &o->selected_value);
	core_run_checkpoint_add(checkpoint, o->candidates, FV_I32, 1, &o->n_candidates);
	return o;
}

fv_status core_pass_finish(struct core_pass *t)
{
	return add_outcome(t) ? FV_OK : FV_FAILED;
}

/* Reads the outcome of this stage, because the interrupted run was in a later one. */
static fv_status read_outcome(struct core_pass *t)
{
	core_run_checkpoint *checkpoint = t->job->checkpoint;
	core_train_result *result = t->result;
	result->params = core_alloc(t->ctx, (size_t)t->plan->count, sizeof *result->params);
	outcome *o = result->params ? add_outcome(t) : NULL;
	if (!o)
		return FV_FAILED;
	if (!core_run_checkpoint_read_part(checkpoint, o->model) ||
		!core_run_checkpoint_read_part(checkpoint, o->epoch) ||
		!core_run_checkpoint_read_part(checkpoint, o->value) ||
		!core_run_checkpoint_read_part(checkpoint, o->candidates) || o->selected_epoch < 1)
		return core_run_checkpoint_refuse(checkpoint);
	result->selected_epoch = o->selected_epoch;
	result->selected_value = o->selected_value;
	result->candidates = o->n_candidates;
	return FV_OK;
}

static bool is_sound(struct core_pass *t)
{
	bool sound = t->epoch >= 1 && t->epoch <= t->job->spec->epochs && t->seen >= 1 &&
		     t->seen <= t->n_subsample && t->epoch_steps >= 1 &&
		     t->step >= t->epoch_steps && t->step <= t->steps && t->schedule.rate >= 0 &&
		     t->schedule.rate <= t->job->spec->learning_rate && t->schedule.bad >= 0 &&
		     t->last_best >= 0 && t->last_best < t->epoch &&
		     core_select_unpack(&t->select, t->epoch);
	for (int32_t i = 0; i < t->n_subsample; i++)
		sound &= t->batches.position[i] >= 0 && t->batches.position[i] < t->n_subsample;
	return sound;
}

fv_status core_pass_restore(struct core_pass *t, bool *finished)
{
	core_run_checkpoint *checkpoint = t->job->checkpoint;
	*finished = false;
	if (!core_run_checkpoint_is_open(checkpoint))
		return FV_OK;
	fv_status status = core_select_reserve(&t->select, checkpoint);
	if (status == FV_OK)
		status = add_parts(t);
	if (status != FV_OK)
		return status;
	if (!core_run_checkpoint_read_part(checkpoint, "stage") || t->stage < t->pass->stage)
		return core_run_checkpoint_refuse(checkpoint);
	*finished = t->stage > t->pass->stage;
	if (*finished) {
		t->stage = t->pass->stage;
		return read_outcome(t);
	}
	status = core_run_checkpoint_restore(checkpoint);
	if (status != FV_OK)
		return status;
	if (!is_sound(t))
		return core_run_checkpoint_refuse(checkpoint);
	core_batches_start(&t->batches, t->seen);
	char stage[32] = "";
	if (t->stage > 1)
		snprintf(stage, sizeof stage, "stage %d, ", (int)t->stage);
	core_log(t->ctx, CORE_INFO, "goes on after step %lld of %lld (%sepoch %d)",
		(long long)t->step, (long long)t->steps, stage, (int)t->epoch);
	return FV_OK;
}
