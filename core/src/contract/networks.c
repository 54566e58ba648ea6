/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of losses with their own networks. Uses the trainer's objective and networks as a
 * run does. */
#include <math.h>
#include <string.h>

#include "base/number.h"
#include "contract/suite.h"
#include "nn/base_loss.h"
#include "train/objective.h"

enum {
	LAYERS = 2,
	DIMS = 3,
	WIDTH = LAYERS * DIMS,
	PROJECTION = 4,
	BATCH = 8,
	CLASSES_MAX = 16,
	GROUPS_MAX = 8
};

/* A run up to its first batch. */
struct rig {
	struct instance in;
	core_objective objective;
	core_plan *plan;
	core_networks *networks;
	float *x, *params, *gradient;
	fv_batch batch;
	int32_t row[BATCH], klass[BATCH], group[BATCH];
	float member[BATCH * GROUPS_MAX];
	const float *features[BATCH];
	const char *stem[BATCH];
	float label[BATCH * CLASSES_MAX];
	double loss[BATCH], value;
};

static bool open_rig(struct contract *c, const fv_loss_setup *setup, struct rig *r)
{
	const int32_t n = setup->train->n > setup->dev->n ? setup->train->n : setup->dev->n;
	const core_head_shape shape = {.layers = LAYERS,
		.dims = DIMS,
		.projection = PROJECTION,
		.classes = setup->train->classes};
	if (!contract_open_instance(c, &r->in))
		return false;
	fv_ctx *ctx = r->in.ctx;
	int32_t *order = core_alloc(ctx, (size_t)n, sizeof *order);
	r->x = core_alloc(ctx, (size_t)n * WIDTH, sizeof *r->x);
	if (!order || !r->x)
		return contract_expect_ok(c, &r->in, FV_FAILED, "memory");
	for (int32_t i = 0; i < n; i++) {
		fv_stream s = fv_rng_seeded(1, "contract.features", 0, (uint64_t)i);
		order[i] = i;
		for (int32_t j = 0; j < WIDTH; j++)
			r->x[i * WIDTH + j] = (float)fv_normal(&s);
	}
	r->in.opened = true;
	fv_status status =
		core_objective_open(ctx, c->plugin, r->in.state, setup, order, &r->objective);
	if (!contract_expect_start(c, &r->in, status, "open"))
		return false;
	status = core_plan_new(ctx, &shape, &r->plan);
	if (status == FV_OK)
		status = core_networks_new(ctx, r->plan, BATCH, &r->networks);
	if (status == FV_OK)
		status = core_objective_build(&r->objective, r->networks);
	return contract_expect_ok(c, &r->in, status, "build");
}

static bool start_rig(struct contract *c, const fv_loss_setup *setup, struct rig *r)
{
	*r = (struct rig){0};
	if (!open_rig(c, setup, r))
		return false;
	size_t count = (size_t)r->plan->count;
	r->params = core_alloc(r->in.ctx, count, sizeof *r->params);
	r->gradient = core_alloc(r->in.ctx, count, sizeof *r->gradient);
	if (!r->params || !r->gradient)
		return contract_expect_ok(c, &r->in, FV_FAILED, "memory");
	core_plan_init(r->in.ctx, r->plan, r->params);
	core_networks_set_gradient(r->networks, r->gradient);
	return true;
}

static void end_rig(struct contract *c, struct rig *r)
{
	core_networks_free(r->networks);
	contract_close_instance(c, &r->in);
	core_objective_release(&r->objective);
}

enum { PLAIN, ALONE, TIED, AGAIN, SHARP, KINDS };
static const char *const kinds[KINDS] = {"a plain batch", "a batch of one",
	"a batch of one row repeated", "the same batch again", "logits in the thousands"};

/* Fills the batch with rows of the training or development set and computes the predicting network's logits and base
 * losses. */
