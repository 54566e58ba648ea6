/* SPDX-License-Identifier: Apache-2.0 */
/* A run that is stopped after any step and taken up again gives the bits of one that was not, with every
 * loss plugin; and what becomes of a state file that is damaged, another run's, or cannot be written. */
#include "losses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fairvox/stream.h>

#include "base/file.h"
#include "corpus/corpus.h"
#include "train/trainer.h"

enum { N = 77, DEV = 45, L = 2, D = 9, C = 3, G = 2, WIDTH = L * D, BATCH = 16, EPOCH_STEPS = 5 };

static const core_head_shape shape = {L, D, 5, C};

typedef struct task {
	fv_ctx *ctx;
	float x[(N + DEV) * WIDTH], label[(N + DEV) * C], member[(N + DEV) * G];
	int32_t klass[N + DEV], group[N + DEV], index[N + DEV];
	const char *stem[N + DEV];
	core_train_spec spec;
	core_train_job job;
	core_text history, said;
} task;

static void fill_row(task *t, int i)
{
	char name[32];
	snprintf(name, sizeof name, "rec_%d", i * 37 % 1000);
	fv_stream stream = fv_rng(t->ctx, "task", 0, fv_name_hash(name));
	int c = (int)fv_below(&stream, C), g = fv_uniform(&stream) < 0.2;
	t->stem[i] = core_strdup(t->ctx, name);
	t->group[i] = i % 11 == 10 ? -1 : g;
	t->index[i] = i;
	for (int j = 0; j < G; j++)
		t->member[i * G + j] = j == g ? 0.7f : 0.2f;
	for (int k = 0; k < C; k++)
		t->label[i * C + k] = k == c ? 0.8f : 0.1f;
	for (int j = 0; j < WIDTH; j++)
		t->x[i * WIDTH + j] =
			(float)(fv_normal(&stream) + (j % C == c) + 0.5 * g * (j == 4));
}

static void note(void *user, core_level level, const char *line)
{
	if (level <= CORE_WARNING)
		core_text_add(user, "%s%s\n", level == CORE_WARNING ? "warning: " : "", line);
}

static core_train_data rows(task *t, int first, int n)
{
	return (core_train_data){{sizeof(fv_rows), n, C, G, t->label + first * C, t->klass + first,
					 t->group + first, t->member + first * G, t->stem + first},
		t->x, t->index + first};
}

/* What the epochs were, but for the clock. */
static fv_status record(void *user, const core_train_epoch *e)
{
	task *t = user;
	core_text_add(&t->history, "%d %a %a %a %a %d %a %a\n", (int)e->epoch, e->value,
		e->grad_norm, e->dev_loss, e->dev_objective, e->best, e->group_loss[0],
		e->group_loss[1]);
	core_text_put(&t->history, (const char *)e->params, sizeof(float) * 16);
	return FV_OK;
}

typedef struct method {
	const char *loss, *profile, *setting, *other;
} method;

static task *new_task(const method *m, int epochs)
{
	task *t = calloc(1, sizeof *t);
	assert_non_null(t);
	t->ctx = test_ctx();
	core_ctx_set_run(t->ctx, 7, 2);
	core_ctx_set_log(t->ctx, note, &t->said);
	for (int i = 0; i < N + DEV; i++)
		fill_row(t, i);
	core_label_class(t->label, N + DEV, C, t->klass);
	t->spec = (core_train_spec){.epochs = epochs,
		.batch = BATCH,
		.learning_rate = 0.01,
		.clip = 1,
		.select = "dev_loss"};
	const fv_descriptor *loss = test_loss(m->loss);
	t->job = (core_train_job){.shape = shape,
		.spec = &t->spec,
		.loss = loss,
		.train = rows(t, 0, N),
		.dev = rows(t, N, DEV),
		.on_epoch = record,
		.user = t};
	t->job.loss_state = test_loss_state(t->ctx, loss, m->profile, m->setting, m->other, NULL);
	return t;
}

static void free_task(task *t)
{
	core_text_free(&t->history);
	core_text_free(&t->said);
	core_ctx_free(t->ctx);
	free(t);
}

static int steps_left; /* until the signal */

static bool count_down(void)
{
	steps_left -= steps_left > 0;
	return steps_left == 0;
}

static void add_state(task *t, const char *path, const char *key, double every_s)
{
	const core_state_options options = {path, key, every_s, count_down};
	test_ok(t->ctx, core_state_new(t->ctx, &options, &t->job.state));
	core_state_add_text(t->job.state, "history", &t->history);
}

/* Weights, epochs and all arrays. */
static void same(
	const task *a, const core_train_result *ra, const task *b, const core_train_result *rb)
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

/* Goes on until the end, interrupted after `first` steps and then after every `every`. */
static task *in_pieces(const method *m, int epochs, int first, int every, const char *path,
	core_train_result *result)
{
	for (int left = first;; left = every) {
		task *t = new_task(m, epochs);
		add_state(t, path, "k", 0);
		steps_left = left;
		fv_status status = core_train_run(t->ctx, &t->job, result);
		core_state_close(t->job.state);
		if (status == FV_OK) {
			unlink(path);
			return t;
		}
		test_fails(t->ctx, status, FV_STOPPED, "its state is saved");
		free_task(t);
	}
}

enum { ERM = 0, EG = 5, DISENT = 16, NEVER = 1000000 };

