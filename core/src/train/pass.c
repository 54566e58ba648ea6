/* SPDX-License-Identifier: Apache-2.0 */
#include "train/pass.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/lockstep.h"
#include "nn/adam.h"
#include "nn/base_loss.h"
#include "nn/blocks.h"
#include "nn/sgd.h"
#include "train/pass_private.h"
#include "train/predict.h"

/* Reports which numbers are not finite; `what` is where it was noticed. */
static fv_status report_overflow(struct core_pass *t, int64_t epoch, const char *what)
{
	fv_status status = core_check_features(t->ctx, &t->train, &t->job->shape);
	if (status == FV_OK && t->on_device)
		status = core_on_device_get(t->on_device, t->param, t->gradient, NULL, NULL);
	if (status != FV_OK)
		return status;
	const char *tensor = core_find_non_finite(t->plan, t->param);
	return fv_fail(t->ctx, FV_FAILED,
		"%sstep %lld (epoch %lld): %s %s not finite: lower train.learning_rate (%g)",
		t->pass->place ? t->pass->place : "", (long long)t->step, (long long)epoch,
		tensor ? tensor : what, tensor || strcmp(what, "the logits") ? "is" : "are",
		t->schedule.rate);
}

static void count_group_losses(struct core_pass *t)
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

/* Computes the gradient of sum_i v_i l_i at the logits -> out [n,C]. */
static void spread_weights(const struct core_pass *t, const fv_batch *batch, float *out)
{
	for (int32_t i = 0; i < batch->n; i++)
		for (int32_t k = 0; k < batch->classes; k++) {
			int32_t at = i * batch->classes + k;
			out[at] = (float)(t->share[i] * t->grad[at]);
		}
}

/* Computes the gradient of sum_i v_i l_i with v from the objective. */
static fv_status compute_weighted_gradient(
	struct core_pass *t, fv_node *logits, const fv_batch *batch, double *value)
{
	fv_status status = core_objective_weigh(t->objective, batch, t->share, value);
	if (status != FV_OK)
		return status;
	float *out = core_node_gradient(t->networks, logits);
	if (!out)
		return FV_FAILED;
	spread_weights(t, batch, out);
	return core_networks_backward(t->networks);
}

/* Multiplies base losses and their gradients by the weights of the rows. */
static void weigh_rows(struct core_pass *t)
{
	const fv_batch *batch = &t->batches.batch;
	for (int32_t i = 0; i < batch->n; i++) {
		double weight = t->pass->row_weight[batch->row[i]];
		t->batches.loss[i] *= weight;
		for (int32_t k = 0; k < batch->classes; k++)
			t->grad[i * batch->classes + k] *= weight;
	}
}

/* Adds the penalty on the distance to the start weights to the gradient and to *value. */
static void add_anchor(struct core_pass *t, double *value)
{
	double a = t->pass->anchor, sum = 0;
	for (int64_t j = t->first; j < t->plan->count; j++) {
		double off = (double)t->param[j] - (double)t->anchor[j];
		sum += off * off;
		t->gradient[j] = (float)((double)t->gradient[j] + 2 * a * off);
	}
	*value += a * sum;
}

/* Adds the L1 penalty of the output layer to the gradient and to *value. */
static void add_output_l1(struct core_pass *t, double *value)
{
	double b = t->pass->output_l1, sum = 0;
	float *gradient = t->gradient + (t->output - t->param);
	for (int64_t j = 0; j < t->n_output; j++) {
		double w = (double)t->output[j];
		sum += fabs(w);
		gradient[j] = (float)((double)gradient[j] + b * ((w > 0) - (w < 0)));
	}
	*value += b * sum;
}

/* Computes the gradient of the objective on the batch. */
static fv_status compute_gradient(struct core_pass *t, int64_t epoch, double *value)
{
	core_batches *b = &t->batches;
	fv_batch *batch = &b->batch;
	bool own = t->objective->own_networks;
	core_networks_set_params(t->networks, t->param);
	core_networks_begin(t->networks, b->x, b->stem, batch->n);
	if (!t->pass->output_only)
		core_networks_drop(t->networks, t->pass->shuffled + epoch, b->copy);
	fv_node *logits = core_networks_predict(t->networks);
	if (!logits)
		return FV_FAILED;
	if (!core_networks_finite(t->networks))
		return report_overflow(t, epoch, "the logits");
	batch->logits = core_node_data(logits);
	batch->loss = b->loss;
	core_base_loss(&t->base, batch->n, batch->classes, batch->logits, b->label, b->loss,
		own ? NULL : t->grad);
	count_group_losses(t);
	if (t->pass->row_weight)
		weigh_rows(t);
	fv_status status = own ? core_objective_step(t->objective, t->networks, batch, value)
			       : compute_weighted_gradient(t, logits, batch, value);
	if (status == FV_OK && !core_networks_finite(t->networks))
		return report_overflow(t, epoch, "the logits");
	core_networks_finish(t->networks);
	if (t->anchor)
		add_anchor(t, value);
	if (t->output)
		add_output_l1(t, value);
	return status;
}

