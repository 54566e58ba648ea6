/* SPDX-License-Identifier: Apache-2.0 */
/* fv.stages/1: what a stage asks is what the core trains. An objective made for these tests says
 * whatever stages a test wants. */
#include "task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stages.h>

#include "nn/base_loss.h"
#include "train/pass.h"
#include "train/predict.h"
#include "train/trainer.h"

enum { STAGES = 4 };

typedef struct script {
	const char *then; /* the parameter */
	fv_stage stage[STAGES];
	int32_t n;
	bool ask; /* predictions before each stage but the first */
	float logits[STAGES][N * C], dev_logits[STAGES][DEV * C];
	const fv_loss_setup *setup;
	const fv_rows *other; /* asked for instead */
	int32_t opened, closed;
} script;

static fv_status script_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	script *s = state;
	(void)ctx;
	s->opened++;
	s->setup = setup;
	return FV_OK;
}

static fv_status script_next(
	void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	script *s = state;
	assert_true(index < s->n && *more == 0 && stage->epochs == 0 && !stage->row);
	if (s->other)
		return fv_predict_rows(ctx, s->other, s->logits[0]);
	if (s->ask && index) {
		test_ok(ctx, fv_predict_rows(ctx, s->setup->train, s->logits[index]));
		test_ok(ctx, fv_predict_rows(ctx, s->setup->dev, s->dev_logits[index]));
	}
	uint32_t size = stage->size;
	*stage = s->stage[index];
	stage->size = size;
	*more = index + 1 < s->n;
	return FV_OK;
}

static void script_close(void *state)
{
	((script *)state)->closed++;
}

static const fv_stages_1 stages = {.size = sizeof stages, .next = script_next};
static const fv_stages_1 own_groups = {
	.size = sizeof stages, .next = script_next, .makes_groups = 1};

static const void *extension(const char *id)
{
	return strcmp(id, FV_STAGES_1) ? NULL : &stages;
}

static const void *extension_own(const char *id)
{
	return strcmp(id, FV_STAGES_1) ? NULL : &own_groups;
}

static const fv_loss_ops ops = {.size = sizeof ops, .open = script_open, .close = script_close};
static const fv_descriptor staged = {
	.size = sizeof staged, .name = "scripted", .ops = &ops, .extension = extension};
static const fv_descriptor grouping = {
	.size = sizeof staged, .name = "scripted", .ops = &ops, .extension = extension_own};

/* A delegate that notes what it is shown. */
typedef struct spy {
	struct seen *seen;
	int64_t mark;
} spy;

struct seen {
	int32_t opened, n, groups, dev_group, batches, rows[N * 3];
	int32_t group[N * 3], speaker[N * 3], visits[N * 3];
	double g[G + 1], c[C], class_weight[C];
	bool soft;
};

static fv_status spy_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	spy *self = state;
	struct seen *to = self->seen;
	(void)ctx;
	assert_int_equal(self->mark++, 5); /* its state is a fresh copy in every stage */
	to->opened++;
	to->n = setup->train->n;
	to->groups = setup->train->groups;
	to->soft = setup->train->member != NULL;
	for (int32_t i = 0; i < to->n; i++) {
		to->rows[i] = atoi(setup->train->stem[i] + 4);
		to->group[i] = setup->train->group ? setup->train->group[i] : -7;
		to->speaker[i] = setup->train->speaker[i];
	}
	to->dev_group = setup->dev->group ? setup->dev->group[3] : -7;
	memcpy(to->g, setup->count->g, (size_t)to->groups * sizeof *to->g);
	memcpy(to->c, setup->count->c, sizeof to->c);
	memcpy(to->class_weight, setup->class_weight, sizeof to->class_weight);
	return FV_OK;
}

static fv_status spy_weigh(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	struct seen *to = ((spy *)state)->seen;
	double *calls = fv_array(ctx, "calls", FV_F64, 1, 1);
	calls[0]++;
	*value = 0;
	for (int32_t i = 0; i < batch->n; i++) {
		v[i] = 1.0 / batch->n;
		*value += v[i] * batch->loss[i];
		to->visits[batch->row[i]]++;
		assert_int_equal(to->rows[batch->row[i]], atoi(batch->stem[i] + 4));
	}
	return FV_OK;
}

