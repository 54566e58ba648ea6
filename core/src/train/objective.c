/* SPDX-License-Identifier: Apache-2.0 */
#include "train/objective.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include "base/number.h"
#include "plugin/absent.h"
#include "train/stages_private.h"

static const char *get_place(const core_objective *o)
{
	return o->place ? o->place : "";
}

/* Returns the status of an op and reclaims scratch memory. */
static fv_status leave_plugin(core_objective *o, fv_status status)
{
	status = core_guard_leave(&o->guard, status);
	core_scratch_reset(o->ctx);
	return status;
}

static void enter_plugin(core_objective *o, const char *op)
{
	core_guard_enter(&o->guard, op, 0, false);
}

/* As enter_plugin, for ops that run in every step. */
static void enter_plugin_step(core_objective *o, const char *op, const fv_batch *batch)
{
	core_guard_enter(&o->guard, op, batch->step, batch->step > 1);
}

/* Fails, in the plugin's name, if something was written before an array that an op wrote. */
static fv_status check_fence(core_objective *o, core_fence *fence, fv_status status)
{
	char text[128];
	if (core_fence_check(fence, text, sizeof text))
		return status;
	fv_status failed = core_guard_fail(&o->guard, text);
	return status == FV_OK ? failed : status;
}

/* Fails, in the plugin's name, if an op wrote into its batch. */
static fv_status check_batch(core_objective *o, const fv_batch *batch, fv_status status)
{
	char text[128];
	if (core_batch_compare(&o->batch, batch, text, sizeof text))
		return status;
	fv_status failed = core_guard_fail(&o->guard, text);
	return status == FV_OK ? failed : status;
}

static void count_row(const fv_rows *rows, int32_t i, double *const table[6])
{
	int32_t klass = rows->klass[i], groups = rows->groups;
	size_t subgroup = (size_t)klass * (size_t)groups;
	table[0][klass]++;
	if (!groups)
		return;
	int32_t group = rows->group[i];
	if (group < 0) {
		table[5][klass]++;
	} else {
		table[1][group]++;
		table[2][subgroup + (size_t)group]++;
	}
	for (int32_t g = 0; g < groups; g++) {
		double share = rows->member ? rows->member[(size_t)i * (size_t)groups + (size_t)g]
					    : (float)(group == g);
		table[3][g] += share;
		table[4][subgroup + (size_t)g] += share;
	}
}

fv_status core_count_rows(fv_ctx *ctx, const fv_rows *rows, const int32_t *order, fv_counts *out)
{
	size_t classes = (size_t)rows->classes, groups = (size_t)rows->groups;
	size_t size[6] = {classes, groups, classes * groups, groups, classes * groups, classes};
	double *table[6];
	for (int i = 0; i < 6; i++) {
		table[i] = core_alloc(ctx, size[i], sizeof(double));
		if (!table[i])
			return FV_FAILED;
	}
	for (int32_t i = 0; i < rows->n; i++)
		count_row(rows, order[i], table);
	*out = (fv_counts){sizeof *out, table[0], table[1], table[2], table[3], table[4], table[5]};
	return FV_OK;
}

static fv_status find_networks_ops(core_objective *o, const fv_descriptor *loss, fv_base_kind base)
{
	const fv_networks_1 *theirs = loss->extension ? loss->extension(FV_NETWORKS_1) : NULL;
	if (!theirs)
		return FV_OK;
	memcpy(&o->networks, theirs,
		theirs->size < sizeof o->networks ? theirs->size : sizeof o->networks);
	o->own_networks = true;
	if (base == FV_BCE && !(o->networks.allows & FV_NETWORKS_SIGMOID))
		return fv_fail(o->ctx, FV_CONFIG,
			"train.base_loss bce cannot be used with loss %s, which takes the logits "
			"of "
			"its networks for those of a softmax",
			o->name);
	if (o->networks.build && o->networks.predict && o->networks.step)
		return FV_OK;
	return fv_fail(o->ctx, FV_FAILED,
		"loss %s: " FV_NETWORKS_1 " needs build, predict and step", o->name);
}

