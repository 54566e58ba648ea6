/* SPDX-License-Identifier: Apache-2.0 */
/* A run that is stopped after any step and resumed gives the bits of an uninterrupted run, with
 * every loss plugin. Checkpoints that are damaged, belong to another run, or cannot be written. */
#include "task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

enum { EPOCH_STEPS = 5 };

/* One run of a method. */
typedef struct attempt {
	task *task;
	fv_ctx *ctx;
	float member[(N + DEV) * G];
	core_text history, said;
} attempt;

static void note(void *user, core_level level, const char *line)
{
	if (level <= CORE_WARNING)
		core_text_add(user, "%s%s\n", level == CORE_WARNING ? "warning: " : "", line);
}

/* The report of each epoch, without the clock. */
static fv_status record(void *user, const core_train_epoch *e)
{
	attempt *t = user;
	core_text_add(&t->history, "%d %d %a %a %a %a %d %a %a\n", (int)e->stage, (int)e->epoch,
		e->value, e->grad_norm, e->dev_loss, e->dev_objective, e->best, e->group_loss[0],
		e->group_loss[1]);
	if (strcmp(t->task->job.loss->name, "random") != 0) /* its model has no numbers */
		core_text_put(&t->history, (const char *)e->params, sizeof(float) * 16);
	return FV_OK;
}

typedef struct method {
	const char *loss, *profile, *setting, *other;
	const char *select;             /* NULL: dev_objective */
	const core_train_spec *options; /* optimizer and the like; NULL: the defaults */
} method;

static const char *const group_name[G] = {"a", "b"};

static attempt *begin(const method *m, int epochs)
{
	attempt *t = calloc(1, sizeof *t);
	assert_non_null(t);
	t->task = new_task(test_loss(m->loss), false);
	t->ctx = t->task->ctx;
	core_ctx_set_log(t->ctx, note, &t->said);
	t->task->spec.epochs = epochs;
	if (m->options) {
		core_train_spec *spec = &t->task->spec;
		spec->optimizer = m->options->optimizer;
		spec->weight_decay = m->options->weight_decay;
		spec->momentum = m->options->momentum;
		spec->schedule = m->options->schedule;
		spec->plateau_patience = m->options->plateau_patience;
		spec->plateau_factor = m->options->plateau_factor;
		spec->patience = m->options->patience;
		spec->sampler = m->options->sampler;
		spec->learning_rate = m->options->learning_rate;
	}
	core_train_job *job = &t->task->job;
	for (int i = 0; i < N + DEV; i++) {
		for (int g = 0; g < G; g++)
			t->member[i * G + g] = g == t->task->group[i] ? 0.7f : 0.2f;
		if (i % 11 == 10)
			t->task->group[i] = -1;
	}
	job->train.rows.member = t->member;
	job->dev.rows.member = t->member + N * G;
	if (m->select) {
		t->task->spec.select = m->select;
		t->task->spec.select_groups = "column";
		t->task->spec.select_support = 0; /* few rows here */
		t->task->spec.select_f1_floor = 0.9;
		job->select_groups = (core_select_groups){G, group_name, t->task->group + N};
	}
	job->on_epoch = record;
	job->user = t;
	job->loss_state =
		test_loss_state(t->ctx, job->loss, m->profile, m->setting, m->other, NULL);
	return t;
}

static void end(attempt *t)
{
	core_text_free(&t->history);
	core_text_free(&t->said);
	core_run_checkpoint_close(t->task->job.checkpoint);
	free_task(t->task);
	free(t);
}

static int steps_left; /* until the signal */

static bool count_down(void)
{
	steps_left -= steps_left > 0;
	return steps_left == 0;
}

static void add_state(attempt *t, const char *path, const char *key, double every_s)
{
	const core_run_checkpoint_options options = {path, key, every_s, count_down};
	test_ok(t->ctx, core_run_checkpoint_new(t->ctx, &options, &t->task->job.checkpoint));
	core_run_checkpoint_add_text(t->task->job.checkpoint, "history", &t->history);
}

