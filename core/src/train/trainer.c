/* SPDX-License-Identifier: Apache-2.0 */
#include "train/trainer.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "nn/adam.h"
#include "nn/base_loss.h"
#include "nn/blocks.h"
#include "train/trainer_private.h"

/* The first tensor of `vector` that is not finite, or NULL. */
static const char *broken_tensor(const core_plan *plan, const float *vector)
{
	for (int32_t i = 0; i < plan->n_tensors; i++)
		if (!core_all_finite(vector + plan->tensor[i].offset, plan->tensor[i].count))
			return plan->tensor[i].name;
	return NULL;
}

/* Says why the numbers ran out; `what` is the tensor where it showed. */
static fv_status overflow(trainer *t, int64_t epoch, const char *what)
{
	fv_status status = core_check_features(t->ctx, &t->train, &t->job->shape);
	if (status != FV_OK)
		return status;
	const char *tensor = broken_tensor(t->plan, t->param);
	return fv_fail(t->ctx, FV_FAILED,
		"step %lld (epoch %lld): %s %s not finite; train.learning_rate is %g",
		(long long)t->step, (long long)epoch, tensor ? tensor : what,
		tensor || strcmp(what, "the logits") ? "is" : "are", t->job->spec->learning_rate);
}

static fv_status check_split(
	fv_ctx *ctx, const core_train_job *job, const core_train_data *data, const char *name)
{
	const fv_rows *rows = &data->rows;
	if (rows->n < 1)
		return fv_fail(ctx, FV_DATA, "no %s rows", name);
	assert(rows->classes == job->shape.classes);
	for (int32_t i = 0; i < rows->n && rows->group; i++)
		if (rows->group[i] < -1 || rows->group[i] >= rows->groups)
			return fv_fail(ctx, FV_FAILED, "%s: group %d of %s is not in -1 to %d",
				name, (int)rows->group[i], rows->stem[i], (int)rows->groups - 1);
	return FV_OK;
}

static fv_status set_class_weights(trainer *t)
{
	const fv_rows *rows = &t->job->train.rows;
	size_t size = (size_t)rows->classes * sizeof(double);
	double *weight = core_alloc(t->ctx, size, 1);
	t->result->class_weight = weight;
	if (!weight)
		return FV_FAILED;
	if (!t->pass->class_weight)
		return core_class_weights(
			t->ctx, rows->label, rows->n, rows->classes, t->job->class_name, weight);
	memcpy(weight, t->pass->class_weight, size);
	return FV_OK;
}

/* The pass's own, or the job's opened and asked what it keeps. */
static fv_status open_objective(trainer *t)
{
	fv_ctx *ctx = t->ctx;
	const core_train_job *job = t->job;
	const fv_rows *rows = &job->train.rows;
	int32_t *order;
	fv_status status = check_split(ctx, job, &job->train, "training");
	if (status == FV_OK)
		status = check_split(ctx, job, &job->dev, "development");
	if (status == FV_OK)
		status = set_class_weights(t);
	if (status == FV_OK)
		status = core_stem_order(ctx, rows, &order);
	if (status != FV_OK)
		return status;
	if (t->pass->objective) {
		t->objective = *t->pass->objective;
		return FV_OK;
	}
	fv_loss_setup setup = {.size = sizeof setup,
		.train = rows,
		.dev = &job->dev.rows,
		.class_weight = t->result->class_weight,
		.epochs = job->spec->epochs,
		.batch = job->spec->batch,
		.member_is_probability = job->member_is_probability,
		.class_name = job->class_name};
	status = core_objective_open(ctx, job->loss, job->loss_state, &setup, order, &t->objective);
	return status;
}

static fv_status keep_rows(trainer *t)
{
	fv_status status = FV_OK;
	if (t->pass->objective) {
		t->kept = t->pass->row;
		t->n_kept = t->pass->n;
	} else {
		int32_t *kept;
		status = core_objective_keep(&t->objective, &kept, &t->n_kept);
		t->kept = kept;
	}
	t->train = t->job->train;
	t->train.rows = t->objective.train;
	return status;
}