static fv_status find_stages_ops(core_objective *o, const fv_descriptor *loss)
{
	const fv_stages_1 *theirs = loss->extension ? loss->extension(FV_STAGES_1) : NULL;
	if (!theirs)
		return FV_OK;
	memcpy(&o->stages, theirs,
		theirs->size < sizeof o->stages ? theirs->size : sizeof o->stages);
	o->in_stages = true;
	if (!o->stages.next)
		return fv_fail(o->ctx, FV_FAILED, "loss %s: " FV_STAGES_1 " needs next", o->name);
	if (o->own_networks)
		return fv_fail(o->ctx, FV_FAILED,
			"loss %s: has " FV_STAGES_1 " and " FV_NETWORKS_1
			", which do not go together",
			o->name);
	return FV_OK;
}

void core_objective_release(core_objective *o)
{
	core_fence_close(o->shown);
	core_fence_close(o->v);
	core_fence_close(o->value);
	core_fence_close(o->partner);
	core_fence_close(o->lambda);
	core_fence_close(o->position);
	o->shown = o->v = o->value = o->partner = o->lambda = o->position = NULL;
}

static fv_rows hide_groups(fv_rows rows)
{
	rows.groups = 0;
	rows.group = NULL;
	rows.member = NULL;
	return rows;
}

fv_status core_objective_open(fv_ctx *ctx, const fv_descriptor *loss, void *state,
	const fv_loss_setup *setup, const int32_t *order, core_objective *out)
{
	core_objective *o = out;
	*o = (core_objective){
		.ctx = ctx, .name = loss->name, .state = state, .state_size = loss->state_size};
	core_guard_open(&o->guard, ctx, FV_LOSS, o->name);
	const fv_loss_ops *ops = loss->ops;
	memcpy(&o->ops, ops, ops->size < sizeof o->ops ? ops->size : sizeof o->ops);
	o->train = *setup->train;
	o->dev = *setup->dev;
	if (!o->ops.uses_groups) {
		o->train = hide_groups(o->train);
		o->dev = hide_groups(o->dev);
	} else if (o->train.groups < 1) {
		return fv_fail(ctx, FV_CONFIG, "loss %s needs groups: give a grouper", o->name);
	}
	if (!o->ops.uses_duration)
		o->train.duration = o->dev.duration = NULL;
	fv_status status = find_networks_ops(o, loss, setup->base_kind);
	if (status == FV_OK)
		status = find_stages_ops(o, loss);
	if (status == FV_OK)
		status = core_count_rows(ctx, &o->train, order, &o->count);
	if (status != FV_OK)
		return status;
	o->setup = *setup;
	o->setup.size = sizeof o->setup;
	o->setup.train = &o->train;
	o->setup.dev = &o->dev;
	o->setup.count = &o->count;
	o->class_weight = o->setup.class_weight;
	o->shown =
		core_show_setup(ctx, &o->train, &o->dev, &o->count, &o->setup.class_weight, false);
	if (!o->shown)
		return FV_FAILED;
	o->guard.absent = core_absent_of_loss(ctx, &o->ops, &o->train);
	enter_plugin(o, "open");
	o->opened = true;
	return leave_plugin(o, o->ops.open ? o->ops.open(state, ctx, &o->setup) : FV_OK);
}

core_base core_objective_base(const fv_loss_setup *setup)
{
	return (core_base){setup->base_kind, setup->focal_gamma, setup->class_weight};
}

double fv_base_loss(
	const fv_loss_setup *setup, const float *logits, const float *label, double *gradient)
{
	const core_base base = core_objective_base(setup);
	double loss;
	core_base_loss(&base, 1, setup->train->classes, logits, label, &loss, gradient);
	return loss;
}

void fv_probability(const fv_loss_setup *setup, const float *logits, double *p)
{
	core_base_probability(setup->base_kind, setup->train->classes, logits, p);
}

