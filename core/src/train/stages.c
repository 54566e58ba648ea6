/* SPDX-License-Identifier: Apache-2.0 */
#include "train/stages.h"

#include <string.h>

#include "base/plural.h"
#include "train/stages_private.h"

typedef struct core_stages stages;

static fv_status ask_stage(stages *s, fv_stage *stage, bool *more)
{
	bool scratch = false;
	s->fault = CORE_STAGES_LIMIT;
	if (s->index == CORE_STAGES_MAX)
		return core_stages_fail(s, FV_FAILED,
			"an objective may have at most %d stages: set *more to 0 in the last one",
			CORE_STAGES_MAX);
	core_ctx_set_stages(s->ctx, s);
	fv_status status = core_objective_next(s->objective, s->index, stage, more, &scratch);
	core_ctx_set_stages(s->ctx, NULL);
	s->fault = scratch ? CORE_STAGES_SCRATCH : status ? CORE_STAGES_OP : CORE_STAGES_ANSWER;
	if (!status)
		status = core_stages_check(s, stage);
	if (!status)
		s->fault = CORE_STAGES_NONE;
	return status;
}

static bool has_same_tensors(const core_plan *a, const core_plan *b)
{
	bool same = a->n_tensors == b->n_tensors;
	for (int32_t i = 0; same && i < a->n_tensors; i++)
		same = a->tensor[i].count == b->tensor[i].count &&
		       !strcmp(a->tensor[i].name, b->tensor[i].name);
	return same;
}

static core_train_spec make_spec(const stages *s, const fv_stage *stage)
{
	core_train_spec spec = *s->job->spec;
	if (stage->epochs)
		spec.epochs = (int32_t)stage->epochs;
	if (stage->learning_rate > 0)
		spec.learning_rate = stage->learning_rate;
	if (stage->n_average)
		spec.epochs = 1; /* one validation pass */
	return spec;
}

/* Computes the mean of the models that the stage averages, and lets the pass keep it. */
static fv_status average_models(stages *s, const fv_stage *stage, core_train_pass *pass)
{
	const struct stage_model *first = &s->model[stage->average[0] - 1];
	double *sum = core_alloc(s->ctx, (size_t)first->plan->count, sizeof *sum);
	float *mean = core_alloc(s->ctx, (size_t)first->plan->count, sizeof *mean);
	if (!sum || !mean)
		return FV_FAILED;
	for (int32_t i = 0; i < stage->n_average; i++) {
		const struct stage_model *m = &s->model[stage->average[i] - 1];
		if (!has_same_tensors(first->plan, m->plan))
			return core_stages_fail(s, FV_FAILED,
				"stage->average names stages %d and %d, whose networks differ: "
				"name stages of one loss",
				(int)stage->average[0], (int)stage->average[i]);
		for (int64_t j = 0; j < m->plan->count; j++)
			sum[j] += (double)m->params[j];
		pass->shuffled = m->shuffled > pass->shuffled ? m->shuffled : pass->shuffled;
	}
	for (int64_t j = 0; j < first->plan->count; j++)
		mean[j] = (float)(sum[j] / stage->n_average);
	pass->from = first->plan;
	pass->from_params = mean;
	pass->untrained = pass->use_last = true;
	return FV_OK;
}

/* Finds the model that the stage starts from. */
static fv_status find_start(stages *s, const fv_stage *stage, core_train_pass *pass)
{
	if (stage->n_average)
		return average_models(s, stage, pass);
	if (stage->fresh || !s->index)
		return FV_OK;
	const struct stage_model *m = &s->model[(stage->start ? stage->start : s->index) - 1];
	pass->from = m->plan;
	pass->from_params = m->params;
	pass->shuffled = m->shuffled;
	return FV_OK;
}

