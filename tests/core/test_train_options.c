/* SPDX-License-Identifier: Apache-2.0 */
/* Optimizers, schedules and patience: against PyTorch in float64
 * (golden/training/options/make_golden.py), and in stages. */
#include "task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stages.h>

#include "corpus/corpus.h"
#include "train/schedule.h"

enum { EPOCHS_MAX = 64 };

typedef struct history {
	core_train_epoch epoch[EPOCHS_MAX];
	int32_t n;
	int64_t count; /* of `last` */
	float *last;   /* the model after the last epoch; NULL: not kept */
} history;

static fv_status record(void *user, const core_train_epoch *epoch)
{
	history *h = user;
	assert_true(h->n < EPOCHS_MAX);
	h->epoch[h->n++] = *epoch;
	if (h->last)
		memcpy(h->last, epoch->params, (size_t)h->count * sizeof *h->last);
	return FV_OK;
}

/* --- parity with PyTorch ------------------------------------------------------------------------ */

enum { PL = 13, PD = 24, PH = 16, PC = 6, PN = 100, PDEV = 40 };
static const core_head_shape parity_shape = {
	.layers = PL, .dims = PD, .projection = PH, .classes = PC};

/* The data of golden/training/head, as make_golden.py uses it. */
typedef struct parity {
	float x[PN * PL * PD], label[PN * PC], dev_label[PDEV * PC], *init;
	int32_t klass[PN], dev_klass[PDEV], order[20 * PN];
	const char *stem[PN];
	core_train_spec spec;
	core_train_job job;
} parity;

static void load_floats(const char *name, float *out, size_t n)
{
	int64_t dims[4];
	int rank;
	double *from = test_npy(test_golden(name), dims, &rank);
	for (size_t i = 0; i < n; i++)
		out[i] = (float)from[i];
	free(from);
}

static fv_status start_at(void *user, const core_plan *plan, float *params)
{
	(void)user;
	load_floats("training/head/init.npy", params, (size_t)plan->count);
	return FV_OK;
}

static void load_rows(fv_ctx *ctx, parity *p)
{
	load_floats("training/head/features.npy", p->x, sizeof p->x / sizeof *p->x);
	load_floats("training/head/labels.npy", p->label, sizeof p->label / sizeof *p->label);
	for (int i = 0; i < PDEV; i++)
		memcpy(p->dev_label + i * PC, p->label + (i + 7) * PC, PC * sizeof(float));
	core_label_class(p->label, PN, PC, p->klass);
	core_label_class(p->dev_label, PDEV, PC, p->dev_klass);
	for (int i = 0; i < PN; i++)
		p->stem[i] = core_format(ctx, "row_%03d", i);
}

static void load_order(parity *p, bool batches)
{
	int64_t dims[4];
	int rank;
	double *order = test_npy(test_golden("training/head/order.npy"), dims, &rank);
	for (int i = 0; i < 20 * PN; i++)
		p->order[i] = !batches ? i % PN : i < 5 * PN ? (int32_t)order[i] : 0;
	free(order);
}

static parity *make_parity(fv_ctx *ctx, const core_train_spec *spec)
{
	parity *p = calloc(1, sizeof *p);
	assert_non_null(p);
	load_rows(ctx, p);
	load_order(p, spec->batch < PN);
	p->spec = *spec;
	p->job = (core_train_job){.shape = parity_shape,
		.spec = &p->spec,
		.loss = test_loss("erm"),
		.start = start_at,
		.order = p->order,
		.order_epochs = spec->epochs,
		.order_n = PN,
		.on_epoch = record};
	p->job.train = (core_train_data){.rows = {.size = sizeof(fv_rows),
						 .n = PN,
						 .classes = PC,
						 .label = p->label,
						 .klass = p->klass,
						 .stem = p->stem},
		.x = p->x};
	p->job.dev = (core_train_data){.rows = {.size = sizeof(fv_rows),
					       .n = PDEV,
					       .classes = PC,
					       .label = p->dev_label,
					       .klass = p->dev_klass,
					       .stem = p->stem},
		.x = p->x};
	p->job.loss_state = test_loss_state(ctx, p->job.loss, "paper", NULL);
	return p;
}