static fv_status call_close(core_objective *o, fv_status status)
{
	if (!o->opened)
		return status;
	o->opened = false;
	if (!o->ops.close)
		return core_guard_check_quick_calls(&o->guard, status);
	enter_plugin(o, "close");
	o->ops.close(o->state);
	fv_status closed = core_guard_leave(&o->guard, FV_OK);
	return status == FV_OK ? closed : status;
}

fv_status core_objective_close(core_objective *o, fv_status status)
{
	status = call_close(o, status);
	core_objective_release(o);
	return status;
}

fv_status core_objective_subsample(core_objective *o, int32_t **row, int32_t *n)
{
	int32_t all = o->train.n, per_row = o->train.groups > 2 ? o->train.groups : 2;
	int64_t cap = (int64_t)all * per_row, kept = all;
	if (cap > INT32_MAX)
		cap = INT32_MAX;
	core_fence *fence = core_fence_open(o->ctx, "row", (size_t)cap * sizeof(int32_t));
	if (!fence)
		return FV_FAILED;
	int32_t *list = core_fence_place(fence, (size_t)cap * sizeof *list);
	for (int32_t i = 0; i < all; i++)
		list[i] = i;
	memset(list + all, 0, (size_t)(cap - all) * sizeof *list);
	enter_plugin(o, "subsample");
	fv_status status = FV_OK;
	if (o->ops.subsample)
		status = o->ops.subsample(o->state, o->ctx, list, cap, &kept);
	if (status == FV_OK && (kept < 1 || kept > cap))
		status = fv_fail(o->ctx, FV_FAILED, "keeps %lld of %d training rows",
			(long long)kept, (int)all);
	for (int64_t i = 0; status == FV_OK && i < kept; i++)
		if (list[i] < 0 || list[i] >= all)
			status = fv_fail(o->ctx, FV_FAILED, "keeps row %d, but rows are 0 to %d",
				(int)list[i], (int)all - 1);
	status = check_fence(o, fence, leave_plugin(o, status));
	if (status == FV_OK && !(*row = core_alloc(o->ctx, (size_t)kept, sizeof **row)))
		status = FV_FAILED;
	if (status == FV_OK)
		memcpy(*row, list, (size_t)kept * sizeof **row);
	*n = (int32_t)kept;
	core_fence_close(fence);
	return status;
}

fv_status core_objective_order(core_objective *o, int64_t epoch, int32_t *position, int32_t n)
{
	if (!o->ops.order)
		return FV_OK;
	size_t size = (size_t)n * sizeof *position;
	/* the fence is kept, as opening it takes longer than an epoch of few rows */
	int32_t *written = core_fence_reserve(o->ctx, &o->position, "position", size);
	if (!written)
		return FV_FAILED;
	memcpy(written, position, size);
	enter_plugin(o, "order");
	fv_status status = o->ops.order(o->state, o->ctx, epoch, written, n);
	memcpy(position, written, size);
	for (int32_t i = 0; status == FV_OK && i < n; i++)
		if (position[i] < 0 || position[i] >= n)
			status = fv_fail(o->ctx, FV_FAILED,
				"epoch %lld: position %d, but the subsample has rows 0 to %d",
				(long long)epoch, (int)position[i], (int)n - 1);
	return check_fence(o, o->position, leave_plugin(o, status));
}