fv_status core_train_preview_run(fv_ctx *ctx, const core_train_job *job, core_train_preview *out)
{
	static const core_train_pass whole = {.stage = 1};
	core_train_result result = {0};
	trainer t = {.ctx = ctx, .job = job, .pass = &whole, .result = &result};
	*out = (core_train_preview){0};
	/* Without ids the groups are not inferred yet. */
	fv_status status = job->select_groups.id ? core_select_check(ctx, job) : FV_OK;
	if (status == FV_OK)
		status = open_objective(&t);
	if (status == FV_OK && t.objective.in_stages) {
		status = core_stages_preview(ctx, job, &t.objective, out);
	} else if (status == FV_OK) {
		status = keep_rows(&t);
		out->n = 1;
		out->stage[0].loss = job->loss->name;
		out->stage[0].rows = t.n_kept;
		out->stage[0].epochs = job->spec->epochs;
	}
	core_objective_close(&t.objective);
	return status;
}

static fv_status check_order(trainer *t)
{
	const core_train_job *job = t->job;
	if (!job->order)
		return FV_OK;
	if (job->order_n != t->n_kept)
		return fv_fail(t->ctx, FV_DATA,
			"train.order: %lld positions an epoch, but %d rows are kept",
			(long long)job->order_n, (int)t->n_kept);
	if (job->order_epochs < job->spec->epochs)
		return fv_fail(t->ctx, FV_DATA, "train.order: %lld epochs, but train.epochs is %d",
			(long long)job->order_epochs, (int)job->spec->epochs);
	for (int64_t i = 0; i < job->order_epochs * job->order_n; i++)
		if (job->order[i] < 0 || job->order[i] >= t->n_kept)
			return fv_fail(t->ctx, FV_DATA,
				"train.order: position %d in epoch %lld, but the kept rows are 0 "
				"to %d",
				(int)job->order[i], (long long)(i / job->order_n + 1),
				(int)t->n_kept - 1);
	return FV_OK;
}

/* Tensors that the model before has too begin where it ended. */
static void go_on(trainer *t)
{
	const core_plan *to = t->plan, *from = t->pass->from;
	for (int32_t i = 0; i < to->n_tensors; i++)
		for (int32_t j = 0; j < from->n_tensors; j++)
			if (!strcmp(to->tensor[i].name, from->tensor[j].name) &&
				to->tensor[i].count == from->tensor[j].count)
				memcpy(t->param + to->tensor[i].offset,
					t->pass->from_params + from->tensor[j].offset,
					(size_t)to->tensor[i].count * sizeof(float));
}

static fv_status start_model(trainer *t)
{
	const core_train_job *job = t->job;
	if (!job->start)
		core_plan_init(t->ctx, t->plan, t->param);
	fv_status status = job->start ? job->start(job->user, t->plan, t->param) : FV_OK;
	const char *tensor = status == FV_OK ? broken_tensor(t->plan, t->param) : NULL;
	if (tensor)
		return fv_fail(t->ctx, FV_DATA, "train.init: %s is not finite", tensor);
	if (status == FV_OK && t->pass->from)
		go_on(t);
	if (status == FV_OK && t->anchor)
		memcpy(t->anchor, t->param, (size_t)t->plan->count * sizeof *t->anchor);
	return status;
}

/* The vectors are laid out so that projection.weight begins at a multiple of 64 bytes. */
static float *model_vector(trainer *t)
{
	size_t lead = (size_t)(-(int64_t)t->job->shape.layers & 15);
	float *memory = core_alloc(t->ctx, lead + (size_t)t->plan->count, sizeof *memory);
	return memory ? memory + lead : NULL;
}

/* One head, or what the objective makes. */
static fv_status make_networks(trainer *t, int32_t batch)
{
	const core_head_shape *shape = &t->job->shape;
	int32_t rows = batch > CORE_DEV_BATCH ? batch : CORE_DEV_BATCH;
	bool own = t->objective.own_networks;
	fv_status status = own ? core_plan_new(t->ctx, shape, &t->plan)
			       : core_plan_head(t->ctx, shape, &t->plan);
	if (status == FV_OK)
		status = core_networks_new(t->ctx, t->plan, rows, &t->networks);
	if (status == FV_OK && own)
		status = core_objective_build(&t->objective, t->networks);
	t->result->plan = t->plan;
	if (status != FV_OK || !own)
		return status;
	if (t->pass->output_only || t->pass->row_weight)
		return fv_fail(t->ctx, FV_CONFIG,
			"loss %s has networks of its own: it cannot train a stage that weighs "
			"rows or holds all but the output layer",
			t->objective.name);
	return FV_OK;
}

