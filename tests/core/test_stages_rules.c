/* SPDX-License-Identifier: Apache-2.0 */
/* fv.stages/1: losses inside stages, groups that an objective makes, previews, and what is refused. */
#include "staged.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stages.h>

/* A delegate that notes what it is shown. */
typedef struct spy {
	struct seen *seen;
	int64_t mark;
} spy;

struct seen {
	int32_t opened, n, groups, dev_group, batches, rows[N * 3];
	int32_t group[N * 3], speaker[N * 3], visits[N * 3];
	double g[G + 1], c[C], class_weight[C];
	bool soft;
};

static fv_status spy_open(void *state, fv_ctx *ctx, const fv_loss_setup *setup)
{
	spy *self = state;
	struct seen *to = self->seen;
	(void)ctx;
	assert_int_equal(self->mark++, 5); /* its state is a fresh copy in every stage */
	to->opened++;
	to->n = setup->train->n;
	to->groups = setup->train->groups;
	to->soft = setup->train->member != NULL;
	for (int32_t i = 0; i < to->n; i++) {
		to->rows[i] = atoi(setup->train->stem[i] + 4);
		to->group[i] = setup->train->group ? setup->train->group[i] : -7;
		to->speaker[i] = setup->train->speaker[i];
	}
	to->dev_group = setup->dev->group ? setup->dev->group[3] : -7;
	memcpy(to->g, setup->count->g, (size_t)to->groups * sizeof *to->g);
	memcpy(to->c, setup->count->c, sizeof to->c);
	memcpy(to->class_weight, setup->class_weight, sizeof to->class_weight);
	return FV_OK;
}

static fv_status spy_weigh(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	struct seen *to = ((spy *)state)->seen;
	double *calls = fv_array(ctx, "calls", FV_F64, 1, 1);
	calls[0]++;
	*value = 0;
	for (int32_t i = 0; i < batch->n; i++) {
		v[i] = 1.0 / batch->n;
		*value += v[i] * batch->loss[i];
		to->visits[batch->row[i]]++;
		assert_int_equal(to->rows[batch->row[i]], atoi(batch->stem[i] + 4));
	}
	return FV_OK;
}

static const fv_loss_ops spy_ops = {
	.size = sizeof spy_ops, .uses_groups = 1, .open = spy_open, .weigh = spy_weigh};
static const fv_descriptor spying = {
	.size = sizeof spying, .name = "spy", .state_size = sizeof(spy), .ops = &spy_ops};

static void delegates(void **state)
{
	(void)state;
	struct seen seen[2] = {{0}};
	const spy mine[2] = {{&seen[0], 5}, {&seen[1], 5}};
	const core_train_delegate to[] = {{"one", &spying, &mine[0]}, {"two", &spying, &mine[1]}};
	const int32_t row[] = {70, 3, 3, 9};
	int32_t group[N], dev_group[DEV];
	for (int i = 0; i < N; i++)
		group[i] = i % 4 - 1;
	for (int i = 0; i < DEV; i++)
		dev_group[i] = 1;
	staged_history h;
	staged_script s = {.n = 3,
		.stage = {{.epochs = 2, .loss = "one"},
			{.epochs = 2,
				.loss = "two",
				.row = row,
				.n = 4,
				.groups = 3,
				.group = group,
				.dev_group = dev_group},
			{.epochs = 1}}};
	task *t = staged_task(&staged_loss, &s, &h);
	t->job.delegate = to;
	t->job.n_delegates = 2;
	core_train_result result;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	/* without groups of the stage: those of the run */
	assert_int_equal(seen[0].n, N);
	assert_int_equal(seen[0].groups, G);
	assert_memory_equal(seen[0].group, t->group, sizeof t->group[0] * N);
	assert_true(seen[0].g[0] + seen[0].g[1] == N);
	/* only its own rows, numbered from 0, and its own groups */
	assert_int_equal(seen[1].n, 4);
	assert_int_equal(seen[1].groups, 3);
	assert_int_equal(seen[1].dev_group, 1);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(seen[1].rows[i], atoi(t->stem[row[i]] + 4));
		assert_int_equal(seen[1].group[i], row[i] % 4 - 1);
		assert_int_equal(seen[1].speaker[i], t->speaker[row[i]]);
		assert_int_equal(seen[1].visits[i], 2);
	}
	assert_true(seen[1].g[0] == 1 && seen[1].g[1] == 1 && seen[1].g[2] == 2);
	assert_true(seen[1].c[0] + seen[1].c[1] + seen[1].c[2] == 4);
	assert_memory_equal(seen[1].class_weight, result.class_weight, sizeof seen[1].class_weight);
	/* arrays of its own */
	const double calls[] = {5, 10, 1, 2, -1};
	for (int i = 0; i < 5; i++)
		assert_true(h.calls[i] == calls[i]);
	assert_int_equal(h.epoch[0].groups, G);
	assert_int_equal(h.epoch[2].groups, 3);
	assert_int_equal(h.epoch[4].groups, G);
	free_task(t);
}