static const fv_loss_ops spy_ops = {
	.size = sizeof spy_ops, .uses_groups = 1, .open = spy_open, .weigh = spy_weigh};
static const fv_descriptor spying = {
	.size = sizeof spying, .name = "spy", .state_size = sizeof(spy), .ops = &spy_ops};

typedef struct history {
	core_train_epoch epoch[64];
	float params[64][128];
	double calls[64];
	int32_t n;
	fv_ctx *ctx;
} history;

static fv_status record(void *user, const core_train_epoch *epoch)
{
	history *h = user;
	h->calls[h->n] = -1;
	for (size_t i = 0; i < core_array_count(h->ctx); i++) {
		const core_array *array = core_array_at(h->ctx, i);
		const char *label = core_array_label(h->ctx, array);
		if (label && !strcmp(label, "calls"))
			h->calls[h->n] = *(const double *)array->data;
	}
	memcpy(h->params[h->n], epoch->params,
		(size_t)core_head_count(&task_shape) * sizeof(float));
	h->epoch[h->n++] = *epoch;
	return FV_OK;
}

static task *staged_task(const fv_descriptor *loss, script *s, history *h)
{
	task *t = new_task(test_loss("erm"), false);
	t->job.loss = loss;
	t->job.loss_state = s;
	*h = (history){.ctx = t->ctx};
	t->job.on_epoch = record;
	t->job.user = h;
	return t;
}

static bool same_params(const float *a, const float *b)
{
	return !memcmp(a, b, (size_t)core_head_count(&task_shape) * sizeof *a);
}

/* ERM of `epochs` epochs on the rows given (NULL: all). */
static void plain_run(int epochs, const int32_t *row, int32_t n, history *h, float *kept)
{
	script s = {.n = 1, .stage = {{.epochs = epochs, .row = row, .n = n}}};
	task *t = staged_task(&staged, &s, h);
	core_train_result result;
	if (!row) {
		t->job.loss = test_loss("erm");
		t->spec.epochs = epochs;
	}
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	memcpy(kept, result.params, (size_t)core_head_count(&task_shape) * sizeof *kept);
	free_task(t);
}

/* The last stage's model is the run's; a fresh stage knows nothing of the one before. */
static void fresh_stages(void **state)
{
	(void)state;
	float six[128], three[128];
	history h, plain, short_run;
	plain_run(6, NULL, 0, &plain, six);
	plain_run(3, NULL, 0, &short_run, three);
	script s = {.n = 3,
		.ask = true,
		.stage = {{.epochs = 3, .use_last = 1}, {.fresh = 1, .epochs = 3}, {.fresh = 1}}};
	task *t = staged_task(&staged, &s, &h);
	core_train_result result;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	assert_true(same_params(result.params, six));
	assert_int_equal(h.n, 12);
	for (int i = 0; i < 12; i++) {
		int stage = i < 3 ? 1 : i < 6 ? 2 : 3, epoch = i < 6 ? i % 3 : i - 6;
		assert_int_equal(h.epoch[i].stage, stage);
		assert_int_equal(h.epoch[i].epoch, epoch + 1);
		assert_int_equal(h.epoch[i].epochs, stage < 3 ? 3 : 6);
		assert_true(same_params(h.params[i], plain.params[epoch]));
		assert_true(h.epoch[i].dev_loss == plain.epoch[epoch].dev_loss);
		if (stage == 1)
			assert_int_equal(h.epoch[i].best, epoch == 2);
		else
			assert_int_equal(h.epoch[i].best, plain.epoch[epoch].best);
	}
	/* what it may see of the stage before: predictions of its kept model */
	float logits[N * C];
	core_plan *plan;
	test_ok(t->ctx, core_plan_head(t->ctx, &task_shape, &plan));
	test_ok(t->ctx, core_train_predict(t->ctx, plan, h.params[2], &t->job.train, logits));
	assert_memory_equal(logits, s.logits[1], sizeof logits);
	test_ok(t->ctx, core_train_predict(t->ctx, plan, three, &t->job.dev, logits));
	assert_memory_equal(logits, s.dev_logits[2], sizeof s.dev_logits[2]);
	assert_int_equal(s.opened, 1);
	assert_int_equal(s.closed, 1);
	free_task(t);
}

