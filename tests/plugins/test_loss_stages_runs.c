/* SPDX-License-Identifier: Apache-2.0 */
/* Whole runs of the objectives that train in stages (jtt, afr, eiil), on a small task. */
#include "task.h"

#include <math.h>
#include <string.h>

static const char *const names[] = {"jtt", "afr", "eiil"};

typedef struct history {
	int n, stage[32], epoch[32];
	double value[32];
	float params[32][128];
} history;

static fv_status record_epoch(void *user, const core_train_epoch *epoch)
{
	history *h = user;
	h->stage[h->n] = epoch->stage;
	h->epoch[h->n] = epoch->epoch;
	h->value[h->n] = epoch->value;
	memcpy(h->params[h->n++], epoch->params,
		(size_t)core_head_count(&task_shape) * sizeof(float));
	return FV_OK;
}

/* Two stages each; the second one does what its source describes. */
static void whole_runs(void **state)
{
	(void)state;
	const int64_t output = core_head_count(&task_shape) - C * H - C;
	for (int l = 0; l < 3; l++) {
		task *t = new_task(test_loss(names[l]), false);
		history h = {0};
		t->job.on_epoch = record_epoch;
		t->job.user = &h;
		core_train_result result;
		test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
		int first = l == 1 ? 6 : 5; /* the first stage of afr is as long as any run */
		assert_int_equal(h.n, first + 6);
		for (int i = 0; i < h.n; i++) {
			assert_int_equal(h.stage[i], i < first ? 1 : 2);
			assert_int_equal(h.epoch[i], 1 + (i < first ? i : i - first));
		}
		int held = !memcmp(
			h.params[h.n - 1], h.params[h.n - 2], (size_t)output * sizeof(float));
		assert_int_equal(held, l == 1); /* only the output layer is trained */
		free_task(t);
	}
}

/* Batches of one, one batch for all, no row of a class, groups that are all unknown. */
static void edge_cases(void **state)
{
	(void)state;
	for (int l = 0; l < 3; l++)
		for (int edge = 0; edge < 4; edge++) {
			task *t = new_task(test_loss(names[l]), false);
			core_train_result result;
			t->spec.batch = edge == 0 ? 1 : edge == 1 ? 1000 : 16;
			for (int i = 0; i < N + DEV && edge > 1; i++) {
				t->group[i] = edge == 3 ? -1 : t->group[i];
				if (edge == 2 && t->klass[i] == 1) {
					float other = t->label[i * C];
					t->label[i * C] = t->label[i * C + 1];
					t->label[i * C + 1] = other;
					t->klass[i] = 0;
				}
			}
			test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
			assert_true(result.selected_epoch >= 1);
			free_task(t);
		}
}

static void not_finite(void **state)
{
	(void)state;
	for (int l = 0; l < 3; l++) {
		task *t = new_task(test_loss(names[l]), false);
		core_train_result result;
		t->x[5 * WIDTH] = NAN;
		test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_DATA,
			"are not finite");
		free_task(t);
		t = new_task(test_loss(names[l]), false);
		t->spec.learning_rate = 1e300;
		test_fails(
			t->ctx, core_train_run(t->ctx, &t->job, &result), FV_FAILED, "not finite");
		free_task(t);
	}
}

/* A preview without training says what a run does, except for rows that depend on predictions. */
static void preview_equals_run(void **state)
{
	(void)state;
	const int epochs[3][2] = {{5, 6}, {6, 6}, {5, 6}};
	for (int l = 0; l < 3; l++) {
		task *t = new_task(test_loss(names[l]), false);
		core_train_preview preview;
		t->job.train.x = t->job.dev.x = NULL;
		test_ok(t->ctx, core_train_preview_run(t->ctx, &t->job, &preview));
		assert_int_equal(preview.n, 2);
		for (int i = 0; i < 2; i++)
			assert_int_equal(preview.stage[i].epochs, epochs[l][i]);
		assert_string_equal(preview.stage[1].loss, l == 2 ? "gdro" : names[l]);
		if (l == 1)
			assert_int_equal(preview.stage[0].rows + preview.stage[1].rows, N);
		else
			assert_int_equal(preview.stage[0].rows, N);
		free_task(t);
	}
}

/* None of them ever sees the groups of the run. */
static void no_groups(void **state)
{
	(void)state;
	for (int l = 0; l < 3; l++) {
		core_train_result result[2];
		task *t[2];
		for (int i = 0; i < 2; i++) {
			t[i] = new_task(test_loss(names[l]), false);
			for (int j = 0; j < N + DEV && i; j++)
				t[i]->group[j] = j % 3 ? 0 : 1;
			test_ok(t[i]->ctx, core_train_run(t[i]->ctx, &t[i]->job, &result[i]));
		}
		assert_memory_equal(result[0].params, result[1].params,
			(size_t)core_head_count(&task_shape) * sizeof(float));
		free_task(t[0]);
		free_task(t[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_runs),
		cmocka_unit_test(edge_cases),
		cmocka_unit_test(not_finite),
		cmocka_unit_test(preview_equals_run),
		cmocka_unit_test(no_groups),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