/* Reports a gradient that overflowed. */
static fv_status report_gradient(struct core_pass *t, int64_t epoch)
{
	char what[128];
	fv_status status = t->on_device
				   ? core_on_device_get(t->on_device, NULL, t->gradient, NULL, NULL)
				   : FV_OK;
	if (status != FV_OK)
		return status;
	const char *tensor = core_find_non_finite(t->plan, t->gradient);
	snprintf(what, sizeof what, "the gradient of %s", tensor ? tensor : "the model");
	return report_overflow(t, epoch, what);
}

static core_adam describe_adam(const struct core_pass *t)
{
	const core_train_spec *spec = t->job->spec;
	return (core_adam){t->schedule.rate, spec->weight_decay, spec->optimizer == CORE_ADAMW};
}

/* Takes the step of the optimizer along the gradient times `scale`. */
static void update_model(struct core_pass *t, double scale)
{
	const core_train_spec *spec = t->job->spec;
	int64_t held = t->first, count = t->plan->count - held;
	float *param = t->param + held, *m = t->m + held, *v = t->v + held;
	const float *gradient = t->gradient + held;
	if (spec->optimizer == CORE_SGD) {
		const core_sgd sgd = {t->schedule.rate, spec->weight_decay, spec->momentum};
		core_sgd_step(&sgd, scale, count, param, gradient, m);
		return;
	}
	const core_adam adam = describe_adam(t);
	core_adam_step(&adam, t->step, scale, count, param, gradient, m, v);
}

/* Trains on the batch where the model is on a device: the losses and their weights are computed here. */
static fv_status step_on_device(struct core_pass *t, int64_t epoch, double *value, double *norm)
{
	core_batches *b = &t->batches;
	fv_batch *batch = &b->batch;
	int64_t count = (int64_t)batch->n * batch->classes;
	const core_adam adam = describe_adam(t);
	fv_status status =
		core_on_device_forward(t->on_device, batch->n, b->place, true, b->logits);
	if (status != FV_OK)
		return status;
	if (!core_all_finite(b->logits, count))
		return report_overflow(t, epoch, "the logits");
	batch->logits = b->logits;
	batch->loss = b->loss;
	core_base_loss(
		&t->base, batch->n, batch->classes, batch->logits, b->label, b->loss, t->grad);
	count_group_losses(t);
	status = core_objective_weigh(t->objective, batch, t->share, value);
	if (status != FV_OK)
		return status;
	spread_weights(t, batch, b->d_logits);
	status = core_on_device_update(
		t->on_device, b->d_logits, &adam, t->step, t->job->spec->clip, norm);
	return status == FV_OK && !isfinite(*norm) ? report_gradient(t, epoch) : status;
}

static fv_status train_step(
	struct core_pass *t, int64_t epoch, int32_t first, double *value, double *norm)
{
	const core_train_spec *spec = t->job->spec;
	core_batches *b = &t->batches;
	fv_batch *batch = &b->batch;
	fv_status status = FV_OK;
	core_batches_gather(b, first);
	batch->step = ++t->step;
	batch->steps = t->steps;
	batch->epoch = epoch;
	if (t->objective->ops.mix) {
		status = core_objective_mix(t->objective, batch, b->partner, b->lambda);
		if (status != FV_OK)
			return status;
		core_batches_mix(b);
	}
	if (t->on_device)
		return step_on_device(t, epoch, value, norm);
	status = compute_gradient(t, epoch, value);
	if (status != FV_OK)
		return status;
	int64_t held = t->first, count = t->plan->count - held;
	*norm = core_vector_norm(t->gradient + held, count);
	if (!isfinite(*norm))
		return report_gradient(t, epoch);
	update_model(t, core_clip_scale(*norm, spec->clip));
	return FV_OK;
}

/* Draws the epoch's rows. Refuses an objective that gives an order of its own, because only one of the
 * two could have an effect. */
static fv_status draw_order(struct core_pass *t, int32_t epoch)
{
	size_t size = (size_t)t->n_subsample * sizeof *t->batches.position;
	core_sampler_draw(t->ctx, &t->sampler, t->pass->shuffled + epoch);
	memcpy(t->batches.position, t->sampler.drawn, size);
	fv_status status =
		core_objective_order(t->objective, epoch, t->batches.position, t->n_subsample);
	if (status == FV_OK && memcmp(t->batches.position, t->sampler.drawn, size))
		status = fv_fail(t->ctx, FV_CONFIG,
			"train.sampler: %s cannot be used: loss %s chooses the rows of an epoch "
			"itself",
			core_sampler_name(t->sampler.kind), t->objective->name);
	return status;
}