/* A stage that goes on: the kept model, an optimiser that starts anew, another shuffle. */
static void stages_that_go_on(void **state)
{
	(void)state;
	float kept[128];
	history h, first;
	plain_run(4, NULL, 0, &first, kept);
	script s = {.n = 2, .stage = {{.epochs = 4}, {.learning_rate = 1e-30, .epochs = 2}}};
	task *t = staged_task(&staged, &s, &h);
	core_train_result result;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	assert_true(same_params(result.params, kept));
	assert_int_equal(result.selected_epoch, 1);
	free_task(t);
	s.stage[1] = (fv_stage){.epochs = 2, .use_last = 1};
	t = staged_task(&staged, &s, &h);
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	history again = h;
	assert_false(same_params(result.params, kept));
	free_task(t);
	/* the same by hand: from that model, in the shuffles of epochs 5 and 6 */
	t = new_task(test_loss("erm"), false);
	int32_t order[2 * N], row[N];
	core_batches batches;
	for (int i = 0; i < N; i++)
		row[i] = i;
	test_ok(t->ctx,
		core_batches_init(t->ctx, &batches, &t->job.train, WIDTH, row, N, 16, false));
	for (int e = 0; e < 2; e++) {
		core_batches_shuffle(t->ctx, &batches, 5 + e);
		memcpy(order + e * N, batches.position, sizeof row);
	}
	history hand = {.ctx = t->ctx};
	t->spec.epochs = 2;
	t->job.order = order;
	t->job.order_epochs = 2;
	t->job.order_n = N;
	t->job.on_epoch = record;
	t->job.user = &hand;
	core_plan *plan;
	test_ok(t->ctx, core_plan_head(t->ctx, &task_shape, &plan));
	core_train_pass pass = {.stage = 1, .from = plan, .from_params = kept};
	test_ok(t->ctx, core_train_pass_run(t->ctx, &t->job, &pass, &result));
	for (int e = 0; e < 2; e++)
		assert_true(same_params(hand.params[e], again.params[4 + e]));
	free_task(t);
}

static fv_status keep_value(void *user, const core_train_epoch *epoch)
{
	*(double *)user = epoch->value;
	return FV_OK;
}

/* Dropout is part of a training step, but not where only the output layer is trained. */
static void refit_drops_nothing(void **state)
{
	(void)state;
	for (int output_only = 0; output_only < 2; output_only++) {
		history h;
		core_train_result result;
		double value = 0, loss[N], mean = 0;
		script s = {.n = 2,
			.ask = true,
			.stage = {{.epochs = 2},
				{.epochs = 1, .learning_rate = 1e-30, .output_only = output_only}}};
		task *t = staged_task(&staged, &s, &h);
		t->job.shape.n_hidden = 1;
		t->job.shape.hidden[0] = 6;
		t->job.shape.activation = FV_ACTIVATION_RELU;
		t->job.shape.dropout = 0.5;
		t->job.on_epoch = keep_value;
		t->job.user = &value;
		t->spec.batch = N;
		test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
		core_base_loss(&(core_base){.weight = result.class_weight}, N, C, s.logits[1],
			t->label, loss, NULL);
		for (int i = 0; i < N; i++)
			mean += loss[i] / N;
		if (output_only)
			test_close(value, mean, 1e-6);
		else
			assert_true(fabs(value - mean) > 1e-4);
		free_task(t);
	}
}