static const method methods[] = {
	{"erm", "paper", NULL, NULL},
	{"random", "paper", NULL, NULL},
	{"rw", "paper", NULL, NULL},
	{"ds", "paper", NULL, NULL},
	{"gdro", "paper", NULL, NULL},
	{"gdro", "official", NULL, NULL},
	{"gdro", "official", "mode=smoothed", "group_loss=excess"},
	{"gadro", "paper", NULL, NULL},
	{"gadro", "official", NULL, NULL},
	{"pgdro", "paper", NULL, NULL},
	{"pgdro", "official", NULL, NULL},
	{"cvar_dro", "paper", NULL, NULL},
	{"grl", "paper", NULL, NULL},
	{"lff", "paper", NULL, NULL},
	{"lff", "official", NULL, NULL},
	{"disent", "paper", "swap_step=4", NULL},
	{"disent", "official", "swap_step=4", NULL},
};

static const char *state_path(void)
{
	static char path[4096];
	snprintf(path, sizeof path, "%s/state.safetensors", test_folder("state"));
	return path;
}

static task *whole_run(const method *m, int epochs, core_train_result *result)
{
	task *t = new_task(m, epochs);
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, result));
	return t;
}

static void every_step(void **state)
{
	(void)state;
	int epochs = (int)test_rounds(2, 40);
	const char *path = state_path();
	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		core_train_result want, got;
		task *whole = whole_run(&methods[i], epochs, &want);
		for (int step = 1; step <= EPOCH_STEPS * epochs; step++) {
			task *t = in_pieces(&methods[i], epochs, step, NEVER, path, &got);
			same(whole, &want, t, &got);
			free_task(t);
		}
		task *t = in_pieces(&methods[i], epochs, 1, 3, path, &got);
		same(whole, &want, t, &got);
		free_task(t);
		free_task(whole);
	}
}

/* Stops a run of the method after 7 steps. */
static void leave(const method *m, const char *path)
{
	task *t = new_task(m, 3);
	core_train_result result;
	add_state(t, path, "k", 0);
	steps_left = 7;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_STOPPED, "is saved");
	core_state_close(t->job.state);
	free_task(t);
}

/* What is in the file is not taken up: a warning with `text`, the file gone, and the run as ever. */
static void starts_over(const method *m, const char *path, const char *key, const char *text)
{
	core_train_result want, got;
	task *whole = whole_run(m, 3, &want), *t = new_task(m, 3);
	add_state(t, path, key, 0);
	steps_left = NEVER;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &got));
	core_state_close(t->job.state);
	same(whole, &want, t, &got);
	if (!t->said.data || !strstr(t->said.data, "the run starts over") ||
		!strstr(t->said.data, text) || strncmp(t->said.data, "warning: ", 9))
		fail_msg("'%s' is not in '%s'", text, t->said.data ? t->said.data : "");
	assert_false(core_file_exists(path));
	free_task(whole);
	free_task(t);
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
		starts_over(m, path, "k", "state.safetensors");
	}
	for (size_t cut = 0; cut < size; cut += size / 7) {
		test_ok(ctx, core_file_write(ctx, path, data, cut));
		starts_over(m, path, "k", "state.safetensors");
	}
	test_ok(ctx, core_file_write(ctx, path, data, size));
	starts_over(m, path, "another", "left by a run of other data, weights, plugins, settings");
	core_ctx_free(ctx);
}

static void refused(const method *m, int epochs, const char *path)
{
	task *t = new_task(m, epochs);
	core_train_result result;
	add_state(t, path, "k", 0);
	steps_left = NEVER;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_DATA,
		"not a state that this run can be in; it is removed");
	core_state_close(t->job.state);
	assert_false(core_file_exists(path));
	free_task(t);
}

/* Key and checksum are right and the state is another run's all the same. */
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
	task *whole = whole_run(m, 3, &want), *t = new_task(m, 3);
	add_state(t, "/nonexistent/state.safetensors", "k", 1e-9);
	steps_left = NEVER;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &got));
	same(whole, &want, t, &got);
	assert_non_null(t->said.data);
	assert_non_null(strstr(t->said.data, "warning: the state of the run could not be saved: "
					     "/nonexistent"));
	free_task(t);
	t = new_task(m, 3);
	add_state(t, "/nonexistent/state.safetensors", "k", 0);
	steps_left = 4;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &got), FV_STOPPED, "/nonexistent");
	free_task(t);
	free_task(whole);
}

static void saved_on_the_way(void **state)
{
	(void)state;
	const method *m = &methods[EG];
	const char *path = state_path();
	core_train_result want, got;
	task *whole = whole_run(m, 3, &want), *t = new_task(m, 3);
	add_state(t, path, "k", 1e-9); /* after each step */
	steps_left = NEVER;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &got));
	same(whole, &want, t, &got);
	assert_true(core_file_exists(path));
	free_task(t);
	t = new_task(m, 3); /* as after kill -9: the state is that of the last step */
	add_state(t, path, "k", 0);
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &got));
	same(whole, &want, t, &got);
	assert_non_null(strstr(t->said.data, "goes on after step 15 of 15 (epoch 3)"));
	core_state_close(t->job.state);
	free_task(t);
	free_task(whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_step),
		cmocka_unit_test(saved_on_the_way),
		cmocka_unit_test(damaged),
		cmocka_unit_test(forged),
		cmocka_unit_test(not_written),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