fv_status core_objective_mix(
	core_objective *o, const fv_batch *batch, int32_t *partner, double *lambda)
{
	size_t n = (size_t)batch->n;
	int32_t *their_partner =
		core_fence_reserve(o->ctx, &o->partner, "partner_row", n * sizeof *partner);
	double *their_lambda = core_fence_reserve(o->ctx, &o->lambda, "lambda", n * sizeof *lambda);
	if (!their_partner || !their_lambda)
		return FV_FAILED;
	for (size_t i = 0; i < n; i++) {
		their_partner[i] = batch->row[i];
		their_lambda[i] = 1;
	}
	if (core_batch_keep(o->ctx, &o->batch, batch) != FV_OK)
		return FV_FAILED;
	enter_plugin_step(o, "mix", batch);
	fv_status status = o->ops.mix(o->state, o->ctx, batch, their_partner, their_lambda);
	memcpy(partner, their_partner, n * sizeof *partner);
	memcpy(lambda, their_lambda, n * sizeof *lambda);
	for (int32_t i = 0; status == FV_OK && i < batch->n; i++)
		if (partner[i] < 0 || partner[i] >= o->train.n ||
			!(lambda[i] >= 0 && lambda[i] <= 1))
			status = fv_fail(o->ctx, FV_FAILED,
				"%sstep %lld: sample %d is mixed with row %d (of %d) and lambda %g",
				get_place(o), (long long)batch->step, (int)i, (int)partner[i],
				(int)o->train.n, core_printable(lambda[i]));
	status = check_batch(o, batch, leave_plugin(o, status));
	return check_fence(o, o->lambda, check_fence(o, o->partner, status));
}

static double average_values(const double *x, int32_t n)
{
	double sum = 0;
	for (int32_t i = 0; i < n; i++)
		sum += x[i];
	return sum / n;
}

fv_status core_objective_weigh(core_objective *o, const fv_batch *batch, double *v, double *value)
{
	if (!o->ops.weigh) {
		for (int32_t i = 0; i < batch->n; i++)
			v[i] = 1.0 / batch->n;
		*value = average_values(batch->loss, batch->n);
		return FV_OK;
	}
	size_t size = (size_t)batch->n * sizeof *v;
	double *their_v = core_fence_reserve(o->ctx, &o->v, "v", size);
	double *their_value = core_fence_reserve(o->ctx, &o->value, "value", sizeof *value);
	if (!their_v || !their_value)
		return FV_FAILED;
	memset(their_v, 0, size);
	*their_value = NAN;
	if (core_batch_keep(o->ctx, &o->batch, batch) != FV_OK)
		return FV_FAILED;
	enter_plugin_step(o, "weigh", batch);
	fv_status status = o->ops.weigh(o->state, o->ctx, batch, their_v, their_value);
	memcpy(v, their_v, size);
	*value = *their_value;
	if (status == FV_OK && !isfinite(*value))
		status = fv_fail(o->ctx, FV_FAILED, "%sstep %lld: the value is %g", get_place(o),
			(long long)batch->step, core_printable(*value));
	for (int32_t i = 0; i < batch->n; i++)
		o->weighed |= v[i] != 0;
	for (int32_t i = 0; status == FV_OK && i < batch->n; i++)
		if (!isfinite(v[i]))
			status = fv_fail(o->ctx, FV_FAILED, "%sstep %lld: v of sample %d is %g",
				get_place(o), (long long)batch->step, (int)i, core_printable(v[i]));
	status = check_batch(o, batch, leave_plugin(o, status));
	return check_fence(o, o->value, check_fence(o, o->v, status));
}

static void show_networks(core_objective *o, core_networks *networks, core_networks_phase phase)
{
	core_networks_set_phase(networks, phase);
	core_ctx_set_networks(o->ctx, networks);
}

static fv_status leave_networks(core_objective *o, fv_status status)
{
	core_ctx_set_networks(o->ctx, NULL);
	return leave_plugin(o, status);
}

fv_status core_objective_build(core_objective *o, core_networks *networks)
{
	enter_plugin(o, "build");
	show_networks(o, networks, CORE_PHASE_BUILD);
	fv_status status = o->networks.build(o->state, o->ctx, &o->setup);
	fv_node *logits = NULL;
	if (status == FV_OK)
		status = core_guard_leave(&o->guard, status);
	if (status == FV_OK)
		enter_plugin(o, "predict");
	core_networks_set_phase(networks, CORE_PHASE_PREDICT);
	if (status == FV_OK)
		status = o->networks.predict(o->state, o->ctx, &logits);
	if (status == FV_OK && !logits)
		status = fv_fail(o->ctx, FV_FAILED, "names no value that predicts");
	if (status == FV_OK)
		status = core_networks_record(networks, logits);
	return leave_networks(o, status);
}