static void rows_and_weights(void **state)
{
	(void)state;
	history h, plain;
	float kept[128];
	/* a row twice is a row of weight two, in one batch and without clipping */
	const int32_t row[] = {3, 3, 9, 12, 40, 40, 40, 70};
	double weight[N] = {0};
	const int32_t distinct[] = {3, 9, 12, 40, 70};
	for (int i = 0; i < N; i++)
		weight[i] = 1000; /* rows that are not in the stage do not matter */
	for (int i = 0; i < 5; i++)
		weight[distinct[i]] = 0;
	for (int i = 0; i < 8; i++)
		weight[row[i]] += 5.0 / 8;
	core_train_result result;
	script s = {.n = 1, .stage = {{.row = row, .n = 8}}};
	task *t = staged_task(&staged, &s, &plain);
	t->spec.clip = 0;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	assert_int_equal(result.subsample, 8);
	free_task(t);
	s.stage[0] = (fv_stage){.row = distinct, .n = 5, .row_weight = weight};
	t = staged_task(&staged, &s, &h);
	t->spec.clip = 0;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	assert_int_equal(result.subsample, 5);
	for (int e = 0; e < 6; e++) {
		test_close(h.epoch[e].value, plain.epoch[e].value, 1e-6);
		test_close(h.epoch[e].grad_norm, plain.epoch[e].grad_norm, 1e-6);
		for (int j = 0; j < core_head_count(&task_shape); j++)
			test_close(h.params[e][j], plain.params[e][j], 2e-6);
	}
	free_task(t);
	/* all rows by list: the ordinary run */
	int32_t all[N];
	for (int i = 0; i < N; i++)
		all[i] = i;
	plain_run(6, NULL, 0, &plain, kept);
	s.stage[0] = (fv_stage){.row = all, .n = N};
	t = staged_task(&staged, &s, &h);
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	assert_true(same_params(result.params, kept));
	free_task(t);
}

/* The objective at given parameters: mean base loss of all rows times weight, and the pull. */
static double objective_at(const task *t, const float *params, const double *class_weight,
	const double *weight, double a, const float *start, int64_t first)
{
	float logits[N * C];
	double loss[N], sum = 0, pull = 0;
	core_plan *plan;
	test_ok(t->ctx, core_plan_head(t->ctx, &task_shape, &plan));
	test_ok(t->ctx, core_train_predict(t->ctx, plan, params, &t->job.train, logits));
	core_base_loss(&(core_base){.weight = class_weight}, N, C, logits, t->label, loss, NULL);
	for (int i = 0; i < N; i++)
		sum += weight[i] * loss[i] / N;
	for (int64_t j = first; start && j < core_head_count(&task_shape); j++)
		pull += pow((double)params[j] - (double)start[j], 2);
	return sum + a * pull;
}

/* Only the output layer learns, pulled to where it began: its value, and its gradient against
 * finite differences, in the second step of a stage with one step an epoch. */
static void output_and_anchor(void **state)
{
	(void)state;
	const int64_t count = core_head_count(&task_shape), first = count - C * H - C;
	double weight[N], square = 0, a = 0.75;
	for (int i = 0; i < N; i++)
		weight[i] = 0.25 * (i % 9);
	history h;
	script s = {.n = 2,
		.stage = {{.epochs = 2, .use_last = 1},
			{.epochs = 3, .row_weight = weight, .output_only = 1, .anchor = a}}};
	task *t = staged_task(&staged, &s, &h);
	t->spec.batch = N;
	t->spec.optimizer = CORE_ADAMW; /* decays nothing that does not learn */
	t->spec.weight_decay = 0.1;
	core_train_result result;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	const float *start = h.params[1], *at = h.params[2];
	for (int e = 2; e < 5; e++) {
		assert_memory_equal(h.params[e], start, (size_t)first * sizeof(float));
		for (int64_t j = first; j < count; j++)
			assert_true(h.params[e][j] != start[j]);
	}
	test_close(h.epoch[2].value,
		objective_at(t, start, result.class_weight, weight, a, start, first), 1e-6);
	test_close(h.epoch[3].value,
		objective_at(t, at, result.class_weight, weight, a, start, first), 1e-6);
	for (int64_t j = first; j < count; j++) {
		float moved[128];
		double side[2], step = 1.0 / 64;
		memcpy(moved, at, sizeof moved);
		for (int k = 0; k < 2; k++) {
			moved[j] = at[j] + (float)(k ? step : -step);
			side[k] = objective_at(
				t, moved, result.class_weight, weight, a, start, first);
		}
		square += pow((side[1] - side[0]) / (2 * step), 2);
	}
	test_close(h.epoch[3].grad_norm, sqrt(square), 2e-4);
	free_task(t);
}