static fv_status make_vectors(trainer *t, int32_t batch)
{
	fv_ctx *ctx = t->ctx;
	size_t groups = (size_t)t->job->train.rows.groups;
	t->param = model_vector(t);
	t->gradient = model_vector(t);
	t->m = model_vector(t);
	t->v = model_vector(t);
	t->grad = core_alloc(ctx, (size_t)batch * (size_t)t->job->shape.classes, sizeof(double));
	t->share = core_alloc(ctx, (size_t)batch, sizeof(double));
	t->group_sum = core_alloc(ctx, groups, sizeof(double));
	t->group_loss = core_alloc(ctx, groups, sizeof(double));
	t->group_seen = core_alloc(ctx, groups, sizeof(int64_t));
	if (t->pass->anchor > 0 && !(t->anchor = model_vector(t)))
		return FV_FAILED;
	if (!t->param || !t->gradient || !t->m || !t->v || !t->grad || !t->share || !t->group_sum ||
		!t->group_loss || !t->group_seen)
		return FV_FAILED;
	core_networks_set_gradient(t->networks, t->gradient);
	return FV_OK;
}

static fv_status prepare(trainer *t)
{
	fv_ctx *ctx = t->ctx;
	const core_train_job *job = t->job;
	int32_t size = job->spec->batch < t->n_kept ? job->spec->batch : t->n_kept;
	size_t width = (size_t)job->shape.layers * (size_t)job->shape.dims;
	t->steps = (int64_t)job->spec->epochs * ((t->n_kept + size - 1) / size);
	fv_status status = check_order(t);
	if (status == FV_OK)
		status = core_batches_init(ctx, &t->batches, &t->train, width, t->kept, t->n_kept,
			size, t->objective.ops.mix != NULL);
	if (status == FV_OK)
		status = core_develop_init(ctx, &t->develop, &job->dev, width);
	if (status == FV_OK)
		status = make_networks(t, size);
	if (status == FV_OK)
		status = make_vectors(t, size);
	for (int32_t i = 0; status == FV_OK && t->pass->output_only && i < t->plan->n_tensors; i++)
		if (!strcmp(t->plan->tensor[i].name, "output.weight"))
			t->first = t->plan->tensor[i].offset; /* the bias is the last tensor */
	if (status == FV_OK)
		status = core_select_init(
			ctx, job, &t->develop, t->result->class_weight, t->plan->count, &t->select);
	return status == FV_OK ? start_model(t) : status;
}

static void note_groups(trainer *t)
{
	const fv_batch *batch = &t->batches.batch;
	const int32_t *group = t->job->train.rows.group;
	for (int32_t i = 0; i < batch->n && group; i++) {
		int32_t g = group[batch->row[i]];
		if (g < 0)
			continue;
		t->group_sum[g] += batch->loss[i];
		t->group_seen[g]++;
	}
}

/* The gradient of sum_i v_i l_i, v from the objective. */
static fv_status weighed_gradient(trainer *t, fv_node *logits, const fv_batch *batch, double *value)
{
	fv_status status = core_objective_weigh(&t->objective, batch, t->share, value);
	if (status != FV_OK)
		return status;
	float *out = core_node_gradient(t->networks, logits);
	if (!out)
		return FV_FAILED;
	for (int32_t i = 0; i < batch->n; i++)
		for (int32_t k = 0; k < batch->classes; k++) {
			int32_t at = i * batch->classes + k;
			out[at] = (float)(t->share[i] * t->grad[at]);
		}
	return core_networks_backward(t->networks);
}

/* Base losses and their gradients times the weights of the rows. */
static void weigh_rows(trainer *t)
{
	const fv_batch *batch = &t->batches.batch;
	for (int32_t i = 0; i < batch->n; i++) {
		double weight = t->pass->row_weight[batch->row[i]];
		t->batches.loss[i] *= weight;
		for (int32_t k = 0; k < batch->classes; k++)
			t->grad[i * batch->classes + k] *= weight;
	}
}

/* The pull to the start weights: its value is added to *value. */
static void pull(trainer *t, double *value)
{
	double a = t->pass->anchor, sum = 0;
	for (int64_t j = t->first; j < t->plan->count; j++) {
		double off = (double)t->param[j] - (double)t->anchor[j];
		sum += off * off;
		t->gradient[j] = (float)((double)t->gradient[j] + 2 * a * off);
	}
	*value += a * sum;
}

