/* SPDX-License-Identifier: Apache-2.0 */
/* fv.stages/1: which models stages start from and average, the output layer alone, labels of a stage,
 * and representations of rows. An objective made for these tests asks for the stages that a test wants. */
#include "task.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <fairvox/stages.h>

#include "corpus/corpus.h"
#include "nn/base_loss.h"
#include "train/predict.h"
#include "train/trainer.h"

enum { STAGES = 5, EPOCHS = 64, NUMBERS = 256, WIDEST = 16 };

typedef struct script {
	fv_stage stage[STAGES];
	int32_t n;
	bool ask; /* logits and representations before each stage but the first */
	int32_t width;
	float logits[N * C], x[N * WIDEST], dev_x[DEV * WIDEST];
	const fv_loss_setup *setup;
} script;

static fv_status script_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	(void)ctx;
	((script *)state)->setup = setup;
	return FV_OK;
}

static fv_status script_next(
	void *state, fv_ctx *ctx, int32_t index, fv_stage *stage, int32_t *more)
{
	script *s = state;
	if (s->ask && index) {
		s->width = fv_representation_width(ctx);
		if (!s->width || fv_represent_rows(ctx, s->setup->train, s->x) != FV_OK ||
			fv_represent_rows(ctx, s->setup->dev, s->dev_x) != FV_OK)
			return FV_FAILED;
		test_ok(ctx, fv_predict_rows(ctx, s->setup->train, s->logits));
	}
	uint32_t size = stage->size;
	*stage = s->stage[index];
	stage->size = size;
	*more = index + 1 < s->n;
	return FV_OK;
}

static const fv_stages_1 stages = FV_STAGES(.next = script_next);

static const void *extension(const char *id)
{
	return strcmp(id, FV_STAGES_1) ? NULL : &stages;
}

static const fv_loss_ops ops = FV_LOSS_OPS(.open = script_open);
static const fv_descriptor scripted = {
	.size = sizeof scripted, .name = "scripted", .ops = &ops, .extension = extension};

typedef struct history {
	core_train_epoch epoch[EPOCHS];
	float params[EPOCHS][NUMBERS];
	int64_t count;
	int32_t n;
} history;

static fv_status record(void *user, const core_train_epoch *epoch)
{
	history *h = user;
	memcpy(h->params[h->n], epoch->params, (size_t)h->count * sizeof(float));
	h->epoch[h->n++] = *epoch;
	return FV_OK;
}

static task *scripted_task(script *s, history *h)
{
	task *t = new_task(test_loss("erm"), false);
	t->job.loss = &scripted;
	t->job.loss_state = s;
	*h = (history){.count = core_head_count(&task_shape)};
	t->job.on_epoch = record;
	t->job.user = h;
	return t;
}

/* Trains the stages and keeps the model; every epoch is in the history. */
static void run(script *s, history *h, float *kept)
{
	task *t = scripted_task(s, h);
	core_train_result result;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	memcpy(kept, result.params, (size_t)h->count * sizeof *kept);
	free_task(t);
}

static bool same(const float *a, const float *b, int64_t from, int64_t to)
{
	return !memcmp(a + from, b + from, (size_t)(to - from) * sizeof *a);
}

static const int64_t output = L + H * D + H; /* where output.weight begins */

/* What a stage gives does not depend on stages between it and the one that it starts from. */
static void start_from_earlier(void **state)
{
	(void)state;
	float want[NUMBERS], got[NUMBERS];
	history h;
	script two = {.n = 2, .stage = {{.epochs = 3}, {.epochs = 2, .use_last = 1}}};
	run(&two, &h, want);
	script three = {.n = 3,
		.stage = {{.epochs = 3}, {.epochs = 4}, {.epochs = 2, .use_last = 1, .start = 1}}};
	run(&three, &h, got);
	assert_true(same(got, want, 0, h.count));
	three.stage[2].start = 2;
	run(&three, &h, got);
	assert_false(same(got, want, 0, h.count));
	history other;
	three.stage[2].start = 0; /* the previous stage, which is stage 2 */
	run(&three, &other, want);
	assert_true(same(got, want, 0, h.count));
}