/* Weights, epochs and all arrays. */
static void same(const attempt *a, const core_train_result *ra, const attempt *b,
	const core_train_result *rb)
{
	assert_int_equal(ra->plan->count, rb->plan->count);
	assert_memory_equal(ra->params, rb->params, (size_t)ra->plan->count * sizeof(float));
	assert_int_equal(ra->selected_epoch, rb->selected_epoch);
	assert_memory_equal(&ra->selected_value, &rb->selected_value, sizeof(double));
	assert_int_equal(a->history.size, b->history.size);
	assert_memory_equal(a->history.data, b->history.data, a->history.size);
	assert_int_equal(core_array_count(a->ctx), core_array_count(b->ctx));
	for (size_t i = 0; i < core_array_count(a->ctx); i++) {
		const core_array *x = core_array_at(a->ctx, i), *y = core_array_at(b->ctx, i);
		assert_string_equal(x->name, y->name);
		assert_memory_equal(
			x->data, y->data, (size_t)(x->n0 * x->n1) * core_type_size(x->type));
	}
}

/* Resumes until the end, interrupted after `first` steps and then after every `every`. *stopped: it
 * was interrupted at least once. */
static attempt *in_pieces(const method *m, int epochs, int first, int every, const char *path,
	bool *stopped, core_train_result *result)
{
	*stopped = false;
	for (int left = first;; left = every) {
		attempt *t = begin(m, epochs);
		add_state(t, path, "k", 0);
		steps_left = left;
		fv_status status = core_train_run(t->ctx, &t->task->job, result);
		if (status == FV_OK) {
			unlink(path);
			return t;
		}
		test_fails(t->ctx, status, FV_STOPPED, "its checkpoint is saved");
		*stopped = true;
		end(t);
	}
}

enum { ERM = 0, EG = 6, DISENT = 17, NEVER = 1000000 };

/* A rate this high makes the development loss rise, so that plateaus and patience take effect. */
static const core_train_spec sgd = {.optimizer = CORE_SGD,
	.learning_rate = 0.5,
	.momentum = 0.9,
	.weight_decay = 0.01,
	.schedule = CORE_SCHEDULE_COSINE,
	.sampler = CORE_SAMPLE_CLASSES};
static const core_train_spec cosine = {.optimizer = CORE_ADAMW,
	.learning_rate = 0.1,
	.weight_decay = 0.1,
	.schedule = CORE_SCHEDULE_COSINE,
	.patience = 1};
static const core_train_spec plateau = {.optimizer = CORE_ADAMW,
	.learning_rate = 0.5,
	.weight_decay = 0.1,
	.schedule = CORE_SCHEDULE_PLATEAU,
	.plateau_factor = 0.5,
	.sampler = CORE_SAMPLE_GROUPS};
static const core_train_spec patient = {.learning_rate = 0.5,
	.schedule = CORE_SCHEDULE_PLATEAU,
	.plateau_patience = 1,
	.plateau_factor = 0.1,
	.patience = 2,
	.sampler = CORE_SAMPLE_SUBGROUPS};

static const method methods[] = {
	{"erm", "paper", NULL, NULL, NULL, NULL},
	{"erm", "paper", NULL, NULL, "dev_tpr_gap", NULL},
	{"random", "paper", NULL, NULL, NULL, NULL},
	{"rw", "paper", NULL, NULL, NULL, NULL},
	{"ds", "paper", NULL, NULL, NULL, NULL},
	{"gdro", "paper", NULL, NULL, NULL, NULL},
	{"gdro", "official", NULL, NULL, NULL, NULL},
	{"gdro", "official", "mode=smoothed", "group_loss=excess", NULL, NULL},
	{"gadro", "paper", NULL, NULL, NULL, NULL},
	{"gadro", "official", NULL, NULL, NULL, NULL},
	{"pgdro", "paper", NULL, NULL, NULL, NULL},
	{"pgdro", "official", NULL, NULL, NULL, NULL},
	{"cvar_dro", "paper", NULL, NULL, NULL, NULL},
	{"grl", "paper", NULL, NULL, NULL, NULL},
	{"lff", "paper", NULL, NULL, NULL, NULL},
	{"lff", "official", NULL, NULL, NULL, NULL},
	{"disent", "paper", "swap_step=4", NULL, NULL, NULL},
	{"disent", "official", "swap_step=4", NULL, NULL, NULL},
	{"mixup", "paper", NULL, NULL, NULL, NULL},
	{"lisa", "paper", NULL, NULL, NULL, NULL},
	{"jtt", "paper", "first_epochs=1", NULL, NULL, NULL},
	{"jtt", "paper", "first_epochs=1", NULL, "dev_worst_group", NULL},
	{"afr", "paper", NULL, NULL, NULL, NULL},
	{"eiil", "paper", "reference_epochs=1", "steps=50", NULL, NULL},
	{"fairbatch", "paper", "alpha=0.2", NULL, NULL, NULL},
	{"fairbatch", "paper", "alpha=0.2", "update=each", "dev_tpr_gap", NULL},
	{"dfr", "paper", "refits=3", "refit_epochs=1", NULL, NULL},
	{"dfr", "paper", "refits=2", NULL, "dev_worst_group", &plateau},
	{"cb_llr", "paper", "holdout=0.3", NULL, NULL, NULL},
	{"erm", "paper", NULL, NULL, NULL, &sgd},
	{"ds", "paper", NULL, NULL, NULL, &plateau},
	{"gdro", "paper", NULL, NULL, "dev_tpr_gap", &patient},
	{"disent", "official", "swap_step=4", NULL, NULL, &plateau},
	{"lisa", "paper", NULL, NULL, NULL, &sgd},
	{"jtt", "paper", "first_epochs=1", NULL, NULL, &patient},
	{"afr", "paper", NULL, NULL, NULL, &plateau},
	{"eiil", "paper", "reference_epochs=1", "steps=50", NULL, &cosine},
};