/* Trains as the run of this name in options.json did, and compares rates, losses and weights. */
static double follow(const char *name, const core_train_spec *spec, const json_t *runs)
{
	fv_ctx *ctx = test_ctx();
	const json_t *run = json_object_get(runs, name);
	parity *p = make_parity(ctx, spec);
	float last[PL + PH * PD + PH + PC * PH + PC];
	const size_t count = sizeof last / sizeof *last;
	history h = {.last = last, .count = (int64_t)count};
	p->job.user = &h;
	core_train_result result;
	test_ok(ctx, core_train_run(ctx, &p->job, &result));
	size_t n, steps;
	double *rate = test_numbers(json_object_get(run, "rate"), &n);
	double *dev = test_numbers(json_object_get(run, "dev_loss"), &n);
	double *loss = test_numbers(json_object_get(run, "loss"), &steps);
	assert_int_equal(h.n, n);
	size_t each = steps / n; /* steps an epoch */
	for (size_t e = 0; e < n; e++) {
		double mean = 0;
		for (size_t s = 0; s < each; s++)
			mean += loss[e * each + s] / (double)each;
		test_close(h.epoch[e].learning_rate / rate[e], 1, 1e-14);
		test_close(h.epoch[e].value, mean, 5e-6);
		test_close(h.epoch[e].dev_loss, dev[e], 5e-6);
	}
	char path[128];
	int64_t dims[4];
	int rank;
	snprintf(path, sizeof path, "training/options/weights_%s.npy", name);
	double *want = test_npy(test_golden(path), dims, &rank), largest = 0;
	assert_int_equal(dims[0], count);
	for (size_t i = 0; i < count; i++)
		largest = fmax(largest, fabs(last[i] - want[i]) / fmax(1, fabs(want[i])));
	test_close(largest, 0, 5e-7);
	free(want);
	free(rate);
	free(dev);
	free(loss);
	free(p);
	core_ctx_free(ctx);
	return largest;
}

static void follows_pytorch(void **state)
{
	(void)state;
	const struct {
		const char *name;
		core_train_spec spec;
	} runs[] = {
		{"sgd", {.optimizer = CORE_SGD, .learning_rate = 0.1, .batch = 32, .epochs = 5}},
		{"sgd_momentum_decay", {.optimizer = CORE_SGD,
					       .learning_rate = 0.05,
					       .momentum = 0.9,
					       .weight_decay = 0.01,
					       .batch = 32,
					       .epochs = 5}},
		{"adamw", {.optimizer = CORE_ADAMW,
				  .learning_rate = 1e-3,
				  .weight_decay = 0.05,
				  .batch = 32,
				  .epochs = 5}},
		{"cosine", {.learning_rate = 1e-2,
				   .schedule = CORE_SCHEDULE_COSINE,
				   .batch = PN,
				   .epochs = 20}},
		{"cosine_sgd", {.optimizer = CORE_SGD,
				       .learning_rate = 0.2,
				       .momentum = 0.9,
				       .schedule = CORE_SCHEDULE_COSINE,
				       .batch = PN,
				       .epochs = 20}},
		{"plateau", {.learning_rate = 1e-2,
				    .schedule = CORE_SCHEDULE_PLATEAU,
				    .plateau_patience = 2,
				    .plateau_factor = 0.1,
				    .batch = PN,
				    .epochs = 20}},
		{"plateau_sgd", {.optimizer = CORE_SGD,
					.learning_rate = 0.5,
					.momentum = 0.9,
					.weight_decay = 0.01,
					.schedule = CORE_SCHEDULE_PLATEAU,
					.plateau_patience = 1,
					.plateau_factor = 0.5,
					.batch = PN,
					.epochs = 20}},
	};
	json_t *json = test_json(test_golden("training/options/options.json"));
	for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
		core_train_spec spec = runs[i].spec;
		spec.clip = 1;
		spec.select = "dev_loss";
		printf("%-20s largest deviation %.2g\n", runs[i].name,
			follow(runs[i].name, &spec, json));
	}
	json_decref(json);
}

/* ReduceLROnPlateau on values with ties, NaN, a negative best and changes within the threshold. */
static void plateau_follows_pytorch(void **state)
{
	(void)state;
	json_t *json = test_json(test_golden("training/options/options.json"));
	const json_t *given = json_object_get(json, "plateau_values");
	size_t n;
	double *value = test_numbers(json_object_get(given, "value"), &n);
	double *rate = test_numbers(json_object_get(given, "rate"), &n);
	const core_train_spec spec = {.learning_rate = 1e-3,
		.schedule = CORE_SCHEDULE_PLATEAU,
		.plateau_patience = 1,
		.plateau_factor = 0.1};
	core_schedule schedule;
	core_schedule_init(&schedule, &spec);
	for (size_t i = 0; i < n; i++) {
		core_schedule_begin(&schedule, (int32_t)i + 1);
		test_close(schedule.rate / rate[i], 1, 1e-14);
		core_schedule_end(&schedule, value[i]);
	}
	free(value);
	free(rate);
	json_decref(json);
}

/* --- patience ----------------------------------------------------------------------------------- */

typedef struct script {
	double dev_value[12];
	int32_t stages;
	fv_stage stage[3];
} script;

