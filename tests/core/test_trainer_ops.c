/* SPDX-License-Identifier: Apache-2.0 */
/* What the trainer does with what the ops of a loss say: the epoch it keeps, the rows it trains on and their order,
 * the rows it mixes, and what it refuses. */
#include "task.h"

#include <math.h>
#include <string.h>

#include "train/batches.h"
#include "train/trainer.h"

/* A loss made for these tests. */
typedef struct script {
	double dev_value[6]; /* value of the validation pass by epoch */
	int kept, order_calls;
	int32_t n_subset, subset[8];
	int32_t bad_order;
	double v, value, lambda;
	int32_t partner;
	int32_t seen[N], row[16], batch_n;
	float label[16 * C];
} script;

static fv_status script_evaluate(
	const void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	const script *s = state;
	(void)ctx;
	*value = s->dev_value[batch->epoch - 1];
	return FV_OK;
}

static fv_status script_subsample(void *state, fv_ctx *ctx, int32_t *row, int64_t cap, int64_t *n)
{
	script *s = state;
	(void)ctx;
	assert_int_equal(cap, 2 * N);
	s->kept++;
	for (int32_t i = 0; i < s->n_subset; i++)
		row[i] = s->subset[i];
	*n = s->n_subset;
	return FV_OK;
}

static fv_status script_order(void *state, fv_ctx *ctx, int64_t epoch, int32_t *position, int64_t n)
{
	script *s = state;
	(void)ctx;
	s->order_calls++;
	assert_int_equal(epoch, s->order_calls);
	for (int64_t i = 0; i < n; i++)
		position[i] = (int32_t)(n - 1 - i);
	if (s->bad_order)
		position[0] = (int32_t)n;
	return FV_OK;
}

static fv_status script_weigh(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	script *s = state;
	(void)ctx;
	assert_int_equal(batch->groups, 0); /* uses_groups is 0: they are hidden */
	assert_null(batch->group);
	s->batch_n = batch->n;
	for (int32_t i = 0; i < batch->n; i++) {
		assert_true(v[i] == 0);
		v[i] = s->v;
		s->seen[batch->row[i]]++;
		s->row[i] = batch->row[i];
	}
	memcpy(s->label, batch->label, (size_t)(batch->n * C) * sizeof(float));
	*value = s->value;
	return FV_OK;
}

static fv_status script_mix(
	void *state, fv_ctx *ctx, const fv_batch *batch, int32_t *partner, double *lambda)
{
	script *s = state;
	(void)ctx;
	assert_null(batch->loss);
	assert_null(batch->logits);
	for (int32_t i = 0; i < batch->n; i++) {
		assert_int_equal(partner[i], batch->row[i]);
		assert_true(lambda[i] == 1);
		partner[i] = s->partner;
		lambda[i] = s->lambda;
	}
	return FV_OK;
}

static fv_loss_ops script_ops(void)
{
	return (fv_loss_ops){.size = sizeof(fv_loss_ops), .weigh = script_weigh};
}

static task *script_task(const fv_loss_ops *ops, script *s)
{
	static fv_descriptor descriptor;
	task *t = new_task(test_loss("erm"), false);
	descriptor = (fv_descriptor){.size = sizeof descriptor, .name = "scripted", .ops = ops};
	t->job.loss = &descriptor;
	t->job.loss_state = s;
	t->spec.select = "dev_objective";
	s->v = 1.0 / 16;
	return t;
}

/* Strictly lower wins, NaN and infinities never do, all NaN is a failed run. */
static void selection(void **state)
{
	(void)state;
	const struct {
		double dev_value[6];
		int want;
	} cases[] = {
		{{3, 2, 2, 2, 5, 2}, 2},
		{{NAN, 2, NAN, 1, NAN, NAN}, 4},
		{{-INFINITY, INFINITY, 7, NAN, 8, 7}, 3},
		{{1, 2, 3, 4, 5, 6}, 1},
		{{NAN, NAN, NAN, NAN, NAN, INFINITY}, 0},
	};
	fv_loss_ops ops = script_ops();
	ops.evaluate = script_evaluate;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		script s = {0};
		memcpy(s.dev_value, cases[i].dev_value, sizeof s.dev_value);
		task *t = script_task(&ops, &s);
		core_train_result result;
		fv_status status = core_train_run(t->ctx, &t->job, &result);
		if (cases[i].want)
			test_ok(t->ctx, status);
		else
			test_fails(
				t->ctx, status, FV_FAILED, "no epoch had a finite dev_objective");
		assert_int_equal(result.selected_epoch, cases[i].want);
		free_task(t);
	}
}