/* Refuses an order from a file for an objective that would change the core's shuffle: nothing would be left
 * of what it chooses. */
static fv_status check_own_order(struct core_pass *t, int32_t epoch)
{
	size_t size = (size_t)t->n_subsample * sizeof *t->batches.position;
	int32_t *shuffle = core_alloc(t->ctx, (size_t)t->n_subsample, sizeof *shuffle);
	if (!shuffle)
		return FV_FAILED;
	core_batches_shuffle(t->ctx, &t->batches, t->pass->shuffled + epoch);
	memcpy(shuffle, t->batches.position, size);
	fv_status status =
		core_objective_order(t->objective, epoch, t->batches.position, t->n_subsample);
	if (status == FV_OK && memcmp(t->batches.position, shuffle, size))
		status = fv_fail(t->ctx, FV_CONFIG,
			"train.order cannot be used: loss %s chooses the rows of an epoch itself",
			t->objective->name);
	return status;
}

static fv_status set_order(struct core_pass *t, int32_t epoch)
{
	const core_train_job *job = t->job;
	if (job->order) {
		fv_status status =
			epoch == 1 && t->objective->ops.order ? check_own_order(t, epoch) : FV_OK;
		if (status != FV_OK)
			return status;
		memcpy(t->batches.position, job->order + (int64_t)(epoch - 1) * job->order_n,
			(size_t)job->order_n * sizeof *job->order);
		return FV_OK;
	}
	if (t->sampler.kind)
		return draw_order(t, epoch);
	core_batches_shuffle(t->ctx, &t->batches, t->pass->shuffled + epoch);
	return core_objective_order(t->objective, epoch, t->batches.position, t->n_subsample);
}

static fv_status begin_epoch(struct core_pass *t)
{
	size_t groups = (size_t)t->job->train.rows.groups;
	core_schedule_begin(&t->schedule, t->epoch);
	memset(t->group_sum, 0, groups * sizeof *t->group_sum);
	memset(t->group_seen, 0, groups * sizeof *t->group_seen);
	t->epoch_steps = 0;
	t->value = t->grad_norm = t->seconds = 0;
	fv_status status = set_order(t, t->epoch);
	if (status == FV_OK)
		core_batches_start(&t->batches, 0);
	return status;
}

/* Trains the epoch from sample t->seen on, so that an interrupted epoch is continued. */
static fv_status train_epoch(struct core_pass *t)
{
	double begun = core_lockstep_clock_s() - (t->seen ? t->seconds : 0);
	fv_status status = t->seen ? FV_OK : begin_epoch(t);
	while (status == FV_OK && t->seen < t->n_subsample) {
		double value = 0, norm = 0;
		status = train_step(t, t->epoch, t->seen, &value, &norm);
		t->value += value;
		t->grad_norm += norm;
		t->seen += t->batches.batch.n;
		t->epoch_steps++;
		t->seconds = core_lockstep_clock_s() - begun;
		if (status == FV_OK && t->job->checkpoint)
			status = core_pass_save(t);
	}
	if (status == FV_OK && t->on_device)
		status = core_on_device_get(t->on_device, t->param, NULL, NULL, NULL);
	if (status == FV_OK && !core_all_finite(t->param, t->plan->count))
		status = report_overflow(t, t->epoch, "the model");
	for (int32_t g = 0; g < t->job->train.rows.groups; g++)
		t->group_loss[g] =
			t->group_seen[g] ? t->group_sum[g] / (double)t->group_seen[g] : NAN;
	return status;
}

static fv_status keep_last(struct core_pass *t, const core_train_epoch *epoch)
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

/* Runs the validation pass and applies the selection rule to the model. */
static fv_status judge_epoch(struct core_pass *t, core_train_epoch *epoch)
{
	bool finite;
	core_networks_set_params(t->networks, t->param);
	fv_status status = core_validation_run(&t->validation, t->networks, t->objective, t->step,
		t->steps, epoch->epoch, &epoch->dev_loss, &epoch->dev_objective, &finite);
	if (status == FV_OK && !finite)
		status = core_check_features(t->ctx, &t->job->dev, &t->job->shape);
	if (status != FV_OK)
		return status;
	if (t->pass->use_last) {
		epoch->select_value = epoch->dev_loss;
		epoch->best = epoch->epoch == epoch->epochs;
		return epoch->best ? keep_last(t, epoch) : FV_OK;
	}
	status = core_select_judge(&t->select, t->networks, t->param, epoch, &finite);
	if (status == FV_OK && !finite && t->job->test.x)
		status = core_check_features(t->ctx, &t->job->test, &t->job->shape);
	return status;
}