static bool draw_batch(
	struct contract *c, struct rig *r, const fv_rows *rows, int32_t kind, int64_t step)
{
	int32_t n = kind == ALONE ? 1 : BATCH, classes = rows->classes, groups = rows->groups;
	for (int32_t i = 0; i < n; i++) {
		int32_t row = kind == TIED ? 3 : (kind == AGAIN ? 0 : kind) + 5 * i;
		if (rows == &r->objective.dev)
			row = rows->n - 1 - row; /* some are beyond the training rows */
		r->row[i] = row;
		r->klass[i] = rows->klass[row];
		r->stem[i] = rows->stem[row];
		r->features[i] = r->x + (size_t)row * WIDTH;
		memcpy(r->label + i * classes, rows->label + row * classes,
			(size_t)classes * sizeof *r->label);
		if (rows->group)
			r->group[i] = rows->group[row];
		if (rows->member)
			memcpy(r->member + i * groups, rows->member + row * groups,
				(size_t)groups * sizeof *r->member);
	}
	core_networks_set_params(r->networks, r->params);
	core_networks_begin(r->networks, r->features, r->stem, n);
	const fv_node *logits = core_networks_predict(r->networks);
	if (!contract_expect_ok(c, &r->in, logits ? FV_OK : FV_FAILED, "predict"))
		return false;
	const core_base base = core_objective_base(&r->objective.setup);
	core_base_loss(&base, n, classes, core_node_data(logits), r->label, r->loss, NULL);
	r->batch = (fv_batch){.size = sizeof r->batch,
		.n = n,
		.classes = classes,
		.groups = groups,
		.step = step,
		.steps = 4 * KINDS,
		.epoch = 1,
		.row = r->row,
		.loss = r->loss,
		.logits = core_node_data(logits),
		.label = r->label,
		.klass = r->klass,
		.group = rows->group ? r->group : NULL,
		.member = rows->member ? r->member : NULL,
		.stem = r->stem};
	return true;
}

static bool take_step(struct contract *c, struct rig *r, int32_t kind, int64_t step)
{
	if (!draw_batch(c, r, &r->objective.train, kind, step))
		return false;
	fv_status status = core_objective_step(&r->objective, r->networks, &r->batch, &r->value);
	c->trail->op = "step";
	c->trail->what = kinds[kind];
	contract_record(c, &r->value, sizeof r->value);
	contract_record(c, r->gradient, (size_t)r->plan->count * sizeof *r->gradient);
	if (!contract_expect_ok(c, &r->in, status, kinds[kind]))
		return false;
	core_networks_finish(r->networks);
	contract_expect(c, isfinite(r->value), "step", "%s gives the value %g", kinds[kind],
		core_printable(r->value));
	return contract_expect(c, contract_is_finite_f32(r->gradient, r->plan->count), "step",
		"%s gives a gradient that is not finite", kinds[kind]);
}

/* Takes steps with every kind of batch in two states: results must be finite and the same bytes. */
static void check_steps(struct contract *c, const fv_loss_setup *setup)
{
	struct rig a, b = {0};
	bool going = start_rig(c, setup, &a) && start_rig(c, setup, &b);
	for (int32_t step = 0; going && step < 4 * KINDS; step++) {
		int32_t kind = step % KINDS;
		float scale = kind == SHARP ? 1000 : 1;
		for (int64_t i = 0; i < a.plan->count; i++) {
			a.params[i] *= scale;
			b.params[i] *= scale;
		}
		going = take_step(c, &a, kind, step + 1) && take_step(c, &b, kind, step + 1);
		if (going)
			contract_expect(c,
				!memcmp(&a.value, &b.value, sizeof a.value) &&
					!memcmp(a.gradient, b.gradient,
						(size_t)a.plan->count * sizeof *a.gradient),
				"repeat", "%s gives a different result the second time",
				kinds[kind]);
		core_plan_init(a.in.ctx, a.plan, a.params);
		core_plan_init(b.in.ctx, b.plan, b.params);
	}
	end_rig(c, &a);
	end_rig(c, &b);
}

/* Like check_resume in loss.c, with the model's parameters kept at their start values. */
static void check_resume(struct contract *c, const fv_loss_setup *setup, int32_t at)
{
	enum { STEPS = 2 * KINDS };
	struct rig run, again = {0};
	struct instance saved = {0};
	float *want[STEPS + 1] = {NULL};
	double value[STEPS + 1];
	bool going = start_rig(c, setup, &run) && contract_open_instance(c, &saved);
	for (int32_t step = 1; step <= STEPS && going; step++) {
		size_t count = (size_t)run.plan->count;
		want[step] = contract_alloc(c, count, sizeof(float));
		going = want[step] && take_step(c, &run, step % SHARP, step);
		if (!going)
			break;
		memcpy(want[step], run.gradient, count * sizeof(float));
		value[step] = run.value;
		if (step == at)
			going = contract_copy_arrays(c, &run.in, &saved);
	}
	going = going && start_rig(c, setup, &again) && contract_copy_arrays(c, &saved, &again.in);
	for (int32_t step = at + 1; step <= STEPS && going; step++) {
		going = take_step(c, &again, step % SHARP, step);
		if (going)
			going = contract_expect(c,
				!memcmp(&again.value, &value[step], sizeof *value) &&
					!memcmp(again.gradient, want[step],
						(size_t)run.plan->count * sizeof(float)),
				"resume",
				"resumed after step %d, step %d differs: state outside fv_array",
				at, step);
	}
	end_rig(c, &run);
	end_rig(c, &again);
	contract_close_instance(c, &saved);
}

