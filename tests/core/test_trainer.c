/* SPDX-License-Identifier: Apache-2.0 */
/* The trainer: repeatable, independent of the order of rows, the values of an epoch, runs that are stopped or
 * only looked at. */
#include "task.h"

#include <math.h>
#include <string.h>

#include "nn/base_loss.h"
#include "train/predict.h"
#include "train/trainer.h"

/* Every run of a loss plugin gives the same bits, whatever the order of the rows in the files. */
static void repeatable(void **state)
{
	(void)state;
	const char *names[] = {"erm", "rw", "ds", "gdro", "gadro", "cvar_dro", "lff", "disent",
		"grl", "jtt", "afr", "eiil", "mixup", "lisa", "fairbatch", "dfr", "cb_llr"};
	for (int l = 0; l < 17; l++) {
		task *run[3];
		core_train_result result[3];
		for (int i = 0; i < 3; i++) {
			run[i] = new_task(test_loss(names[l]), i == 2);
			test_ok(run[i]->ctx, core_train_run(run[i]->ctx, &run[i]->job, &result[i]));
			assert_memory_equal(result[i].params, result[0].params,
				(size_t)result[0].plan->count * sizeof(float));
			assert_int_equal(result[i].selected_epoch, result[0].selected_epoch);
			assert_true(result[i].selected_value == result[0].selected_value);
		}
		task *other = new_task(test_loss(names[l]), false); /* another seed: another run */
		core_ctx_set_run(other->ctx, 8, 2);
		test_ok(other->ctx, core_train_run(other->ctx, &other->job, &result[1]));
		assert_memory_not_equal(result[1].params, result[0].params,
			(size_t)result[0].plan->count * sizeof(float));
		free_task(other);
		for (int i = 0; i < 3; i++)
			free_task(run[i]);
	}
}

/* Rows that are scaled as they are read give the run of rows scaled before, also where samples are
 * mixed and where stages read predictions. */
static void scaled_rows(void **state)
{
	(void)state;
	static const char *const names[] = {"erm", "mixup", "lff", "jtt"};
	float mean[WIDTH], scale[WIDTH];
	for (int j = 0; j < WIDTH; j++) {
		mean[j] = 0.3f * (float)j - 2;
		scale[j] = 0.5f + 0.1f * (float)(j % 7);
	}
	for (int l = 0; l < 4; l++) {
		core_train_result result[2];
		float logits[2][DEV * C];
		task *run[] = {
			new_task(test_loss(names[l]), false), new_task(test_loss(names[l]), false)};
		core_train_job *as_read = &run[0]->job;
		as_read->train.mean = as_read->dev.mean = mean;
		as_read->train.scale = as_read->dev.scale = scale;
		for (int i = 0; i < (N + DEV) * WIDTH; i++)
			run[1]->x[i] = (run[1]->x[i] - mean[i % WIDTH]) * scale[i % WIDTH];
		for (int i = 0; i < 2; i++) {
			test_ok(run[i]->ctx, core_train_run(run[i]->ctx, &run[i]->job, &result[i]));
			test_ok(run[i]->ctx,
				core_train_predict(run[i]->ctx, result[i].plan, result[i].params,
					&run[i]->job.dev, logits[i]));
		}
		assert_memory_equal(result[0].params, result[1].params,
			(size_t)result[0].plan->count * sizeof(float));
		assert_memory_equal(logits[0], logits[1], sizeof logits[0]);
		for (int i = 0; i < 2; i++)
			free_task(run[i]);
	}
}

typedef struct history {
	core_train_epoch epoch[8];
	float params[8][128];
	double group_loss[8][G];
	int n;
} history;

static fv_status record(void *user, const core_train_epoch *epoch)
{
	history *h = user;
	h->epoch[h->n] = *epoch;
	memcpy(h->group_loss[h->n], epoch->group_loss, sizeof h->group_loss[0]);
	memcpy(h->params[h->n++], epoch->params,
		(size_t)core_head_count(&task_shape) * sizeof(float));
	return FV_OK;
}

static const core_plan *plain(fv_ctx *ctx)
{
	core_plan *plan;
	test_ok(ctx, core_plan_head(ctx, &task_shape, &plan));
	return plan;
}

/* Base losses of the development rows in file order under given parameters. */
static void dev_losses(const task *t, const float *params, const double *weight, double *loss)
{
	float logits[DEV * C];
	test_ok(t->ctx, core_train_predict(t->ctx, plain(t->ctx), params, &t->job.dev, logits));
	core_base_loss(
		&(core_base){.weight = weight}, DEV, C, logits, t->job.dev.rows.label, loss, NULL);
}