static void delegates(void **state)
{
	(void)state;
	struct seen seen[2] = {{0}};
	const spy mine[2] = {{&seen[0], 5}, {&seen[1], 5}};
	const core_train_delegate to[] = {{"one", &spying, &mine[0]}, {"two", &spying, &mine[1]}};
	const int32_t row[] = {70, 3, 3, 9};
	int32_t group[N], dev_group[DEV];
	for (int i = 0; i < N; i++)
		group[i] = i % 4 - 1;
	for (int i = 0; i < DEV; i++)
		dev_group[i] = 1;
	history h;
	script s = {.n = 3,
		.stage = {{.epochs = 2, .loss = "one"},
			{.epochs = 2,
				.loss = "two",
				.row = row,
				.n = 4,
				.groups = 3,
				.group = group,
				.dev_group = dev_group},
			{.epochs = 1}}};
	task *t = staged_task(&staged, &s, &h);
	t->job.delegate = to;
	t->job.n_delegates = 2;
	core_train_result result;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	/* without groups of the stage: those of the run */
	assert_int_equal(seen[0].n, N);
	assert_int_equal(seen[0].groups, G);
	assert_memory_equal(seen[0].group, t->group, sizeof t->group[0] * N);
	assert_true(seen[0].g[0] + seen[0].g[1] == N);
	/* only its own rows, numbered from 0, and its own groups */
	assert_int_equal(seen[1].n, 4);
	assert_int_equal(seen[1].groups, 3);
	assert_int_equal(seen[1].dev_group, 1);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(seen[1].rows[i], atoi(t->stem[row[i]] + 4));
		assert_int_equal(seen[1].group[i], row[i] % 4 - 1);
		assert_int_equal(seen[1].speaker[i], t->speaker[row[i]]);
		assert_int_equal(seen[1].visits[i], 2);
	}
	assert_true(seen[1].g[0] == 1 && seen[1].g[1] == 1 && seen[1].g[2] == 2);
	assert_true(seen[1].c[0] + seen[1].c[1] + seen[1].c[2] == 4);
	assert_memory_equal(seen[1].class_weight, result.class_weight, sizeof seen[1].class_weight);
	/* arrays of its own */
	const double calls[] = {5, 10, 1, 2, -1};
	for (int i = 0; i < 5; i++)
		assert_true(h.calls[i] == calls[i]);
	assert_int_equal(h.epoch[0].groups, G);
	assert_int_equal(h.epoch[2].groups, 3);
	assert_int_equal(h.epoch[4].groups, G);
	free_task(t);
}

/* The world of a delegate without rows or groups of the stage is that of a run. */
static void delegate_is_a_run(void **state)
{
	(void)state;
	const char *names[] = {"erm", "gdro", "rw", "ds", "lff", "disent", "cvar_dro"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		task *t = new_task(test_loss(names[i]), false);
		core_train_result run, stage;
		history h;
		script s = {.n = 2, .stage = {{.epochs = 1}, {.fresh = 1, .loss = "then"}}};
		task *u = staged_task(&staged, &s, &h);
		const core_train_delegate to = {"then", t->job.loss,
			test_loss_state(u->ctx, t->job.loss, "official", NULL)};
		u->job.delegate = &to;
		u->job.n_delegates = 1;
		u->job.on_epoch = NULL;
		test_ok(t->ctx, core_train_run(t->ctx, &t->job, &run));
		test_ok(u->ctx, core_train_run(u->ctx, &u->job, &stage));
		assert_int_equal(run.plan->count, stage.plan->count);
		assert_memory_equal(
			run.params, stage.params, (size_t)run.plan->count * sizeof(float));
		assert_int_equal(run.selected_epoch, stage.selected_epoch);
		assert_true(run.selected_value == stage.selected_value);
		free_task(t);
		free_task(u);
	}
}