static void kept_rows_and_order(void **state)
{
	(void)state;
	fv_loss_ops ops = script_ops();
	ops.subsample = script_subsample;
	ops.order = script_order;
	script s = {.n_subset = 5, .subset = {3, 3, 10, 20, 76}};
	task *t = script_task(&ops, &s);
	core_train_result result;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	assert_int_equal(result.subsample, 5);
	assert_int_equal(s.kept, 1);
	assert_int_equal(s.order_calls, 6);
	for (int i = 0; i < N; i++)
		assert_int_equal(s.seen[i], i == 3 ? 12 : i == 10 || i == 20 || i == 76 ? 6 : 0);
	const int32_t turned[5] = {76, 20, 10, 3, 3};
	assert_memory_equal(s.row, turned, sizeof turned);
	free_task(t);
	s = (script){.n_subset = 2, .subset = {3, N}};
	t = script_task(&ops, &s);
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_FAILED,
		"plugin scripted: keeps row 77");
	free_task(t);
	s = (script){.n_subset = 0};
	t = script_task(&ops, &s);
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_FAILED, "keeps 0 of 77");
	free_task(t);
	s = (script){.n_subset = 2, .subset = {3, 4}, .bad_order = 1};
	t = script_task(&ops, &s);
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_FAILED, "position 2");
	free_task(t);
}

/* Each epoch visits every row once, in another order; a row kept twice does not follow itself
 * always. */
static void shuffle(void **state)
{
	(void)state;
	script s = {0};
	fv_loss_ops ops = script_ops();
	task *t = script_task(&ops, &s);
	core_batches batches;
	int32_t kept[2 * N], first[2 * N], beside = 0;
	for (int i = 0; i < 2 * N; i++)
		kept[i] = i / 2;
	test_ok(t->ctx,
		core_batches_init(t->ctx, &batches, &t->job.train, WIDTH, kept, 2 * N, 16, false));
	for (int epoch = 1; epoch <= 3; epoch++) {
		int seen[2 * N] = {0};
		core_batches_shuffle(t->ctx, &batches, epoch);
		for (int i = 0; i < 2 * N; i++)
			seen[batches.position[i]]++;
		for (int i = 0; i < 2 * N; i++)
			assert_int_equal(seen[i], 1);
		for (int i = 1; i < 2 * N; i++)
			beside += kept[batches.position[i]] == kept[batches.position[i - 1]];
		if (epoch == 1)
			memcpy(first, batches.position, sizeof first);
		else
			assert_memory_not_equal(first, batches.position, sizeof first);
	}
	assert_true(beside < 15); /* about 1 an epoch by chance */
	core_batches_shuffle(t->ctx, &batches, 1);
	assert_memory_equal(first, batches.position, sizeof first);
	free_task(t);
}

/* lambda x_i + (1 - lambda) x_partner and its label: the run of a corpus that holds those rows. A
 * share of 0.75 leaves each row positive in its own class alone, so the class weights are the same.
 */
static void mixing(void **state)
{
	(void)state;
	script s = {.partner = 5, .lambda = 0.75}, plain = {0};
	fv_loss_ops ops = script_ops(), without = script_ops();
	ops.mix = script_mix;
	task *t = script_task(&ops, &s);
	core_train_result mixed, given;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &mixed));
	task *u = script_task(&without, &plain);
	for (int i = 0; i < N; i++) {
		for (int j = 0; j < WIDTH; j++)
			u->x[i * WIDTH + j] =
				0.75f * t->x[i * WIDTH + j] + 0.25f * t->x[5 * WIDTH + j];
		for (int k = 0; k < C; k++)
			u->label[i * C + k] =
				0.75f * t->label[i * C + k] + 0.25f * t->label[5 * C + k];
	}
	test_ok(u->ctx, core_train_run(u->ctx, &u->job, &given));
	assert_memory_equal(mixed.class_weight, given.class_weight, C * sizeof(double));
	assert_memory_equal(
		mixed.params, given.params, (size_t)core_head_count(&task_shape) * sizeof(float));
	assert_memory_equal(s.label, plain.label, sizeof s.label);
	free_task(t);
	free_task(u);
	s.lambda = 1.5;
	t = script_task(&ops, &s);
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &mixed), FV_FAILED, "lambda 1.5");
	free_task(t);
	s = (script){.partner = N, .lambda = 0.5};
	t = script_task(&ops, &s);
	test_fails(
		t->ctx, core_train_run(t->ctx, &t->job, &mixed), FV_FAILED, "with row 77 (of 77)");
	free_task(t);
}