/* dev_loss is the mean over utterances, dev_objective the mean over batches of 32 and 13. */
static void development_values(void **state)
{
	(void)state;
	task *t = new_task(test_loss("gdro"), false);
	t->job.loss_state = test_loss_state(t->ctx, t->job.loss, "paper", NULL);
	history h = {0};
	t->job.on_epoch = record;
	t->job.user = &h;
	t->spec.select = "dev_objective";
	core_train_result result;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	assert_int_equal(h.n, 6);
	int best = 0;
	for (int e = 0; e < 6; e++) {
		double loss[DEV], all = 0, objective = 0;
		dev_losses(t, h.params[e], result.class_weight, loss);
		for (int first = 0; first < DEV; first += 32) {
			double sum[G] = {0}, n[G] = {0};
			for (int i = first; i < DEV && i < first + 32; i++) {
				sum[t->group[N + i]] += loss[i];
				n[t->group[N + i]]++;
				all += loss[i] / DEV;
			}
			assert_true(n[0] > 0 && n[1] > 0);
			objective += fmax(sum[0] / n[0], sum[1] / n[1]) / 2;
		}
		test_close(h.epoch[e].dev_loss, all, 1e-14);
		test_close(h.epoch[e].dev_objective, objective, 1e-14);
		assert_int_equal(h.epoch[e].epoch, e + 1);
		if (h.epoch[e].dev_objective < h.epoch[best].dev_objective)
			best = e;
	}
	assert_int_equal(result.selected_epoch, best + 1);
	assert_memory_equal(result.params, h.params[best],
		(size_t)core_head_count(&task_shape) * sizeof(float));
	assert_true(h.epoch[5].value < h.epoch[0].value); /* it learns */
	free_task(t);
}

/* The mean base loss of each group's samples; unknown is left out, a group without samples is NaN.
 */
static void group_losses(void **state)
{
	(void)state;
	task *t = new_task(test_loss("erm"), false);
	history h = {0};
	t->job.on_epoch = record;
	t->job.user = &h;
	t->spec.epochs = 1;
	t->spec.learning_rate = 0;
	for (int i = 0; i < N; i++)
		t->group[i] = i < 10 ? -1 : 0;
	core_train_result result;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	float logits[N * C];
	double loss[N], mean = 0;
	test_ok(t->ctx,
		core_train_predict(t->ctx, result.plan, result.params, &t->job.train, logits));
	core_base_loss(
		&(core_base){.weight = result.class_weight}, N, C, logits, t->label, loss, NULL);
	for (int i = 10; i < N; i++)
		mean += loss[i] / (N - 10);
	test_close(h.group_loss[0][0], mean, 1e-6);
	assert_true(isnan(h.group_loss[0][1]));
	free_task(t);
}

static fv_status stop_at_two(void *user, const core_train_epoch *epoch)
{
	*(int *)user = epoch->epoch;
	return epoch->epoch == 2 ? FV_STOPPED : FV_OK;
}

static void stops_on_request(void **state)
{
	(void)state;
	int last = 0;
	task *t = new_task(test_loss("erm"), false);
	t->job.on_epoch = stop_at_two;
	t->job.user = &last;
	core_train_result result;
	assert_int_equal(core_train_run(t->ctx, &t->job, &result), FV_STOPPED);
	assert_int_equal(last, 2);
	free_task(t);
}

static void kept_without_training(void **state)
{
	(void)state;
	task *t = new_task(test_loss("ds"), false), *u = new_task(test_loss("ds"), false);
	core_train_result result;
	core_train_preview preview;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	u->job.train.x = u->job.dev.x = NULL;
	test_ok(u->ctx, core_train_preview_run(u->ctx, &u->job, &preview));
	assert_int_equal(preview.n, 1);
	assert_int_equal(preview.stage[0].rows, result.subsample);
	assert_int_equal(preview.stage[0].epochs, 6);
	assert_true(result.subsample > 0 && result.subsample < N);
	free_task(t);
	free_task(u);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repeatable),
		cmocka_unit_test(scaled_rows),
		cmocka_unit_test(development_values),
		cmocka_unit_test(group_losses),
		cmocka_unit_test(stops_on_request),
		cmocka_unit_test(kept_without_training),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