/* The world of a delegate without rows or groups of the stage is that of a run. */
static void delegate_is_a_run(void **state)
{
	(void)state;
	const char *names[] = {"erm", "gdro", "rw", "ds", "lff", "disent", "cvar_dro"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		task *t = new_task(test_loss(names[i]), false);
		core_train_result run, stage;
		staged_history h;
		staged_script s = {.n = 2, .stage = {{.epochs = 1}, {.fresh = 1, .loss = "then"}}};
		task *u = staged_task(&staged_loss, &s, &h);
		const core_train_delegate to = {"then", t->job.loss,
			test_loss_state(u->ctx, t->job.loss, "official", NULL)};
		u->job.delegate = &to;
		u->job.n_delegates = 1;
		u->job.on_epoch = NULL;
		test_ok(t->ctx, core_train_run(t->ctx, &t->job, &run));
		test_ok(u->ctx, core_train_run(u->ctx, &u->job, &stage));
		assert_int_equal(run.plan->count, stage.plan->count);
		assert_memory_equal(
			run.params, stage.params, (size_t)run.plan->count * sizeof(float));
		assert_int_equal(run.selected_epoch, stage.selected_epoch);
		assert_true(run.selected_value == stage.selected_value);
		free_task(t);
		free_task(u);
	}
}

/* An objective that makes groups never shows those of the run. */
static void hidden_groups(void **state)
{
	(void)state;
	struct seen seen = {0};
	const spy mine = {&seen, 5};
	const core_train_delegate to = {"then", &spying, &mine};
	staged_history h;
	int32_t group[N] = {0};
	staged_script s = {.n = 1, .stage = {{.loss = "then"}}};
	task *t = staged_task(&staged_grouping_loss, &s, &h);
	t->job.delegate = &to;
	t->job.n_delegates = 1;
	core_train_result result;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_CONFIG,
		"loss spy needs groups");
	assert_int_equal(seen.opened, 0);
	s.stage[0].groups = 2;
	s.stage[0].group = group;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	assert_int_equal(seen.groups, 2);
	assert_int_equal(seen.group[5], 0);
	assert_int_equal(seen.dev_group, -1); /* not said: unknown */
	free_task(t);
}

static void preview(void **state)
{
	(void)state;
	struct seen seen = {0};
	const spy mine = {&seen, 5};
	const core_train_delegate to = {"then", &spying, &mine};
	const int32_t row[] = {1, 2, 3};
	staged_history h;
	staged_script s = {.n = 3,
		.ask = true,
		.stage = {{.epochs = 4}, {.row = row, .n = 3}, {.loss = "then", .epochs = 2}}};
	task *t = staged_task(&staged_loss, &s, &h);
	t->job.delegate = &to;
	t->job.n_delegates = 1;
	t->job.train.x = t->job.dev.x = NULL;
	core_train_preview out;
	test_ok(t->ctx, core_train_preview_run(t->ctx, &t->job, &out));
	const int32_t rows[] = {N, 3, N}, epochs[] = {4, 6, 2};
	const char *const loss[] = {"scripted", "scripted", "spy"};
	assert_int_equal(out.n, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(out.stage[i].rows, rows[i]);
		assert_int_equal(out.stage[i].epochs, epochs[i]);
		assert_string_equal(out.stage[i].loss, loss[i]);
	}
	assert_int_equal(seen.opened, 0);
	assert_true(s.logits[2][7] == 0);
	free_task(t);
}