static void log_stage(const stages *s, const fv_stage *stage, const char *loss, int32_t epochs,
	const core_train_result *result)
{
	int number = s->index + 1;
	if (stage->n_average)
		core_log(s->ctx, CORE_INFO, "stage %d (%s): the mean of %d model%s", number, loss,
			(int)stage->n_average, core_plural(stage->n_average));
	else
		core_log(s->ctx, CORE_INFO, "stage %d (%s): %d row%s, epoch %d of %d kept%s",
			number, loss, (int)result->subsample, core_plural(result->subsample),
			(int)result->selected_epoch, (int)epochs,
			stage->use_last ? ", the last" : "");
}

static fv_status train_stage(stages *s, const fv_stage *stage)
{
	const core_train_spec spec = make_spec(s, stage);
	core_train_job job = *s->job;
	core_train_pass pass = {.stage = s->index + 1,
		.class_weight = s->objective->class_weight,
		.anchor = stage->anchor,
		.output_l1 = stage->output_l1,
		.output_only = stage->output_only != 0,
		.fresh_output = stage->fresh_output != 0,
		.use_last = stage->use_last != 0};
	job.spec = &spec;
	fv_status status = find_start(s, stage, &pass);
	if (status == FV_OK)
		status = core_stages_show_rows(s, stage, &job, &pass);
	if (status == FV_OK) {
		pass.place =
			core_format(s->ctx, "stage %d (%s), ", (int)pass.stage, job.loss->name);
		status = pass.place ? FV_OK : FV_FAILED;
	}
	if (status != FV_OK)
		return status;
	core_train_result result;
	core_ctx_set_scope(s->ctx, stage->loss ? pass.stage : 0);
	status = core_train_pass_run(s->ctx, &job, &pass, &result);
	core_ctx_set_scope(s->ctx, 0);
	if (status != FV_OK)
		return status;
	log_stage(s, stage, job.loss->name, spec.epochs, &result);
	result.candidates += s->last.candidates;
	s->last = result;
	s->model[s->index] = (struct stage_model){
		result.plan, result.params, pass.shuffled + (pass.untrained ? 0 : spec.epochs)};
	return FV_OK;
}

fv_status core_stages_run(fv_ctx *ctx, const core_train_job *job, core_objective *objective,
	core_train_result *result)
{
	stages s = {.ctx = ctx, .job = job, .objective = objective};
	fv_stage stage;
	bool more = true;
	if (job->order)
		return fv_fail(ctx, FV_CONFIG,
			"train.order cannot be used: loss %s trains in stages", objective->name);
	for (; more; s.index++) {
		fv_status status = ask_stage(&s, &stage, &more);
		if (status == FV_OK)
			status = train_stage(&s, &stage);
		if (status != FV_OK)
			return status;
	}
	*result = s.last;
	return FV_OK;
}

fv_status core_stages_walk(
	fv_ctx *ctx, const core_train_job *job, core_objective *objective, core_stages_visit *visit)
{
	stages s = {.ctx = ctx, .job = job, .objective = objective, .drawn = visit->drawn};
	fv_stage stage;
	bool more = true;
	for (; more; s.index++) {
		fv_status status = ask_stage(&s, &stage, &more);
		visit->fault = s.fault;
		if (status != FV_OK)
			return status;
		visit->each(visit->user, &stage);
	}
	return FV_OK;
}

struct preview {
	stages s;
	core_train_preview *out;
};

static void note_stage(void *user, const fv_stage *stage)
{
	const struct preview *p = user;
	const core_train_delegate *to = core_stages_delegate(&p->s, stage);
	int32_t at = p->out->n++;
	p->out->stage[at].loss = to ? to->loss->name : p->s.objective->name;
	p->out->stage[at].averaged = stage->n_average;
	if (stage->n_average)
		return;
	p->out->stage[at].epochs = make_spec(&p->s, stage).epochs;
	p->out->stage[at].rows = stage->row ? (int32_t)stage->n : p->s.objective->train.n;
}

fv_status core_stages_preview(
	fv_ctx *ctx, const core_train_job *job, core_objective *objective, core_train_preview *out)
{
	struct preview p = {{.ctx = ctx, .job = job, .objective = objective}, out};
	core_stages_visit visit = {.each = note_stage, .user = &p};
	return core_stages_walk(ctx, job, objective, &visit);
}