static void average(void **state)
{
	(void)state;
	const int32_t of[] = {2, 3};
	float kept[NUMBERS];
	history h;
	script s = {.n = 4,
		.stage = {{.epochs = 2}, {.epochs = 2, .use_last = 1, .output_only = 1},
			{.epochs = 1, .start = 1, .use_last = 1, .output_only = 1},
			{.n_average = 2, .average = of}}};
	task *t = scripted_task(&s, &h);
	core_train_result result;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	assert_int_equal(h.n, 6);
	for (int64_t j = 0; j < h.count; j++) {
		double sum = (double)h.params[3][j] + (double)h.params[4][j];
		kept[j] = (float)(sum / 2);
	}
	assert_true(same(result.params, kept, 0, h.count));
	assert_true(same(result.params, h.params[5], 0, h.count));
	assert_true(same(result.params, h.params[3], 0, output)); /* the layers below are one */
	/* its validation pass, and what is said of training that did not happen */
	float logits[DEV * C];
	double loss[DEV], mean = 0;
	core_plan *plan;
	test_ok(t->ctx, core_plan_head(t->ctx, &task_shape, &plan));
	test_ok(t->ctx, core_train_predict(t->ctx, plan, kept, &t->job.dev, logits));
	core_base_loss(&(core_base){.weight = result.class_weight}, DEV, C, logits,
		t->job.dev.rows.label, loss, NULL);
	for (int i = 0; i < DEV; i++)
		mean += loss[i] / DEV;
	const core_train_epoch *e = &h.epoch[5];
	test_close(e->dev_loss, mean, 1e-6);
	assert_true(e->stage == 4 && e->epoch == 1 && e->epochs == 1 && e->best);
	assert_true(isnan(e->value) && isnan(e->grad_norm) && e->learning_rate == 0);
	assert_int_equal(result.selected_epoch, 1);
	assert_true(result.use_last);
	free_task(t);
	/* a stage that continues from an average */
	s.n = 5;
	s.stage[4] = (fv_stage){.epochs = 1, .learning_rate = 1e-30};
	float last[NUMBERS];
	run(&s, &h, last);
	assert_true(same(last, kept, 0, h.count));
}

/* A preview says which stages are trained. */
static void preview(void **state)
{
	(void)state;
	const int32_t of[] = {1, 2};
	history h;
	script s = {
		.n = 3, .stage = {{.epochs = 2}, {.fresh = 1}, {.n_average = 2, .average = of}}};
	task *t = scripted_task(&s, &h);
	core_train_preview p;
	test_ok(t->ctx, core_train_preview_run(t->ctx, &t->job, &p));
	assert_int_equal(p.n, 3);
	assert_true(p.stage[1].rows == N && p.stage[1].epochs == 6 && !p.stage[1].averaged);
	assert_true(p.stage[2].averaged == 2 && !p.stage[2].rows && !p.stage[2].epochs);
	free_task(t);
}

/* The output layer starts as in a new run, the layers below as they were. */
static void fresh_output(void **state)
{
	(void)state;
	float kept[NUMBERS], drawn[NUMBERS];
	history h;
	script s = {.n = 2,
		.stage = {{.epochs = 3, .use_last = 1},
			{.epochs = 1, .learning_rate = 1e-30, .fresh_output = 1}}};
	run(&s, &h, kept);
	task *t = new_task(test_loss("erm"), false);
	core_head_init(t->ctx, &task_shape, 0, drawn);
	free_task(t);
	assert_true(same(kept, h.params[2], 0, output));
	assert_true(same(kept, drawn, output, h.count));
	assert_false(same(h.params[2], drawn, output, h.count));
}

