/* SPDX-License-Identifier: Apache-2.0 */
/* Makes what a pass needs before its first step: objective, rows, networks, vectors, start weights. */
#include <assert.h>
#include <string.h>

#include "base/plural.h"
#include "nn/base_loss.h"
#include "nn/blocks.h"
#include "train/pass_private.h"

const char *core_find_non_finite(const core_plan *plan, const float *vector)
{
	for (int32_t i = 0; i < plan->n_tensors; i++)
		if (!core_all_finite(vector + plan->tensor[i].offset, plan->tensor[i].count))
			return plan->tensor[i].name;
	return NULL;
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

static fv_status make_class_weights(fv_ctx *ctx, const core_train_job *job, const double **out)
{
	const fv_rows *rows = &job->train.rows;
	double *weight = core_alloc(ctx, (size_t)rows->classes, sizeof *weight);
	*out = weight;
	if (!weight)
		return FV_FAILED;
	for (int32_t k = 0; k < rows->classes; k++)
		weight[k] = 1;
	if (job->spec->class_weights == CORE_WEIGHTS_NONE)
		return FV_OK;
	return core_class_weights(ctx, job->spec->class_weights == CORE_WEIGHTS_INVERSE,
		rows->label, rows->n, rows->classes, job->class_name, weight);
}

fv_status core_train_open_objective(
	fv_ctx *ctx, const core_train_job *job, const double *class_weight, core_objective *out)
{
	int32_t *order;
	*out = (core_objective){0};
	fv_status status = check_split(ctx, job, &job->train, "training");
	if (status == FV_OK)
		status = check_split(ctx, job, &job->dev, "development");
	if (status == FV_OK && !class_weight)
		status = make_class_weights(ctx, job, &class_weight);
	if (status == FV_OK)
		status = core_stem_order(ctx, &job->train.rows, &order);
	if (status != FV_OK)
		return status;
	const fv_loss_setup setup = {.size = sizeof setup,
		.train = &job->train.rows,
		.dev = &job->dev.rows,
		.class_weight = class_weight,
		.epochs = job->spec->epochs,
		.batch = job->spec->batch,
		.member_is_probability = job->member_is_probability,
		.class_name = job->class_name,
		.base_kind = job->spec->base_loss,
		.focal_gamma = job->spec->focal_gamma};
	return core_objective_open(ctx, job->loss, job->loss_state, &setup, order, out);
}

/* Finds the rows of an epoch: those that the pass names, or the objective's subsample. */
static fv_status find_rows(struct core_pass *t)
{
	int32_t *subsample;
	t->train = t->job->train;
	t->train.rows = t->objective->train;
	t->dev = t->job->dev;
	t->dev.rows = t->objective->dev;
	t->train.rows.label = t->job->train.rows.label; /* a training stage may have its own */
	t->train.rows.klass = t->job->train.rows.klass;
	t->dev.rows.label = t->job->dev.rows.label;
	t->dev.rows.klass = t->job->dev.rows.klass;
	t->subsample = t->pass->row;
	t->n_subsample = t->pass->n;
	if (t->subsample)
		return FV_OK;
	fv_status status = core_objective_subsample(t->objective, &subsample, &t->n_subsample);
	t->subsample = subsample;
	return status;
}

static fv_status check_order(struct core_pass *t)
{
	const core_train_job *job = t->job;
	if (!job->order)
		return FV_OK;
	if (job->order_n != t->n_subsample)
		return fv_fail(t->ctx, FV_DATA,
			"train.order: %lld positions an epoch, but the subsample has %d rows",
			(long long)job->order_n, (int)t->n_subsample);
	if (job->order_epochs < job->spec->epochs)
		return fv_fail(t->ctx, FV_DATA, "train.order: %lld epoch%s, but train.epochs is %d",
			(long long)job->order_epochs, core_plural(job->order_epochs),
			(int)job->spec->epochs);
	for (int64_t i = 0; i < job->order_epochs * job->order_n; i++)
		if (job->order[i] < 0 || job->order[i] >= t->n_subsample)
			return fv_fail(t->ctx, FV_DATA,
				"train.order: position %d in epoch %lld, but the subsample has "
				"rows 0 "
				"to %d",
				(int)job->order[i], (long long)(i / job->order_n) + 1,
				(int)t->n_subsample - 1);
	return FV_OK;
}

static bool is_output(const core_head_tensor *tensor)
{
	return !strncmp(tensor->name, "output.", strlen("output."));
}

/* Copies the tensors that the previous model also has. */
static void copy_previous_model(struct core_pass *t)
{
	const core_plan *to = t->plan, *from = t->pass->from;
	for (int32_t i = 0; i < to->n_tensors; i++)
		for (int32_t j = 0; j < from->n_tensors; j++)
			if (!strcmp(to->tensor[i].name, from->tensor[j].name) &&
				to->tensor[i].count == from->tensor[j].count &&
				!(t->pass->fresh_output && is_output(&to->tensor[i])))
				memcpy(t->param + to->tensor[i].offset,
					t->pass->from_params + from->tensor[j].offset,
					(size_t)to->tensor[i].count * sizeof(float));
}

static fv_status start_model(struct core_pass *t)
{
	const core_train_job *job = t->job;
	if (!job->start)
		core_plan_init(t->ctx, t->plan, t->param);
	fv_status status = job->start ? job->start(job->user, t->plan, t->param) : FV_OK;
	const char *tensor = status == FV_OK ? core_find_non_finite(t->plan, t->param) : NULL;
	if (tensor)
		return fv_fail(t->ctx, FV_DATA, "train.init: %s is not finite", tensor);
	if (status == FV_OK && t->pass->from)
		copy_previous_model(t);
	if (status == FV_OK && t->anchor)
		memcpy(t->anchor, t->param, (size_t)t->plan->count * sizeof *t->anchor);
	return status;
}

/* Allocates a vector in which projection.weight begins at a multiple of 64 bytes. */
static float *make_model_vector(struct core_pass *t)
{
	size_t lead = (size_t)(-(int64_t)t->job->shape.layers & 15);
	float *memory = core_alloc(t->ctx, lead + (size_t)t->plan->count, sizeof *memory);
	return memory ? memory + lead : NULL;
}

/* Makes one head, or the networks that the objective builds. */
static fv_status make_networks(struct core_pass *t, int32_t batch)
{
	const core_head_shape *shape = &t->job->shape;
	int32_t rows = batch > CORE_DEV_BATCH ? batch : CORE_DEV_BATCH;
	bool own = t->objective->own_networks;
	if (own && !shape->projection && !shape->n_hidden &&
		!(t->objective->networks.allows & FV_NETWORKS_BARE))
		return fv_fail(t->ctx, FV_CONFIG,
			"head.projection none without hidden layers cannot be used with loss %s, "
			"whose encoders would have no layer",
			t->objective->name);
	fv_status status = own ? core_plan_new(t->ctx, shape, &t->plan)
			       : core_plan_head(t->ctx, shape, &t->plan);
	if (status == FV_OK)
		status = core_networks_new(t->ctx, t->plan, rows, &t->networks);
	if (status == FV_OK && own)
		status = core_objective_build(t->objective, t->networks);
	t->result->plan = t->plan;
	if (status != FV_OK || !own)
		return status;
	if (t->pass->output_only || t->pass->row_weight || t->pass->fresh_output ||
		t->pass->output_l1 > 0)
		return fv_fail(t->ctx, FV_CONFIG,
			"loss %s has networks of its own: it cannot train a stage that weighs "
			"rows or treats the output layer alone",
			t->objective->name);
	return FV_OK;
}

static fv_status make_vectors(struct core_pass *t, int32_t batch)
{
	fv_ctx *ctx = t->ctx;
	size_t groups = (size_t)t->job->train.rows.groups;
	t->param = make_model_vector(t);
	t->gradient = make_model_vector(t);
	t->m = make_model_vector(t);
	t->v = t->job->spec->optimizer == CORE_SGD ? t->m : make_model_vector(t);
	t->grad = core_alloc(ctx, (size_t)batch * (size_t)t->job->shape.classes, sizeof(double));
	t->share = core_alloc(ctx, (size_t)batch, sizeof(double));
	t->group_sum = core_alloc(ctx, groups, sizeof(double));
	t->group_loss = core_alloc(ctx, groups, sizeof(double));
	t->group_seen = core_alloc(ctx, groups, sizeof(int64_t));
	if (t->pass->anchor > 0 && !(t->anchor = make_model_vector(t)))
		return FV_FAILED;
	if (!t->param || !t->gradient || !t->m || !t->v || !t->grad || !t->share || !t->group_sum ||
		!t->group_loss || !t->group_seen)
		return FV_FAILED;
	core_networks_set_gradient(t->networks, t->gradient);
	return FV_OK;
}

/* Finds the output layer where the pass treats it alone. */
static void find_output(struct core_pass *t)
{
	const core_plan *plan = t->plan;
	for (int32_t i = 0; i < plan->n_tensors; i++) {
		const core_head_tensor *tensor = &plan->tensor[i];
		if (strcmp(tensor->name, "output.weight") != 0)
			continue;
		if (t->pass->output_only)
			t->first = tensor->offset; /* the bias is the last tensor */
		if (t->pass->output_l1 > 0) {
			t->output = t->param + tensor->offset;
			t->n_output = tensor->count;
		}
	}
}

/* Brings the start model to the device, which from now on computes all logits and steps. */
static fv_status open_on_device(struct core_pass *t)
{
	const core_train_job *job = t->job;
	int32_t dev = t->dev.rows.n, test = job->test.rows.n;
	t->batches.place = core_alloc(t->ctx, (size_t)t->batches.size, sizeof *t->batches.place);
	if (!t->batches.place)
		return FV_FAILED;
	fv_status status = core_on_device_open(t->ctx, job->device, &job->shape, &t->train,
		t->batches.size, dev > test ? dev : test, &t->on_device);
	if (status == FV_OK)
		status = core_on_device_set(t->on_device, t->param, NULL, NULL);
	if (status == FV_OK)
		status = core_validation_use_device(t->ctx, &t->validation, t->on_device);
	if (status == FV_OK && t->select.rows != &t->validation)
		status = core_validation_use_device(t->ctx, t->select.rows, t->on_device);
	return status;
}

fv_status core_pass_prepare(struct core_pass *t)
{
	fv_ctx *ctx = t->ctx;
	const core_train_job *job = t->job;
	size_t width = (size_t)job->shape.layers * (size_t)job->shape.dims;
	t->result->class_weight = t->objective->class_weight;
	t->base = core_objective_base(&t->objective->setup);
	fv_status status = find_rows(t);
	if (status != FV_OK)
		return status;
	int32_t size = job->spec->batch < t->n_subsample ? job->spec->batch : t->n_subsample;
	t->steps = (int64_t)job->spec->epochs * ((t->n_subsample + size - 1) / size);
	status = check_order(t);
	core_schedule_init(&t->schedule, job->spec);
	if (status == FV_OK)
		status = core_sampler_init(ctx, job->spec->sampler, &job->train.rows, t->subsample,
			t->n_subsample, &t->sampler);
	if (status == FV_OK)
		status = core_batches_init(ctx, &t->batches, &t->train, width, t->subsample,
			t->n_subsample, size, t->objective->ops.mix != NULL);
	if (status == FV_OK)
		status = core_validation_init(ctx, &t->validation, &t->dev, width);
	if (status == FV_OK)
		status = make_networks(t, size);
	if (status == FV_OK)
		status = make_vectors(t, size);
	if (status != FV_OK)
		return status;
	find_output(t);
	status = core_select_init(ctx, job, &t->validation, &t->base, t->plan->count, &t->select);
	if (status == FV_OK)
		status = start_model(t);
	return status == FV_OK && job->device ? open_on_device(t) : status;
}