/* An objective that makes groups never shows those of the run. */
static void hidden_groups(void **state)
{
	(void)state;
	struct seen seen = {0};
	const spy mine = {&seen, 5};
	const core_train_delegate to = {"then", &spying, &mine};
	history h;
	int32_t group[N] = {0};
	script s = {.n = 1, .stage = {{.loss = "then"}}};
	task *t = staged_task(&grouping, &s, &h);
	t->job.delegate = &to;
	t->job.n_delegates = 1;
	core_train_result result;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_CONFIG,
		"loss spy needs groups");
	assert_int_equal(seen.opened, 0);
	s.stage[0].groups = 2;
	s.stage[0].group = group;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	assert_int_equal(seen.groups, 2);
	assert_int_equal(seen.group[5], 0);
	assert_int_equal(seen.dev_group, -1); /* not said: unknown */
	free_task(t);
}

static void preview(void **state)
{
	(void)state;
	struct seen seen = {0};
	const spy mine = {&seen, 5};
	const core_train_delegate to = {"then", &spying, &mine};
	const int32_t row[] = {1, 2, 3};
	history h;
	script s = {.n = 3,
		.ask = true,
		.stage = {{.epochs = 4}, {.row = row, .n = 3}, {.loss = "then", .epochs = 2}}};
	task *t = staged_task(&staged, &s, &h);
	t->job.delegate = &to;
	t->job.n_delegates = 1;
	t->job.train.x = t->job.dev.x = NULL;
	core_train_preview out;
	test_ok(t->ctx, core_train_preview_run(t->ctx, &t->job, &out));
	const int32_t rows[] = {N, 3, N}, epochs[] = {4, 6, 2};
	const char *const loss[] = {"scripted", "scripted", "spy"};
	assert_int_equal(out.n, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(out.stage[i].rows, rows[i]);
		assert_int_equal(out.stage[i].epochs, epochs[i]);
		assert_string_equal(out.stage[i].loss, loss[i]);
	}
	assert_int_equal(seen.opened, 0);
	assert_true(s.logits[2][7] == 0);
	free_task(t);
}

static void refusals(void **state)
{
	(void)state;
	static const int32_t low[] = {0, -1}, high[] = {N}, far_group[N] = {[5] = 2},
			     far_dev[DEV] = {[2] = -2}, fine[N] = {0};
	double nan[N] = {[4] = -(double)NAN}, minus[N] = {[4] = -1}, none[N] = {0};
	const struct {
		fv_stage stage;
		fv_status status;
		const char *text;
	} cases[] = {
		{{.row = low, .n = 2}, FV_FAILED,
			"loss scripted: op next, stage 1: stage->row[1] is -1, but rows are 0"},
		{{.row = high, .n = 1}, FV_FAILED,
			"stage->row[0] is 77, but rows are 0 to 76: write positions in "
			"setup->train"},
		{{.row = high}, FV_FAILED,
			"stage->n is 0, but stage->row is set: write how many rows it has, or "
			"leave row NULL"},
		{{.row_weight = nan}, FV_FAILED,
			"stage->row_weight[4] is nan: write a finite number"},
		{{.row_weight = minus}, FV_FAILED, "stage->row_weight[4] is -1: write"},
		{{.row_weight = none}, FV_FAILED, "stage->row_weight sums to 0: give some row"},
		{{.epochs = -1}, FV_FAILED, "stage->epochs is -1: write 1 to 1000000"},
		{{.learning_rate = -(double)NAN}, FV_FAILED, "stage->learning_rate is nan"},
		{{.anchor = -1}, FV_FAILED, "stage->anchor is -1: write"},
		{{.loss = "than"}, FV_FAILED,
			"stage->loss is 'than', which is no parameter of type FV_LOSS_REF"},
		{{.groups = 2, .group = fine}, FV_FAILED,
			"stage->groups is 2, but stage->loss is NULL"},
		{{.groups = 2, .loss = "then"}, FV_FAILED,
			"stage->groups is 2, but stage->group is NULL: write both"},
		{{.groups = 2, .group = far_group, .loss = "then"}, FV_FAILED,
			"stage->group[5] is 2, but stage->groups is 2: write -1 to 1"},
		{{.groups = 2, .group = fine, .dev_group = far_dev, .loss = "then"}, FV_FAILED,
			"stage->dev_group[2] is -2, but stage->groups is 2"},
		{{.loss = "again"}, FV_CONFIG,
			"parameter again names loss scripted, which trains in stages itself: name "
			"another"},
		{{.loss = "lff", .output_only = 1}, FV_CONFIG, "lff has networks of its own"},
		{{.loss = "lff", .row_weight = (const double[N]){1}}, FV_CONFIG,
			"lff has networks of its own"},
	};
	struct seen seen = {0};
	const spy mine = {&seen, 5};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		history h;
		script s = {.n = 1, .stage = {cases[i].stage}};
		task *t = staged_task(&staged, &s, &h);
		const fv_descriptor *lff = test_loss("lff");
		const core_train_delegate to[] = {{"then", &spying, &mine}, {"again", &staged, &s},
			{"lff", lff, test_loss_state(t->ctx, lff, "paper", NULL)}};
		core_train_result result;
		t->job.delegate = to;
		t->job.n_delegates = 3;
		test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), cases[i].status,
			cases[i].text);
		assert_int_equal(s.closed, 1);
		free_task(t);
	}
}