/* Notes if a step on a plain batch leaves all networks as they are. */
static void check_any_gradient(struct contract *c, const fv_loss_setup *setup)
{
	struct rig r;
	if (start_rig(c, setup, &r) && take_step(c, &r, PLAIN, 1)) {
		double most = 0;
		for (int64_t i = 0; i < r.plan->count; i++)
			most = fmax(most, fabs((double)r.gradient[i]));
		if (r.plan->count > 0 && most <= 0)
			contract_note(c, "step",
				"the gradient of a plain batch is 0: nothing is learned from it: "
				"was "
				"fv_net_backward called?");
	}
	end_rig(c, &r);
}

static void check_evaluate(struct contract *c, const fv_loss_setup *setup)
{
	struct rig r;
	double value[2] = {0};
	if (start_rig(c, setup, &r) && take_step(c, &r, PLAIN, 1)) {
		uint64_t before = contract_hash_state(c, &r.in);
		for (int32_t i = 0; i < 2 && draw_batch(c, &r, &r.objective.dev, PLAIN, 1); i++)
			contract_expect_ok(c, &r.in,
				core_objective_evaluate(
					&r.objective, r.networks, &r.batch, &value[i]),
				"evaluate");
		contract_expect(c,
			isfinite(value[0]) && !memcmp(&value[0], &value[1], sizeof *value),
			"evaluate", "the values are %g and %g", core_printable(value[0]),
			core_printable(value[1]));
		contract_expect(c, contract_hash_state(c, &r.in) == before, "evaluate",
			"changes the state");
	}
	end_rig(c, &r);
}

/* The value of a step in a fresh state at params + h * direction. */
static double measure_value(struct contract *c, const fv_loss_setup *setup, const float *params,
	const float *direction, double h)
{
	struct rig r;
	double value = NAN;
	if (start_rig(c, setup, &r)) {
		for (int64_t i = 0; i < r.plan->count; i++)
			r.params[i] = (float)((double)params[i] + h * (double)direction[i]);
		if (take_step(c, &r, PLAIN, 1))
			value = r.value;
	}
	end_rig(c, &r);
	return value;
}

/* Checks that the derivative of the value along the gradient is the gradient's squared norm. */
static void check_slope(struct contract *c, const fv_loss_setup *setup)
{
	struct rig r;
	if (start_rig(c, setup, &r) && take_step(c, &r, PLAIN, 1)) {
		double square = 0;
		for (int64_t i = 0; i < r.plan->count; i++)
			square += (double)r.gradient[i] * (double)r.gradient[i];
		double h = square > 0 ? 1e-3 / sqrt(square) : 0, slope = 0;
		if (h > 0)
			slope = (measure_value(c, setup, r.params, r.gradient, h) -
					measure_value(c, setup, r.params, r.gradient, -h)) /
				(2 * h);
		const fv_loss_ops *ops = c->plugin->ops;
		c->out->n_checks++;
		if (fabs(slope - square) > 0.01 * square && ops->exact_derivative > 0)
			contract_fault(c, "derivative",
				"along the gradient the value grows by %.6g, the gradient says "
				"%.6g, although exact_derivative says that nothing is held "
				"constant",
				core_printable(slope), core_printable(square));
		else if (fabs(slope - square) > 0.01 * square && !ops->exact_derivative)
			contract_note(c, "derivative",
				"along the gradient the value grows by %.6g, the gradient says "
				"%.6g: right only where something is held constant, which "
				"exact_derivative = -1 says",
				core_printable(slope), core_printable(square));
	}
	end_rig(c, &r);
}

/* Repeats the steps with the other base losses that the method allows. */
static void check_base_losses(struct contract *c, const fv_loss_setup *setup)
{
	const fv_networks_1 *networks = c->plugin->extension(FV_NETWORKS_1);
	bool sigmoid = networks->size >= sizeof *networks && networks->allows & FV_NETWORKS_SIGMOID;
	fv_loss_setup other = *setup;
	other.base_kind = FV_FOCAL;
	other.focal_gamma = 2;
	check_steps(c, &other);
	other.base_kind = FV_BCE;
	if (sigmoid)
		check_steps(c, &other);
}

void contract_check_networks(struct contract *c, const fv_loss_setup *setup)
{
	if (!c->plugin->extension || !c->plugin->extension(FV_NETWORKS_1))
		return;
	struct rig r;
	bool works = start_rig(c, setup, &r);
	end_rig(c, &r);
	if (!works)
		return;
	check_steps(c, setup);
	check_any_gradient(c, setup);
	check_resume(c, setup, 1);
	check_resume(c, setup, 5);
	check_evaluate(c, setup);
	check_slope(c, setup);
	check_base_losses(c, setup);
}
