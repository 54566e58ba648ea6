/* SPDX-License-Identifier: Apache-2.0 */
#include "task.h"

#include <stdio.h>
#include <stdlib.h>

#include <fairvox/stream.h>

#include "corpus/corpus.h"

static void add_delegates(task *t, const fv_descriptor *loss)
{
	core_train_delegate *to = core_alloc(t->ctx, loss->n_params, sizeof *to);
	t->job.delegate = to;
	for (uint32_t i = 0; i < loss->n_params; i++) {
		if (loss->params[i].type != FV_LOSS_REF)
			continue;
		const fv_descriptor *other = test_loss(loss->params[i].def_paper);
		to[t->job.n_delegates++] = (core_train_delegate){loss->params[i].name, other,
			test_loss_state(t->ctx, other, "official", NULL)};
	}
}

static fv_rows make_rows(const task *t, int first, int32_t n)
{
	return (fv_rows){.size = sizeof(fv_rows),
		.n = n,
		.classes = C,
		.groups = G,
		.label = t->label + first * C,
		.klass = t->klass + first,
		.group = t->group + first,
		.stem = t->stem + first,
		.speaker = t->speaker + first,
		.duration = t->duration + first};
}

task *new_task(const fv_descriptor *loss, bool turn)
{
	task *t = calloc(1, sizeof *t);
	assert_non_null(t);
	t->ctx = test_ctx();
	core_ctx_set_run(t->ctx, 7, 2);
	for (int i = 0; i < N + DEV; i++) {
		int at = !turn ? i : i < N ? N - 1 - i : N + DEV - 1 - (i - N);
		char name[32];
		snprintf(name, sizeof name, "rec_%d", i * 37 % 1000);
		fv_stream stream = fv_rng(t->ctx, "task", 0, fv_name_hash(name));
		int c = (int)fv_below(&stream, C), g = fv_uniform(&stream) < 0.2;
		t->stem[at] = core_strdup(t->ctx, name);
		t->group[at] = g;
		t->speaker[at] = i / 7;
		for (int k = 0; k < C; k++)
			t->label[at * C + k] = k == c ? 0.8f : 0.1f;
		for (int j = 0; j < WIDTH; j++)
			t->x[at * WIDTH + j] =
				(float)(fv_normal(&stream) + (j % C == c) + 0.5 * g * (j == 4));
	}
	core_label_class(t->label, N + DEV, C, t->klass);
	for (int i = 0; i < N + DEV; i++)
		t->duration[i] = 1 + i % 7;
	for (int i = 0; i < N; i++)
		t->train_index[i] = i;
	for (int i = 0; i < DEV; i++)
		t->dev_index[i] = N + i;
	t->spec = (core_train_spec){
		.epochs = 6, .batch = 16, .learning_rate = 0.01, .clip = 1, .select = "dev_loss"};
	t->job = (core_train_job){.shape = task_shape, .spec = &t->spec, .loss = loss};
	t->job.train =
		(core_train_data){.rows = make_rows(t, 0, N), .x = t->x, .index = t->train_index};
	t->job.dev =
		(core_train_data){.rows = make_rows(t, N, DEV), .x = t->x, .index = t->dev_index};
	t->job.loss_state = test_loss_state(t->ctx, loss, "official", NULL);
	add_delegates(t, loss);
	return t;
}

void free_task(task *t)
{
	core_ctx_free(t->ctx);
	free(t);
}