static fv_status weigh_badly(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	(void)state;
	(void)ctx;
	for (int32_t i = 0; i < batch->n; i++)
		v[i] = i == 1 && batch->step == 3 ? NAN : 1;
	*value = 1;
	return FV_OK;
}

/* Steps count anew in each stage, so what is said of one names the stage. */
static void names_stage(void **state)
{
	(void)state;
	static const fv_loss_ops bad_ops = {.size = sizeof bad_ops, .weigh = weigh_badly};
	static const fv_descriptor bad = {.size = sizeof bad, .name = "bad", .ops = &bad_ops};
	char no_state = 0; /* of size 0 */
	const core_train_delegate to[] = {{"then", &bad, &no_state}};
	const struct {
		fv_stage second;
		const char *text;
	} cases[] = {
		{{.learning_rate = 1e30},
			"stage 2 (scripted), step 2 (epoch 1): the logits are not finite: lower "
			"train.learning_rate (1e+30)"},
		{{.loss = "then"}, "plugin bad: stage 2 (bad), step 3: v of sample 1 is nan"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		history h;
		script s = {.n = 2, .stage = {{.epochs = 1}, cases[i].second}};
		task *t = staged_task(&staged, &s, &h);
		core_train_result result;
		t->job.delegate = to;
		t->job.n_delegates = 1;
		test_fails(
			t->ctx, core_train_run(t->ctx, &t->job, &result), FV_FAILED, cases[i].text);
		free_task(t);
	}
}

static void out_of_place(void **state)
{
	(void)state;
	history h;
	core_train_result result;
	script s = {.n = 2};
	task *t = staged_task(&staged, &s, &h);
	fv_rows rows = t->job.train.rows;
	float logits[N * C];
	s.other = &rows;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_FAILED,
		"no earlier stage has a model");
	test_fails(t->ctx, fv_predict_rows(t->ctx, &rows, logits), FV_FAILED,
		"no earlier stage has a model");
	int32_t order[6 * N] = {0};
	s.other = NULL;
	t->job.order = order;
	t->job.order_epochs = 6;
	t->job.order_n = N;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_CONFIG,
		"train.order cannot be used");
	free_task(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fresh_stages),
		cmocka_unit_test(stages_that_go_on),
		cmocka_unit_test(refit_drops_nothing),
		cmocka_unit_test(rows_and_weights),
		cmocka_unit_test(output_and_anchor),
		cmocka_unit_test(delegates),
		cmocka_unit_test(delegate_is_a_run),
		cmocka_unit_test(hidden_groups),
		cmocka_unit_test(preview),
		cmocka_unit_test(refusals),
		cmocka_unit_test(names_stage),
		cmocka_unit_test(out_of_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
