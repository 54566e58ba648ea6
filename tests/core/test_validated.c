/* SPDX-License-Identifier: Apache-2.0 */
/* What an objective is shown of a validation pass, and of the durations of rows. */
#include "task.h"

#include <math.h>
#include <string.h>

#include "nn/base_loss.h"
#include "train/predict.h"
#include "train/trainer.h"

typedef struct watcher {
	int32_t calls, fails_at;
	double loss[16][DEV], *sum;
	float logits[16][DEV * C];
	bool groups, train_duration, dev_duration;
	int64_t epoch[16];
} watcher;

static int32_t evaluated; /* rows so far; not in the state, which evaluate may only read */

static fv_status watch_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	watcher *w = state;
	w->train_duration = setup->train->duration != NULL;
	w->dev_duration = setup->dev->duration && setup->dev->duration[3] == 1 + (N + 3) % 7;
	w->sum = fv_array(ctx, "sum", FV_F64, 1, 1);
	return w->sum ? FV_OK : FV_FAILED;
}

/* Rotates the rows of an epoch by what the pass before has shown. */
static fv_status watch_order(void *state, fv_ctx *ctx, int64_t epoch, int32_t *position, int64_t n)
{
	const watcher *w = state;
	(void)ctx;
	assert_true(epoch == w->calls + 1 && (epoch == 1) == (*w->sum == 0));
	for (int64_t i = 0; i < n; i++)
		position[i] = (int32_t)((i + (int64_t)(*w->sum * 1e3)) % n);
	return FV_OK;
}

static fv_status watch_evaluate(
	const void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	(void)ctx;
	(void)state;
	evaluated += batch->n;
	*value = 1;
	return FV_OK;
}

static fv_status watch_validated(void *state, fv_ctx *ctx, const fv_batch *dev)
{
	watcher *w = state;
	assert_true(dev->n == DEV && dev->classes == C && w->calls < 16);
	assert_int_equal(evaluated, DEV * (w->calls + 1));
	for (int32_t i = 0; i < DEV; i++) {
		assert_int_equal(dev->row[i], i);
		w->loss[w->calls][i] = dev->loss[i];
		*w->sum += dev->loss[i];
	}
	memcpy(w->logits[w->calls], dev->logits, sizeof *w->logits);
	w->groups = dev->group != NULL;
	w->epoch[w->calls++] = dev->epoch;
	return w->calls == w->fails_at ? fv_fail(ctx, FV_DATA, "too few rows") : FV_OK;
}

static const fv_loss_ops plain = FV_LOSS_OPS(.open = watch_open, .order = watch_order,
	.evaluate = watch_evaluate, .validated = watch_validated);
static const fv_loss_ops asking =
	FV_LOSS_OPS(.uses_groups = 1, .uses_duration = 1, .open = watch_open, .order = watch_order,
		.evaluate = watch_evaluate, .validated = watch_validated);
static const fv_descriptor watching = {
	.size = sizeof watching, .name = "watcher", .ops = &plain, .state_size = sizeof(watcher)};
static const fv_descriptor watching_more = {
	.size = sizeof watching, .name = "watcher", .ops = &asking, .state_size = sizeof(watcher)};

typedef struct history {
	float params[16][128];
	double dev_loss[16];
	int32_t n;
} history;

static fv_status record(void *user, const core_train_epoch *epoch)
{
	history *h = user;
	h->dev_loss[h->n] = epoch->dev_loss;
	memcpy(h->params[h->n++], epoch->params,
		(size_t)core_head_count(&task_shape) * sizeof(float));
	return FV_OK;
}

static task *watched_task(const fv_descriptor *loss, watcher *w, history *h)
{
	task *t = new_task(test_loss("erm"), false);
	*h = (history){0};
	evaluated = 0;
	t->job.loss = loss;
	t->job.loss_state = w;
	t->job.on_epoch = record;
	t->job.user = h;
	return t;
}

/* The losses and logits of all development rows under the model of each epoch, before the next. */
static void every_pass(void **state)
{
	(void)state;
	watcher w = {0};
	history h;
	task *t = watched_task(&watching, &w, &h);
	core_train_result result;
	core_plan *plan;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	test_ok(t->ctx, core_plan_head(t->ctx, &task_shape, &plan));
	assert_int_equal(w.calls, 6);
	assert_false(w.groups);
	assert_false(w.train_duration || w.dev_duration);
	for (int e = 0; e < 6; e++) {
		float logits[DEV * C];
		double loss[DEV], sum = 0;
		assert_int_equal(w.epoch[e], e + 1);
		test_ok(t->ctx, core_train_predict(t->ctx, plan, h.params[e], &t->job.dev, logits));
		assert_memory_equal(logits, w.logits[e], sizeof logits);
		core_base_loss(&(core_base){.weight = result.class_weight}, DEV, C, logits,
			t->job.dev.rows.label, loss, NULL);
		assert_memory_equal(loss, w.loss[e], sizeof loss);
		for (int i = 0; i < DEV; i++)
			sum += loss[i];
		test_close(h.dev_loss[e], sum / DEV, 1e-12);
	}
	free_task(t);
}

static void what_it_asks_for(void **state)
{
	(void)state;
	watcher w = {0};
	history h;
	task *t = watched_task(&watching_more, &w, &h);
	core_train_result result;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	assert_true(w.groups && w.train_duration && w.dev_duration);
	free_task(t);
}

static void failure_is_named(void **state)
{
	(void)state;
	watcher w = {.fails_at = 2};
	history h;
	task *t = watched_task(&watching, &w, &h);
	core_train_result result;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_DATA,
		"plugin watcher: too few rows");
	assert_int_equal(h.n, 1);
	free_task(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_pass),
		cmocka_unit_test(what_it_asks_for),
		cmocka_unit_test(failure_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