/* The gradient of the batch's objective. */
static fv_status take_gradient(trainer *t, int64_t epoch, double *value)
{
	core_batches *b = &t->batches;
	fv_batch *batch = &b->batch;
	bool own = t->objective.own_networks;
	core_networks_set_params(t->networks, t->param);
	core_networks_begin(t->networks, b->x, b->stem, batch->n, batch->n);
	fv_node *logits = core_networks_predict(t->networks);
	if (!logits)
		return FV_FAILED;
	if (!core_networks_finite(t->networks))
		return overflow(t, epoch, "the logits");
	batch->logits = core_node_data(logits);
	batch->loss = b->loss;
	core_base_loss(batch->n, batch->classes, batch->logits, b->label, t->result->class_weight,
		b->loss, own ? NULL : t->grad);
	note_groups(t);
	if (t->pass->row_weight)
		weigh_rows(t);
	fv_status status = own ? core_objective_step(&t->objective, t->networks, batch, value)
			       : weighed_gradient(t, logits, batch, value);
	if (status == FV_OK && !core_networks_finite(t->networks))
		return overflow(t, epoch, "the logits");
	core_networks_finish(t->networks);
	if (t->anchor)
		pull(t, value);
	return status;
}

static fv_status train_step(trainer *t, int64_t epoch, int32_t first, double *value, double *norm)
{
	const core_train_spec *spec = t->job->spec;
	core_batches *b = &t->batches;
	fv_batch *batch = &b->batch;
	fv_status status = FV_OK;
	core_batches_gather(b, first);
	batch->step = ++t->step;
	batch->steps = t->steps;
	batch->epoch = epoch;
	if (t->objective.ops.mix) {
		status = core_objective_mix(&t->objective, batch, b->partner, b->lambda);
		if (status != FV_OK)
			return status;
		core_batches_mix(b);
	}
	status = take_gradient(t, epoch, value);
	if (status != FV_OK)
		return status;
	int64_t held = t->first, count = t->plan->count - held;
	*norm = core_norm(t->gradient + held, count);
	if (!isfinite(*norm)) {
		char what[128];
		snprintf(what, sizeof what, "the gradient of %s",
			broken_tensor(t->plan, t->gradient));
		return overflow(t, epoch, what);
	}
	const core_adam adam = {spec->learning_rate, spec->weight_decay, spec->adamw};
	core_adam_step(&adam, t->step, core_clip_scale(*norm, spec->clip), count, t->param + held,
		t->gradient + held, t->m + held, t->v + held);
	return FV_OK;
}

static fv_status set_order(trainer *t, int32_t epoch)
{
	const core_train_job *job = t->job;
	if (job->order) {
		memcpy(t->batches.position, job->order + (int64_t)(epoch - 1) * job->order_n,
			(size_t)job->order_n * sizeof *job->order);
		return FV_OK;
	}
	core_batches_shuffle(t->ctx, &t->batches, t->pass->shuffled + epoch);
	return core_objective_order(&t->objective, epoch, t->batches.position, t->n_kept);
}

static fv_status begin_epoch(trainer *t)
{
	size_t groups = (size_t)t->job->train.rows.groups;
	memset(t->group_sum, 0, groups * sizeof *t->group_sum);
	memset(t->group_seen, 0, groups * sizeof *t->group_seen);
	t->epoch_steps = 0;
	t->value = t->grad_norm = t->seconds = 0;
	return set_order(t, t->epoch);
}

/* From t->seen on: an epoch that was interrupted is gone on with. */
static fv_status train_epoch(trainer *t)
{
	double begun = core_clock_s() - (t->seen ? t->seconds : 0);
	fv_status status = t->seen ? FV_OK : begin_epoch(t);
	while (status == FV_OK && t->seen < t->n_kept) {
		double value = 0, norm = 0;
		status = train_step(t, t->epoch, t->seen, &value, &norm);
		t->value += value;
		t->grad_norm += norm;
		t->seen += t->batches.batch.n;
		t->epoch_steps++;
		t->seconds = core_clock_s() - begun;
		if (status == FV_OK && t->job->state)
			status = core_trainer_save(t);
	}
	if (status == FV_OK && !core_all_finite(t->param, t->plan->count))
		status = overflow(t, t->epoch, "the model");
	for (int32_t g = 0; g < t->job->train.rows.groups; g++)
		t->group_loss[g] =
			t->group_seen[g] ? t->group_sum[g] / (double)t->group_seen[g] : NAN;
	return status;
}

static fv_status keep_last(trainer *t, const core_train_epoch *epoch)
{
	core_train_result *result = t->result;
	size_t count = (size_t)t->plan->count;
	result->params = core_alloc(t->ctx, count, sizeof *result->params);
	if (!result->params)
		return FV_FAILED;
	memcpy(result->params, t->param, count * sizeof *t->param);
	result->selected_epoch = epoch->epoch;
	result->selected_value = epoch->dev_loss;
	result->candidates = 1;
	return FV_OK;
}