static const char *state_path(void)
{
	static char path[4096];
	snprintf(path, sizeof path, "%s/checkpoint.safetensors", test_folder("state"));
	return path;
}

static attempt *whole_run(const method *m, int epochs, core_train_result *result)
{
	attempt *t = begin(m, epochs);
	test_ok(t->ctx, core_train_run(t->ctx, &t->task->job, result));
	return t;
}

static void every_step(void **state)
{
	(void)state;
	int most = 200;
	const char *path = state_path();
	bool stopped;
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		/* plateaus and patience need some epochs before they take effect */
		int epochs = (int)test_rounds(methods[i].options ? 5 : 2, 40);
		core_train_result want, got;
		attempt *whole = whole_run(&methods[i], epochs, &want);
		for (int step = 1; step <= most; step++) {
			attempt *t =
				in_pieces(&methods[i], epochs, step, NEVER, path, &stopped, &got);
			same(whole, &want, t, &got);
			end(t);
			if (!stopped)
				break;
		}
		attempt *t = in_pieces(&methods[i], epochs, 1, 3, path, &stopped, &got);
		same(whole, &want, t, &got);
		end(t);
		end(whole);
	}
}

/* Stops a run of the method after 7 steps. */
static void leave(const method *m, const char *path)
{
	attempt *t = begin(m, 3);
	core_train_result result;
	add_state(t, path, "k", 0);
	steps_left = 7;
	test_fails(t->ctx, core_train_run(t->ctx, &t->task->job, &result), FV_STOPPED, "is saved");
	end(t);
}

/* The checkpoint is not used: a warning with `text`, the file is removed, and the run starts
 * over. */
static void starts_over(const method *m, const char *path, const char *key, const char *text)
{
	core_train_result want, got;
	attempt *whole = whole_run(m, 3, &want), *t = begin(m, 3);
	add_state(t, path, key, 0);
	steps_left = NEVER;
	test_ok(t->ctx, core_train_run(t->ctx, &t->task->job, &got));
	same(whole, &want, t, &got);
	if (!t->said.data || !strstr(t->said.data, "the run starts over") ||
		!strstr(t->said.data, text) || strncmp(t->said.data, "warning: ", 9))
		fail_msg("'%s' is not in '%s'", text, t->said.data ? t->said.data : "");
	assert_false(core_file_exists(path));
	end(whole);
	end(t);
}

static void damaged(void **state)
{
	(void)state;
	const method *m = &methods[EG];
	const char *path = state_path();
	fv_ctx *ctx = test_ctx();
	char *data;
	size_t size;
	leave(m, path);
	test_ok(ctx, core_file_read(ctx, path, 0, &data, &size));
	size_t stride = size / (size_t)test_rounds(60, 2000) + 1;
	for (size_t at = 0; at < size; at += stride) {
		data[at] ^= 1;
		test_ok(ctx, core_file_write(ctx, path, data, size));
		data[at] ^= 1;
		starts_over(m, path, "k", "checkpoint.safetensors");
	}
	for (size_t cut = 0; cut < size; cut += size / 7) {
		test_ok(ctx, core_file_write(ctx, path, data, cut));
		starts_over(m, path, "k", "checkpoint.safetensors");
	}
	test_ok(ctx, core_file_write(ctx, path, data, size));
	starts_over(m, path, "another", "left by a run of other data, weights, plugins, settings");
	core_ctx_free(ctx);
}