static fv_status start_at(void *user, const core_plan *plan, float *params)
{
	memcpy(params, user, (size_t)plan->count * sizeof *params);
	return FV_OK;
}

/* train.init and train.order are followed and checked. */
static void init_and_order(void **state)
{
	(void)state;
	float init[128], bad[128];
	int32_t order[6 * N];
	script s = {0};
	fv_loss_ops ops = script_ops();
	task *t = script_task(&ops, &s);
	core_head_init(t->ctx, &task_shape, 3, init);
	for (int i = 0; i < 6 * N; i++)
		order[i] = i % N;
	t->job.start = start_at;
	t->job.user = init;
	t->job.order = order;
	t->job.order_epochs = 6;
	t->job.order_n = N;
	t->spec.learning_rate = 0;
	core_train_result result;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	assert_memory_equal(
		result.params, init, (size_t)core_head_count(&task_shape) * sizeof *init);
	assert_int_equal(s.row[0], N - N % 16);     /* of the last batch */
	assert_int_equal(result.selected_epoch, 1); /* all epochs alike: the first */
	t->job.order_n = N - 1;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_DATA,
		"76 positions an epoch, but the subsample has 77 rows");
	t->job.order_n = N;
	t->job.order_epochs = 5;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_DATA, "5 epochs");
	t->job.order_epochs = 6;
	order[N + 4] = N;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_DATA,
		"position 77 in epoch 2");
	t->job.order = NULL;
	memcpy(bad, init, sizeof bad);
	bad[L + 3] = NAN;
	t->job.user = bad;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_DATA,
		"train.init: projection.weight is not finite");
	free_task(t);
}

static void refusals(void **state)
{
	(void)state;
	core_train_result result;
	fv_loss_ops ops = script_ops();
	script s = {0};
	const struct {
		double v, value;
		const char *text;
	} bad[] = {
		{NAN, 1, "plugin scripted: step 1: v of sample 0 is nan"},
		{INFINITY, 1, "v of sample 0 is inf"},
		{1, NAN, "step 1: the value is nan"},
	};
	for (size_t i = 0; i < 3; i++) {
		task *t = script_task(&ops, &s);
		s.v = bad[i].v;
		s.value = bad[i].value;
		test_fails(
			t->ctx, core_train_run(t->ctx, &t->job, &result), FV_FAILED, bad[i].text);
		free_task(t);
	}
	task *t = new_task(test_loss("erm"), false);
	t->spec.learning_rate = 1e30;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_FAILED,
		"step 2 (epoch 1): the logits are not finite: lower train.learning_rate (1e+30)");
	t->spec.learning_rate = 1e300;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_FAILED,
		"step 2 (epoch 1): layer_mix is not finite");
	t->spec.learning_rate = 0.01;
	t->x[3 * WIDTH + 2] = NAN;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_DATA,
		"features of rec_111 are not finite");
	t->x[3 * WIDTH + 2] = 0;
	t->x[(N + 1) * WIDTH] = INFINITY;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_DATA, "features of rec_");
	t->x[(N + 1) * WIDTH] = 0;
	t->job.dev.rows.n = 0;
	test_fails(
		t->ctx, core_train_run(t->ctx, &t->job, &result), FV_DATA, "no development rows");
	t->job.dev.rows.n = DEV;
	t->group[4] = G;
	test_fails(
		t->ctx, core_train_run(t->ctx, &t->job, &result), FV_FAILED, "group 2 of rec_148");
	t->group[4] = 0;
	t->job.loss = test_loss("rw");
	t->job.loss_state = test_loss_state(t->ctx, t->job.loss, "paper", NULL);
	t->job.train.rows.groups = 0;
	t->job.train.rows.group = NULL;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_CONFIG,
		"loss rw needs groups");
	free_task(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(selection),
		cmocka_unit_test(kept_rows_and_order),
		cmocka_unit_test(shuffle),
		cmocka_unit_test(mixing),
		cmocka_unit_test(init_and_order),
		cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