/* Development values, and what the rule of selection makes of the model. */
static fv_status judge_epoch(trainer *t, core_train_epoch *epoch)
{
	bool finite;
	core_networks_set_params(t->networks, t->param);
	fv_status status = core_develop_run(&t->develop, t->networks, &t->objective, t->step,
		t->steps, epoch->epoch, &epoch->dev_loss, &epoch->dev_objective, &finite);
	if (status == FV_OK && !finite)
		status = core_check_features(t->ctx, &t->job->dev, &t->job->shape);
	if (status != FV_OK)
		return status;
	if (t->pass->use_last) {
		epoch->best = epoch->epoch == epoch->epochs;
		return epoch->best ? keep_last(t, epoch) : FV_OK;
	}
	status = core_select_judge(&t->select, t->networks, t->param, epoch, &finite);
	if (status == FV_OK && !finite && t->job->test.x)
		status = core_check_features(t->ctx, &t->job->test, &t->job->shape);
	return status;
}

static fv_status keep_chosen(trainer *t)
{
	const core_candidate *chosen = core_select_chosen(&t->select);
	core_train_result *result = t->result;
	if (!chosen)
		return fv_fail(t->ctx, FV_FAILED, "no epoch had a finite %s", t->job->spec->select);
	result->selected_epoch = chosen->epoch;
	result->selected_value = chosen->value;
	result->params = core_select_model(&t->select, chosen);
	result->candidates = t->select.judged;
	return FV_OK;
}

/* One epoch from training to the report of it. */
static fv_status run_epoch(trainer *t)
{
	const core_train_job *job = t->job;
	core_train_epoch epoch = {.stage = t->pass->stage,
		.epoch = t->epoch,
		.epochs = job->spec->epochs,
		.groups = job->train.rows.groups,
		.group_loss = t->group_loss,
		.params = t->param};
	fv_status status = train_epoch(t);
	double judged = core_clock_s();
	if (status == FV_OK)
		status = judge_epoch(t, &epoch);
	epoch.value = t->value / t->epoch_steps;
	epoch.grad_norm = t->grad_norm / t->epoch_steps;
	epoch.seconds = t->seconds + core_clock_s() - judged;
	if (status == FV_OK && job->on_epoch)
		status = job->on_epoch(job->user, &epoch);
	return status;
}

static fv_status train_all(trainer *t)
{
	bool finished = false;
	fv_status status = t->job->state ? core_trainer_restore(t, &finished) : FV_OK;
	for (; status == FV_OK && !finished && t->epoch <= t->job->spec->epochs;
		t->epoch++, t->seen = 0)
		status = run_epoch(t);
	if (status != FV_OK || finished)
		return status;
	if (!t->pass->use_last)
		status = keep_chosen(t);
	return status == FV_OK && t->job->state ? core_trainer_finish(t) : status;
}

static fv_status one_pass(trainer *t)
{
	fv_status status = keep_rows(t);
	if (status == FV_OK)
		status = prepare(t);
	if (status == FV_OK)
		status = train_all(t);
	t->result->kept = t->n_kept;
	core_networks_free(t->networks);
	return status;
}

fv_status core_train_pass_run(fv_ctx *ctx, const core_train_job *job, const core_train_pass *pass,
	core_train_result *result)
{
	assert(job->spec->epochs > 0 && job->spec->batch > 0);
	*result = (core_train_result){0};
	trainer t = {.ctx = ctx,
		.job = job,
		.pass = pass,
		.result = result,
		.stage = pass->stage,
		.epoch = 1};
	fv_status status = open_objective(&t);
	if (status == FV_OK && t.objective.in_stages && !pass->objective)
		status = core_stages_run(ctx, job, &t.objective, result);
	else if (status == FV_OK)
		status = one_pass(&t);
	if (!pass->objective)
		core_objective_close(&t.objective);
	return status;
}

fv_status core_train_run(fv_ctx *ctx, const core_train_job *job, core_train_result *result)
{
	static const core_train_pass whole = {.stage = 1};
	fv_status status = core_select_check(ctx, job);
	if (status == FV_OK && job->state)
		core_state_open(job->state);
	return status == FV_OK ? core_train_pass_run(ctx, job, &whole, result) : status;
}