static fv_status script_evaluate(
	const void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	(void)ctx;
	*value = ((const script *)state)->dev_value[batch->epoch - 1];
	return FV_OK;
}

static fv_status script_next(
	void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	const script *s = state;
	(void)ctx;
	uint32_t size = stage->size;
	*stage = s->stage[index];
	stage->size = size;
	*more = index + 1 < s->stages;
	return FV_OK;
}

static const fv_stages_1 stages = {.size = sizeof stages, .next = script_next};

static const void *find_stages(const char *id)
{
	return strcmp(id, FV_STAGES_1) ? NULL : &stages;
}

static const fv_loss_ops ops = {.size = sizeof ops, .evaluate = script_evaluate};
static const fv_descriptor plain = {.size = sizeof plain, .name = "scripted", .ops = &ops};
static const fv_descriptor staged = {
	.size = sizeof staged, .name = "scripted", .ops = &ops, .extension = find_stages};

static core_train_result run_script(
	const fv_descriptor *loss, script *s, const core_train_spec *options, history *h)
{
	task *t = new_task(test_loss("erm"), false);
	core_train_result result;
	*h = (history){0};
	t->job.loss = loss;
	t->job.loss_state = s;
	t->job.on_epoch = record;
	t->job.user = h;
	t->spec.epochs = 12;
	t->spec.select = "dev_objective";
	t->spec.patience = options->patience;
	t->spec.schedule = options->schedule;
	t->spec.plateau_patience = options->plateau_patience;
	t->spec.plateau_factor = options->plateau_factor;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	free_task(t);
	return result;
}

/* Training ends after `patience` epochs in a row without a strictly lower value. */
static void patience_ends_training(void **state)
{
	(void)state;
	const struct {
		double dev_value[12];
		int32_t patience, trained, kept;
	} cases[] = {
		{{5, 4, 4, 4, 3, 9, 9, 9, 1, 1, 1, 1}, 3, 8, 5},
		{{5, 4, 4, 4, 3, 9, 9, 9, 1, 1, 1, 1}, 2, 4, 2},
		{{5, 4, 4, 4, 3, 9, 9, 9, 1, 1, 1, 1}, 4, 12, 9},
		{{5, 4, 4, 4, 3, 9, 9, 9, 1, 1, 1, 1}, 0, 12, 9},
		{{1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 9}, 1, 2, 1},
		{{12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, 1, 12, 12},
		{{NAN, 2, NAN, 1, NAN, NAN, 0, 0, 0, 0, 0, 0}, 2, 6, 4},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		script s = {0};
		history h;
		memcpy(s.dev_value, cases[i].dev_value, sizeof s.dev_value);
		const core_train_spec options = {.patience = cases[i].patience};
		core_train_result result = run_script(&plain, &s, &options, &h);
		assert_int_equal(h.n, cases[i].trained);
		assert_int_equal(result.epochs, cases[i].trained);
		assert_int_equal(result.selected_epoch, cases[i].kept);
		assert_int_equal(result.candidates, cases[i].trained);
		assert_false(result.use_last);
	}
}

/* A stage that keeps its last epoch is not shortened; the rate starts anew in every stage. */
static void options_in_stages(void **state)
{
	(void)state;
	script s = {.dev_value = {5, 6, 7, 8, 9, 9, 9, 9, 9, 9, 9, 9},
		.stages = 3,
		.stage = {{.epochs = 4, .use_last = 1}, {.epochs = 8, .learning_rate = 0.02},
			{.fresh = 1}}};
	history h;
	const core_train_spec options = {.patience = 3,
		.schedule = CORE_SCHEDULE_PLATEAU,
		.plateau_patience = 0,
		.plateau_factor = 0.5};
	core_train_result result = run_script(&staged, &s, &options, &h);
	assert_int_equal(h.n, 4 + 4 + 4);
	assert_int_equal(h.epoch[3].stage, 1);
	assert_int_equal(h.epoch[4].stage, 2);
	assert_int_equal(h.epoch[8].stage, 3);
	assert_true(h.epoch[4].learning_rate == 0.02 && h.epoch[5].learning_rate == 0.02);
	assert_true(h.epoch[6].learning_rate == 0.01 && h.epoch[7].learning_rate == 0.005);
	assert_true(h.epoch[8].learning_rate == 0.01);
	assert_int_equal(result.selected_epoch, 1);
	assert_int_equal(result.candidates, 1 + 4 + 4);
	for (int e = 1; e < 4; e++) /* it follows dev_loss, which falls */
		assert_true(h.epoch[e].learning_rate == 0.01);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_pytorch),
		cmocka_unit_test(plateau_follows_pytorch),
		cmocka_unit_test(patience_ends_training),
		cmocka_unit_test(options_in_stages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