static void refusals(void **state)
{
	(void)state;
	static const int32_t low[] = {0, -1}, high[] = {N}, far_group[N] = {[5] = 2},
			     far_dev[DEV] = {[2] = -2}, fine[N] = {0};
	double nan[N] = {[4] = -(double)NAN}, minus[N] = {[4] = -1}, none[N] = {0};
	const struct {
		fv_stage stage;
		fv_status status;
		const char *text;
	} cases[] = {
		{{.row = low, .n = 2}, FV_FAILED,
			"loss scripted: op next, stage 1: stage->row[1] is -1, but rows are 0"},
		{{.row = high, .n = 1}, FV_FAILED,
			"stage->row[0] is 77, but rows are 0 to 76: write positions in "
			"setup->train"},
		{{.row = high}, FV_FAILED,
			"stage->n is 0, but stage->row is set: write how many rows it has, or "
			"leave row NULL"},
		{{.row_weight = nan}, FV_FAILED,
			"stage->row_weight[4] is nan: write a finite number"},
		{{.row_weight = minus}, FV_FAILED, "stage->row_weight[4] is -1: write"},
		{{.row_weight = none}, FV_FAILED, "stage->row_weight sums to 0: give some row"},
		{{.epochs = -1}, FV_FAILED, "stage->epochs is -1: write 1 to 1000000"},
		{{.learning_rate = -(double)NAN}, FV_FAILED, "stage->learning_rate is nan"},
		{{.anchor = -1}, FV_FAILED, "stage->anchor is -1: write"},
		{{.loss = "than"}, FV_FAILED,
			"stage->loss is 'than', which is no parameter of type FV_LOSS_REF"},
		{{.groups = 2, .group = fine}, FV_FAILED,
			"stage->groups is 2, but stage->loss is NULL"},
		{{.groups = 2, .loss = "then"}, FV_FAILED,
			"stage->groups is 2, but stage->group is NULL: write both"},
		{{.groups = 2, .group = far_group, .loss = "then"}, FV_FAILED,
			"stage->group[5] is 2, but stage->groups is 2: write -1 to 1"},
		{{.groups = 2, .group = fine, .dev_group = far_dev, .loss = "then"}, FV_FAILED,
			"stage->dev_group[2] is -2, but stage->groups is 2"},
		{{.loss = "again"}, FV_CONFIG,
			"parameter again names loss scripted, which trains in stages itself: name "
			"another"},
		{{.loss = "lff", .output_only = 1}, FV_CONFIG, "lff has networks of its own"},
		{{.loss = "lff", .row_weight = (const double[N]){1}}, FV_CONFIG,
			"lff has networks of its own"},
	};
	struct seen seen = {0};
	const spy mine = {&seen, 5};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		staged_history h;
		staged_script s = {.n = 1, .stage = {cases[i].stage}};
		task *t = staged_task(&staged_loss, &s, &h);
		const fv_descriptor *lff = test_loss("lff");
		const core_train_delegate to[] = {{"then", &spying, &mine},
			{"again", &staged_loss, &s},
			{"lff", lff, test_loss_state(t->ctx, lff, "paper", NULL)}};
		core_train_result result;
		t->job.delegate = to;
		t->job.n_delegates = 3;
		test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), cases[i].status,
			cases[i].text);
		assert_int_equal(s.closed, 1);
		free_task(t);
	}
}

static fv_status weigh_badly(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	(void)state;
	(void)ctx;
	for (int32_t i = 0; i < batch->n; i++)
		v[i] = i == 1 && batch->step == 3 ? NAN : 1;
	*value = 1;
	return FV_OK;
}

/* Steps count anew in each stage, so what is said of one names the stage. */
static void names_stage(void **state)
{
	(void)state;
	static const fv_loss_ops bad_ops = {.size = sizeof bad_ops, .weigh = weigh_badly};
	static const fv_descriptor bad = {.size = sizeof bad, .name = "bad", .ops = &bad_ops};
	char no_state = 0; /* of size 0 */
	const core_train_delegate to[] = {{"then", &bad, &no_state}};
	const struct {
		fv_stage second;
		const char *text;
	} cases[] = {
		{{.learning_rate = 1e30},
			"stage 2 (scripted), step 2 (epoch 1): the logits are not finite: lower "
			"train.learning_rate (1e+30)"},
		{{.loss = "then"}, "plugin bad: stage 2 (bad), step 3: v of sample 1 is nan"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		staged_history h;
		staged_script s = {.n = 2, .stage = {{.epochs = 1}, cases[i].second}};
		task *t = staged_task(&staged_loss, &s, &h);
		core_train_result result;
		t->job.delegate = to;
		t->job.n_delegates = 1;
		test_fails(
			t->ctx, core_train_run(t->ctx, &t->job, &result), FV_FAILED, cases[i].text);
		free_task(t);
	}
}

static void out_of_place(void **state)
{
	(void)state;
	staged_history h;
	core_train_result result;
	staged_script s = {.n = 2};
	task *t = staged_task(&staged_loss, &s, &h);
	fv_rows rows = t->job.train.rows;
	float logits[N * C];
	s.other = &rows;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_FAILED,
		"op next, stage 1: no earlier stage has a model: predict where index > 0");
	test_fails(t->ctx, fv_predict_rows(t->ctx, &rows, logits), FV_FAILED,
		"no earlier stage has a model: predict in op next, where index > 0");
	int32_t order[6 * N] = {0};
	s.other = NULL;
	t->job.order = order;
	t->job.order_epochs = 6;
	t->job.order_n = N;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_CONFIG,
		"train.order cannot be used");
	free_task(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delegates),
		cmocka_unit_test(delegate_is_a_run),
		cmocka_unit_test(hidden_groups),
		cmocka_unit_test(preview),
		cmocka_unit_test(refusals),
		cmocka_unit_test(names_stage),
		cmocka_unit_test(out_of_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