fv_status core_objective_step(
	core_objective *o, core_networks *networks, const fv_batch *batch, double *value)
{
	*value = NAN;
	if (core_batch_keep(o->ctx, &o->batch, batch) != FV_OK)
		return FV_FAILED;
	enter_plugin_step(o, "step", batch);
	show_networks(o, networks, CORE_PHASE_STEP);
	fv_status status = o->networks.step(o->state, o->ctx, batch, value);
	if (!core_networks_finite(networks)) {
		*value = NAN;
		return leave_networks(o, FV_OK);
	}
	if (status == FV_OK && !isfinite(*value))
		status = fv_fail(o->ctx, FV_FAILED, "%sstep %lld: the value is %g", get_place(o),
			(long long)batch->step, core_printable(*value));
	return check_batch(o, batch, leave_networks(o, status));
}

/* Hashes what evaluate must not change: the state and the named arrays. */
static uint64_t hash_state(const core_objective *o)
{
	uint64_t hash = XXH3_64bits(o->state, o->state_size);
	for (size_t i = 0; i < core_array_count(o->ctx); i++) {
		const core_array *array = core_array_at(o->ctx, i);
		size_t size = (size_t)(array->n0 * array->n1) * core_type_size(array->type);
		hash = XXH3_64bits_withSeed(array->data, size, hash);
	}
	return hash;
}

static fv_status call_evaluate(
	core_objective *o, core_networks *networks, const fv_batch *batch, double *value)
{
	enter_plugin_step(o, "evaluate", batch);
	if (!o->own_networks)
		return leave_plugin(o, o->ops.evaluate(o->state, o->ctx, batch, value));
	show_networks(o, networks, CORE_PHASE_EVALUATE);
	fv_status status = o->networks.evaluate(o->state, o->ctx, batch, value);
	if (!core_networks_finite(networks))
		*value = NAN;
	return leave_networks(o, status);
}

bool core_objective_evaluates(const core_objective *o)
{
	return o->own_networks ? o->networks.evaluate != NULL : o->ops.evaluate != NULL;
}

fv_status core_objective_evaluate(
	core_objective *o, core_networks *networks, const fv_batch *batch, double *value)
{
	fv_status checked =
		batch->row[0] == 0 ? core_guard_check_quick_calls(&o->guard, FV_OK) : FV_OK;
	if (checked != FV_OK)
		return checked;
	if (!core_objective_evaluates(o)) {
		*value = average_values(batch->loss, batch->n);
		return FV_OK;
	}
	*value = NAN;
	bool first = batch->row[0] == 0; /* the others would do the same to the state */
	uint64_t before = first ? hash_state(o) : 0;
	if (core_batch_keep(o->ctx, &o->batch, batch) != FV_OK)
		return FV_FAILED;
	fv_status status = check_batch(o, batch, call_evaluate(o, networks, batch, value));
	if (status == FV_OK && first && hash_state(o) != before)
		status = core_guard_fail(
			&o->guard, "changed the state or an array, which it may only read");
	return status;
}

fv_status core_objective_validated(core_objective *o, const fv_batch *dev)
{
	if (!o->ops.validated)
		return FV_OK;
	if (core_batch_keep(o->ctx, &o->batch, dev) != FV_OK)
		return FV_FAILED;
	enter_plugin(o, "validated");
	fv_status status = o->ops.validated(o->state, o->ctx, dev);
	return check_batch(o, dev, leave_plugin(o, status));
}

fv_status core_objective_next(
	core_objective *o, int32_t index, fv_stage *stage, bool *more, bool *scratch)
{
	int32_t another = 0;
	*stage = (fv_stage){.size = sizeof *stage};
	enter_plugin(o, "next");
	fv_status status = o->stages.next(o->state, o->ctx, index, stage, &another);
	*more = another != 0;
	*scratch = !status && core_stages_refuse_scratch(o, index, stage) != FV_OK;
	status = *scratch ? FV_FAILED : status;
	return leave_plugin(o, status);
}