/* One step of plain gradient descent, with and without the penalty. */
static void output_l1(void **state)
{
	(void)state;
	const double b = 0.0625, rate = 0.25;
	float with[NUMBERS] = {0}, without[NUMBERS] = {0}, start[NUMBERS];
	double value[2], sum = 0;
	for (int penalty = 0; penalty < 2; penalty++) {
		history h;
		script s = {.n = 1,
			.stage = {{.epochs = 1, .output_l1 = penalty ? b : 0, .use_last = 1}}};
		task *t = scripted_task(&s, &h);
		core_train_result result;
		t->spec.optimizer = CORE_SGD;
		t->spec.learning_rate = rate;
		t->spec.clip = 0;
		t->spec.batch = N;
		core_head_init(t->ctx, &task_shape, 0, start);
		test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
		memcpy(penalty ? with : without, result.params, (size_t)h.count * sizeof *with);
		value[penalty] = h.epoch[0].value;
		free_task(t);
	}
	for (int64_t j = 0; j < core_head_count(&task_shape); j++) {
		bool weight = j >= output && j < output + C * H;
		double sign = weight ? (start[j] > 0) - (start[j] < 0) : 0;
		test_close((double)with[j], (double)without[j] - rate * b * sign, 1e-7);
		sum += weight ? fabs((double)start[j]) : 0;
	}
	test_close(value[1] - value[0], b * sum, 1e-12);
}

/* Labels of a stage train and judge it like a corpus with these labels. */
static void labels(void **state)
{
	(void)state;
	static float label[N * C], dev_label[DEV * C];
	float got[NUMBERS] = {0}, want[NUMBERS] = {0};
	history h, plain;
	for (int turn = 0; turn < 2; turn++) {
		script s = {.n = 1, .stage = {{.label = label, .dev_label = dev_label}}};
		task *t = turn ? new_task(test_loss("erm"), false) : scripted_task(&s, &h);
		core_train_result result;
		for (int i = 0; i < (N + DEV) * C; i++) {
			float *to = i < N * C ? &label[i] : &dev_label[i - N * C];
			*to = t->label[i / C * C + (i + 1) % C]; /* class k is k + 1 */
		}
		t->spec.class_weights = CORE_WEIGHTS_NONE;
		if (turn) {
			plain = (history){.count = core_head_count(&task_shape)};
			t->job.on_epoch = record;
			t->job.user = &plain;
			t->job.train.rows.label = label;
			t->job.dev.rows.label = dev_label;
			core_label_class(label, N, C, t->klass);
			core_label_class(dev_label, DEV, C, t->klass + N);
		}
		test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
		memcpy(turn ? want : got, result.params, sizeof(float) * (size_t)h.count);
		free_task(t);
	}
	assert_true(same(got, want, 0, h.count));
	for (int e = 0; e < 6; e++)
		assert_true(h.epoch[e].dev_loss == plain.epoch[e].dev_loss);
}

/* z = W x + b, for heads of every kind. */
static void representations(void **state)
{
	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		script s = {.n = 2,
			.ask = true,
			.stage = {{.epochs = 2, .use_last = 1}, {.epochs = 1}}};
		history h;
		task *t = scripted_task(&s, &h);
		core_head_shape *shape = &t->job.shape;
		shape->projection = kind == 2 ? 0 : H;
		if (kind == 1) {
			shape->n_hidden = 1;
			shape->hidden[0] = 7;
			shape->activation = FV_ACTIVATION_GELU;
			shape->dropout = 0.25;
		}
		h.count = core_head_count(shape);
		assert_true(h.count <= NUMBERS);
		core_train_result result;
		test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
		assert_int_equal(s.width, kind == 0 ? H : kind == 1 ? 7 : D);
		const float *w = h.params[1] + h.count - C - C * s.width, *bias = w + C * s.width;
		for (int i = 0; i < N; i++)
			for (int k = 0; k < C; k++) {
				double z = (double)bias[k];
				for (int j = 0; j < s.width; j++)
					z += (double)w[k * s.width + j] *
					     (double)s.x[i * s.width + j];
				test_close((double)s.logits[i * C + k], z, 1e-5);
			}
		free_task(t);
	}
}

/* A model with two branches has no output layer that alone predicts. */
static void representations_of_branches(void **state)
{
	(void)state;
	history h;
	script s = {.n = 2, .ask = true, .stage = {{.epochs = 1, .loss = "then"}, {.epochs = 1}}};
	task *t = scripted_task(&s, &h);
	const fv_descriptor *lff = test_loss("lff");
	const core_train_delegate to = {"then", lff, test_loss_state(t->ctx, lff, "paper", NULL)};
	core_train_result result;
	t->job.delegate = &to;
	t->job.n_delegates = 1;
	t->job.on_epoch = NULL;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_FAILED,
		"the model has networks of its own");
	assert_int_equal(s.width, 0);
	free_task(t);
}

