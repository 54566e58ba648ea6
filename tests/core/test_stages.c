/* SPDX-License-Identifier: Apache-2.0 */
/* fv.stages/1: what a stage asks is what the core trains. */
#include "staged.h"

#include <math.h>
#include <string.h>

#include <fairvox/stages.h>

#include "nn/base_loss.h"
#include "train/pass.h"
#include "train/predict.h"

/* The last stage's model is the run's; a fresh stage knows nothing of the one before. */
static void fresh_stages(void **state)
{
	(void)state;
	float six[128], three[128];
	staged_history h, plain, short_run;
	staged_run_plain(6, NULL, 0, &plain, six);
	staged_run_plain(3, NULL, 0, &short_run, three);
	staged_script s = {.n = 3,
		.ask = true,
		.stage = {{.epochs = 3, .use_last = 1}, {.fresh = 1, .epochs = 3}, {.fresh = 1}}};
	task *t = staged_task(&staged_loss, &s, &h);
	core_train_result result;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	assert_true(staged_same_params(result.params, six));
	assert_int_equal(h.n, 12);
	for (int i = 0; i < 12; i++) {
		int stage = i < 3 ? 1 : i < 6 ? 2 : 3, epoch = i < 6 ? i % 3 : i - 6;
		assert_int_equal(h.epoch[i].stage, stage);
		assert_int_equal(h.epoch[i].epoch, epoch + 1);
		assert_int_equal(h.epoch[i].epochs, stage < 3 ? 3 : 6);
		assert_true(staged_same_params(h.params[i], plain.params[epoch]));
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
	staged_history h, first;
	staged_run_plain(4, NULL, 0, &first, kept);
	staged_script s = {.n = 2, .stage = {{.epochs = 4}, {.learning_rate = 1e-30, .epochs = 2}}};
	task *t = staged_task(&staged_loss, &s, &h);
	core_train_result result;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	assert_true(staged_same_params(result.params, kept));
	assert_int_equal(result.selected_epoch, 1);
	free_task(t);
	s.stage[1] = (fv_stage){.epochs = 2, .use_last = 1};
	t = staged_task(&staged_loss, &s, &h);
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	staged_history again = h;
	assert_false(staged_same_params(result.params, kept));
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
	staged_history hand = {.ctx = t->ctx};
	t->spec.epochs = 2;
	t->job.order = order;
	t->job.order_epochs = 2;
	t->job.order_n = N;
	t->job.on_epoch = staged_record;
	t->job.user = &hand;
	core_plan *plan;
	test_ok(t->ctx, core_plan_head(t->ctx, &task_shape, &plan));
	core_train_pass pass = {.stage = 1, .from = plan, .from_params = kept};
	test_ok(t->ctx, core_train_pass_run(t->ctx, &t->job, &pass, &result));
	for (int e = 0; e < 2; e++)
		assert_true(staged_same_params(hand.params[e], again.params[4 + e]));
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
		staged_history h;
		core_train_result result;
		double value = 0, loss[N], mean = 0;
		staged_script s = {.n = 2,
			.ask = true,
			.stage = {{.epochs = 2},
				{.epochs = 1, .learning_rate = 1e-30, .output_only = output_only}}};
		task *t = staged_task(&staged_loss, &s, &h);
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
	staged_history h, plain;
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
	staged_script s = {.n = 1, .stage = {{.row = row, .n = 8}}};
	task *t = staged_task(&staged_loss, &s, &plain);
	t->spec.clip = 0;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	assert_int_equal(result.subsample, 8);
	free_task(t);
	s.stage[0] = (fv_stage){.row = distinct, .n = 5, .row_weight = weight};
	t = staged_task(&staged_loss, &s, &h);
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
	staged_run_plain(6, NULL, 0, &plain, kept);
	s.stage[0] = (fv_stage){.row = all, .n = N};
	t = staged_task(&staged_loss, &s, &h);
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	assert_true(staged_same_params(result.params, kept));
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
	staged_history h;
	staged_script s = {.n = 2,
		.stage = {{.epochs = 2, .use_last = 1},
			{.epochs = 3, .row_weight = weight, .output_only = 1, .anchor = a}}};
	task *t = staged_task(&staged_loss, &s, &h);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fresh_stages),
		cmocka_unit_test(stages_that_go_on),
		cmocka_unit_test(refit_drops_nothing),
		cmocka_unit_test(rows_and_weights),
		cmocka_unit_test(output_and_anchor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