static fv_status keep_chosen(struct core_pass *t)
{
	const core_candidate *chosen = core_select_chosen(&t->select);
	core_train_result *result = t->result;
	if (!chosen && core_objective_evaluates(t->objective) &&
		!strcmp(t->job->spec->select, "dev_objective"))
		return fv_fail(t->ctx, FV_FAILED,
			"no epoch had a finite dev_objective: op evaluate of loss '%s' gave none",
			t->objective->name);
	if (!chosen)
		return fv_fail(t->ctx, FV_FAILED, "no epoch had a finite %s", t->job->spec->select);
	result->selected_epoch = chosen->epoch;
	result->selected_value = chosen->value;
	result->params = core_select_model(&t->select, chosen);
	result->candidates = t->select.judged;
	return FV_OK;
}

/* Warns after the first epoch if the plugin gave no sample a weight. */
static void warn_of_no_weights(const struct core_pass *t)
{
	const core_objective *o = t->objective;
	if (o->ops.weigh && !o->own_networks && !o->weighed)
		fv_warn(t->ctx,
			"loss '%s': op weigh gave every sample of the first epoch the weight 0, so "
			"nothing was learned",
			o->name);
}

/* Trains, judges and reports one epoch. */
static fv_status run_epoch(struct core_pass *t)
{
	const core_train_job *job = t->job;
	core_train_epoch epoch = {.stage = t->pass->stage,
		.epoch = t->epoch,
		.epochs = job->spec->epochs,
		.groups = job->train.rows.groups,
		.group_loss = t->group_loss,
		.params = t->param};
	fv_status status = t->pass->untrained ? FV_OK : train_epoch(t);
	if (status == FV_OK && t->epoch == 1 && !t->pass->untrained)
		warn_of_no_weights(t);
	epoch.learning_rate = t->pass->untrained ? 0 : t->schedule.rate;
	double judged = core_lockstep_clock_s();
	if (status == FV_OK)
		status = judge_epoch(t, &epoch);
	core_schedule_end(&t->schedule, epoch.select_value);
	t->last_best = epoch.best ? epoch.epoch : t->last_best;
	epoch.value = t->epoch_steps ? t->value / t->epoch_steps : NAN;
	epoch.grad_norm = t->epoch_steps ? t->grad_norm / t->epoch_steps : NAN;
	epoch.seconds = t->seconds + core_lockstep_clock_s() - judged;
	if (status == FV_OK && job->on_epoch)
		status = job->on_epoch(job->user, &epoch);
	return status;
}

/* Returns true after the last epoch, or after train.patience epochs without a better one. A pass that
 * keeps its last epoch is not shortened. */
static bool is_over(const struct core_pass *t)
{
	const core_train_spec *spec = t->job->spec;
	if (t->epoch > spec->epochs)
		return true;
	return spec->patience && !t->pass->use_last &&
	       t->epoch - 1 - t->last_best >= spec->patience;
}

static fv_status train_all(struct core_pass *t)
{
	bool finished = false;
	fv_status status = t->job->checkpoint ? core_pass_restore(t, &finished) : FV_OK;
	if (status == FV_OK && t->on_device)
		status = core_on_device_set(t->on_device, t->param, t->m, t->v);
	for (; status == FV_OK && !finished && !is_over(t); t->epoch++, t->seen = 0)
		status = run_epoch(t);
	if (status != FV_OK || finished)
		return status;
	t->result->epochs = t->epoch - 1;
	t->result->use_last = t->pass->use_last;
	if (!t->pass->use_last)
		status = keep_chosen(t);
	return status == FV_OK && t->job->checkpoint ? core_pass_finish(t) : status;
}

static fv_status run_pass(fv_ctx *ctx, const core_train_job *job, const core_train_pass *pass,
	core_train_result *result)
{
	*result = (core_train_result){0};
	struct core_pass t = {.ctx = ctx,
		.job = job,
		.pass = pass,
		.result = result,
		.objective = pass->objective,
		.stage = pass->stage,
		.epoch = 1};
	t.objective->place = pass->place;
	fv_status status = core_pass_prepare(&t);
	if (status == FV_OK)
		status = train_all(&t);
	result->subsample = t.n_subsample;
	core_networks_free(t.networks);
	core_on_device_close(t.on_device);
	return status;
}

fv_status core_train_pass_run(fv_ctx *ctx, const core_train_job *job, const core_train_pass *pass,
	core_train_result *result)
{
	assert(job->spec->epochs > 0 && job->spec->batch > 0);
	if (pass->objective)
		return run_pass(ctx, job, pass, result);
	core_objective objective;
	core_train_pass whole = *pass;
	whole.objective = &objective;
	fv_status status = core_train_open_objective(ctx, job, pass->class_weight, &objective);
	if (status == FV_OK)
		status = run_pass(ctx, job, &whole, result);
	return core_objective_close(&objective, status);
}