static int steps_left; /* until the run is told to stop */

static bool count_down(void)
{
	steps_left -= steps_left > 0;
	return steps_left == 0;
}

/* A run that is stopped after any step, before or after its average, gives the same bits. */
static void resumed(void **state)
{
	(void)state;
	const int32_t of[] = {2, 3};
	const script whole = {.n = 5,
		.ask = true,
		.stage = {{.epochs = 1}, {.epochs = 2, .output_only = 1, .output_l1 = 0.01},
			{.epochs = 1, .start = 1, .output_only = 1, .fresh_output = 1},
			{.n_average = 2, .average = of}, {.epochs = 2, .use_last = 1}}};
	script first = whole;
	history h;
	float want[NUMBERS], got[NUMBERS] = {0};
	run(&first, &h, want);
	char path[4096];
	snprintf(path, sizeof path, "%s/checkpoint", test_folder("stage-models"));
	int stops = 0;
	for (int step = 1; step < 1000; step++) {
		fv_status status = FV_STOPPED;
		for (int part = 0; part < 2 && status == FV_STOPPED; part++) {
			script s = whole;
			task *t = scripted_task(&s, &h);
			core_train_result result;
			const core_run_checkpoint_options options = {path, "k", 0, count_down};
			steps_left = part ? -1 : step;
			test_ok(t->ctx,
				core_run_checkpoint_new(t->ctx, &options, &t->job.checkpoint));
			status = core_train_run(t->ctx, &t->job, &result);
			if (status == FV_OK)
				memcpy(got, result.params, (size_t)h.count * sizeof *got);
			stops += status == FV_STOPPED;
			if (status == FV_OK)
				unlink(path);
			core_run_checkpoint_close(t->job.checkpoint);
			free_task(t);
		}
		assert_int_equal(status, FV_OK);
		assert_true(same(got, want, 0, h.count));
		if (stops < step)
			break;
	}
	assert_int_equal(stops, 6 * 5); /* six epochs of five steps */
}

static void refusals(void **state)
{
	(void)state;
	static float label[N * C];
	static const int32_t itself[] = {1, 2}, first[] = {1};
	const struct {
		fv_stage stage;
		const char *text;
	} wrong[] = {
		{{.start = 2}, "stage 2: stage->start is 2, but only stages before it have a "
			       "model: write 1 to 1"},
		{{.start = -1}, "stage->start is -1"},
		{{.start = 1, .fresh = 1}, "stage->start is 1 and stage->fresh is set"},
		{{.n_average = 1, .average = itself + 1},
			"stage->average[0] is 2, but only stages before it"},
		{{.n_average = 2, .average = itself},
			"stage->n_average is 2: name some of the 1 stages before it"},
		{{.n_average = 1}, "stage->n_average is 1, but stage->average is NULL"},
		{{.n_average = 1, .average = first, .epochs = 3},
			"stage->n_average is 1: a stage that averages models trains nothing"},
		{{.output_l1 = -1}, "stage->output_l1 is -1"},
		{{.output_l1 = NAN}, "stage->output_l1 is nan"},
		{{.label = label}, "stage->label of row 1 sums to 0.5, its least share is 0"},
		{{.dev_label = label}, "stage->dev_label of row 1 sums to 0.5"},
	};
	for (int i = 0; i < N; i++)
		label[i * C] = i == 1 ? 0.5f : 1;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		history h;
		script s = {.n = 2, .stage = {{.epochs = 1}, wrong[i].stage}};
		task *t = scripted_task(&s, &h);
		core_train_result result;
		test_fails(
			t->ctx, core_train_run(t->ctx, &t->job, &result), FV_FAILED, wrong[i].text);
		free_task(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_from_earlier),
		cmocka_unit_test(average),
		cmocka_unit_test(preview),
		cmocka_unit_test(fresh_output),
		cmocka_unit_test(output_l1),
		cmocka_unit_test(labels),
		cmocka_unit_test(representations),
		cmocka_unit_test(representations_of_branches),
		cmocka_unit_test(resumed),
		cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