static void refused(const method *m, int epochs, const char *path)
{
	attempt *t = begin(m, epochs);
	core_train_result result;
	add_state(t, path, "k", 0);
	steps_left = NEVER;
	test_fails(t->ctx, core_train_run(t->ctx, &t->task->job, &result), FV_DATA,
		"not a checkpoint that this run can have left: it is removed");
	assert_false(core_file_exists(path));
	end(t);
}

/* Key and checksum are right, but the checkpoint is that of another run. */
static void forged(void **state)
{
	(void)state;
	const char *path = state_path();
	leave(&methods[EG], path);
	refused(&methods[EG], 1, path); /* its epoch lies behind the end */
	leave(&methods[ERM], path);
	refused(&methods[EG], 3, path); /* arrays are missing */
	leave(&methods[DISENT], path);
	refused(&methods[ERM], 3, path); /* another model */
}

static void not_written(void **state)
{
	(void)state;
	const method *m = &methods[EG];
	core_train_result want, got;
	attempt *whole = whole_run(m, 3, &want), *t = begin(m, 3);
	add_state(t, "/nonexistent/checkpoint.safetensors", "k", 1e-9);
	steps_left = NEVER;
	test_ok(t->ctx, core_train_run(t->ctx, &t->task->job, &got));
	same(whole, &want, t, &got);
	assert_non_null(t->said.data);
	assert_non_null(
		strstr(t->said.data, "warning: the checkpoint of the run could not be saved: "
				     "/nonexistent"));
	end(t);
	t = begin(m, 3);
	add_state(t, "/nonexistent/checkpoint.safetensors", "k", 0);
	steps_left = 4;
	test_fails(t->ctx, core_train_run(t->ctx, &t->task->job, &got), FV_STOPPED, "/nonexistent");
	end(t);
	end(whole);
}

static void saved_on_the_way(void **state)
{
	(void)state;
	const method *m = &methods[EG];
	const char *path = state_path();
	core_train_result want, got;
	attempt *whole = whole_run(m, 3, &want), *t = begin(m, 3);
	add_state(t, path, "k",
		1e-9); /* after the first step, and as often as that takes little of the time */
	steps_left = NEVER;
	test_ok(t->ctx, core_train_run(t->ctx, &t->task->job, &got));
	same(whole, &want, t, &got);
	assert_true(core_file_exists(path));
	end(t);
	t = begin(m, 3); /* as after kill -9: the checkpoint is that of a step before the end */
	add_state(t, path, "k", 0);
	test_ok(t->ctx, core_train_run(t->ctx, &t->task->job, &got));
	same(whole, &want, t, &got);
	assert_non_null(strstr(t->said.data, "goes on after step "));
	end(t);
	end(whole);
}

/* However often it is asked to save, saving takes no more than a fiftieth of the time. */
static void saving_is_rare(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_run_checkpoint *checkpoint;
	static float values[1 << 20];
	double begin = 0, end = 1;
	const core_run_checkpoint_options options = {state_path(), "key", 1e-9, NULL};
	test_ok(ctx, core_run_checkpoint_new(ctx, &options, &checkpoint));
	core_run_checkpoint_add(checkpoint, "values", FV_F32, 1 << 20, values);
	while (!core_run_checkpoint_is_due(checkpoint))
		;
	for (int i = 0; i < 100 && end - begin > 0.1;
		i++) { /* a disk can make a saving wait for others */
		begin = core_clock_s();
		test_ok(ctx, core_run_checkpoint_save(checkpoint));
		end = core_clock_s();
	}
	assert_true(end - begin <= 0.1);
	assert_false(core_run_checkpoint_is_due(checkpoint));
	while (!core_run_checkpoint_is_due(checkpoint))
		usleep(1000);
	assert_true(core_clock_s() - end > 48 * (end - begin));
	core_run_checkpoint_close(checkpoint);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_step),
		cmocka_unit_test(saving_is_rare),
		cmocka_unit_test(saved_on_the_way),
		cmocka_unit_test(damaged),
		cmocka_unit_test(forged),
		cmocka_unit_test(not_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
