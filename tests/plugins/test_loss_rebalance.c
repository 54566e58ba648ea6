/* SPDX-License-Identifier: Apache-2.0 */
/* fairbatch, dfr and cb_llr: whole runs compared with golden/training/rebalance, what they draw, edge
 * cases and refusals. */
#include "task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stages.h>

#include "corpus/corpus.h"

enum { ROWS = 100, CLASSES = 6, EPOCHS = 32 };

static float *read_floats(fv_ctx *ctx, const char *path)
{
	int64_t dims[4] = {1, 1, 1, 1};
	int rank;
	double *values = test_npy(test_golden(path), dims, &rank);
	size_t n = (size_t)dims[0];
	for (int i = 1; i < rank; i++)
		n *= (size_t)dims[i];
	float *out = core_alloc(ctx, n, sizeof *out);
	for (size_t i = 0; i < n; i++)
		out[i] = (float)values[i];
	free(values);
	return out;
}

/* A run of the golden data, and what its loss does on the way. */
typedef struct golden {
	fv_ctx *ctx;
	float *init, *label;
	int32_t klass[ROWS], group[ROWS], speaker[ROWS], index[ROWS];
	const char *stem[ROWS];
	core_train_spec spec;
	core_train_job job;
	fv_descriptor loss;
	fv_loss_ops ops;
	int32_t n, stages;
	double value[EPOCHS], dev_objective[EPOCHS], lambda[EPOCHS][CLASSES * 2];
	int32_t order[EPOCHS][ROWS], n_orders;
} golden;

static golden *watched;
static fv_status (*real_order)(void *, fv_ctx *, int64_t, int32_t *, int64_t);

static fv_status watch_order(void *state, fv_ctx *ctx, int64_t epoch, int32_t *position, int64_t n)
{
	fv_status status = real_order(state, ctx, epoch, position, n);
	memcpy(watched->order[watched->n_orders++], position, (size_t)n * sizeof *position);
	return status;
}

static fv_status start(void *user, const core_plan *plan, float *params)
{
	memcpy(params, ((const golden *)user)->init, (size_t)plan->count * sizeof *params);
	return FV_OK;
}

static fv_status watch_epoch(void *user, const core_train_epoch *epoch)
{
	golden *g = user;
	if (!strcmp(g->job.loss->name, "fairbatch"))
		memcpy(g->lambda[g->n], fv_array(g->ctx, "lambda", FV_F64, 1, CLASSES * 2),
			sizeof g->lambda[0]);
	g->value[g->n] = epoch->value;
	g->stages = epoch->stage;
	g->dev_objective[g->n++] = epoch->dev_objective;
	return FV_OK;
}

/* groups of turns: row i has group i / 7 % 2; otherwise column 0 of groups.npy */
static golden *open_golden(const char *loss, bool turns)
{
	golden *g = calloc(1, sizeof *g);
	g->ctx = test_ctx();
	core_ctx_set_run(g->ctx, 7, 3);
	g->init = read_floats(g->ctx, "training/head/init.npy");
	g->label = read_floats(g->ctx, "training/head/labels.npy");
	const float *both = read_floats(g->ctx, "training/head/groups.npy");
	core_label_class(g->label, ROWS, CLASSES, g->klass);
	for (int32_t i = 0; i < ROWS; i++) {
		g->group[i] = i % 11 == 10 ? -1 : turns ? i / 7 % 2 : (int32_t)both[2 * i];
		g->speaker[i] = i % 7;
		g->index[i] = i;
		g->stem[i] = core_format(g->ctx, "rec%03d", (int)i);
	}
	g->loss = *test_loss(loss);
	g->ops = *(const fv_loss_ops *)g->loss.ops;
	real_order = g->ops.order;
	g->ops.order = real_order ? watch_order : NULL;
	g->loss.ops = &g->ops;
	watched = g;
	g->spec = (core_train_spec){.batch = 32,
		.learning_rate = 1e-3,
		.clip = 1,
		.epochs = 4,
		.select = "dev_objective"};
	g->job = (core_train_job){
		.shape = {.layers = 13, .dims = 24, .projection = 16, .classes = CLASSES},
		.spec = &g->spec,
		.loss = &g->loss,
		.start = start,
		.on_epoch = watch_epoch,
		.user = g};
	g->job.train = (core_train_data){.rows = {.size = sizeof(fv_rows),
						 .n = ROWS,
						 .classes = CLASSES,
						 .groups = 2,
						 .label = g->label,
						 .klass = g->klass,
						 .group = g->group,
						 .stem = g->stem,
						 .speaker = g->speaker},
		.x = read_floats(g->ctx, "training/head/features.npy"),
		.index = g->index};
	g->job.dev = g->job.train;
	return g;
}

static void close_golden(golden *g)
{
	core_ctx_free(g->ctx);
	free(g);
}

static double worst; /* deviation */

static void close_to(double got, double want)
{
	worst = fmax(worst, fabs(got - want) / fmax(1, fabs(want)));
	test_close(got, want, 5e-7);
}

static double *get_numbers(const json_t *in, const char *key, size_t want)
{
	size_t n;
	double *out = test_numbers(json_object_get(in, key), &n);
	assert_int_equal(n, want);
	return out;
}

/* Trains, and compares development values, the kept model and the values of epochs that train. */
static void compare_run(golden *g, const char *name, const json_t *want, int32_t trained)
{
	core_train_result result;
	worst = 0;
	test_ok(g->ctx, core_train_run(g->ctx, &g->job, &result));
	double *dev = get_numbers(want, "dev_objective", (size_t)g->n),
	       *value = get_numbers(want, "value", (size_t)trained);
	for (int32_t e = 0; e < g->n; e++)
		close_to(g->dev_objective[e], dev[e]);
	for (int32_t e = 0; e < trained; e++)
		close_to(g->value[e], value[e]);
	int64_t dims[4];
	int rank;
	double *weights = test_npy(
		test_golden(core_format(g->ctx, "training/rebalance/%s.npy", name)), dims, &rank);
	assert_int_equal(dims[0], result.plan->count);
	for (int64_t j = 0; j < dims[0]; j++)
		close_to((double)result.params[j], weights[j]);
	print_message("%s: largest deviation %.2g of 5e-7\n", name, worst);
	free(weights);
	free(dev);
	free(value);
}

static void fairbatch_runs(void **state)
{
	(void)state;
	static const char *const names[] = {"fairbatch", "fairbatch_each"};
	json_t *json = test_json(test_golden("training/rebalance/rebalance.json"));
	for (int c = 0; c < 2; c++) {
		golden *g = open_golden("fairbatch", false);
		const json_t *want = json_object_get(json, names[c]);
		g->job.loss_state = test_loss_state(g->ctx, &g->loss, "paper",
			c ? "alpha=0.2" : "alpha=0.05", c ? "update=each" : "update=largest", NULL);
		compare_run(g, names[c], want, 4);
		double *lambda = get_numbers(want, "lambda", (size_t)4 * CLASSES * 2),
		       *order = get_numbers(want, "order", (size_t)4 * ROWS);
		assert_int_equal(g->n_orders, 4);
		for (int i = 0; i < 4 * ROWS; i++)
			assert_int_equal(g->order[i / ROWS][i % ROWS], (int32_t)order[i]);
		/* after a pass the shares follow losses of a float32 model; each step is alpha */
		for (int i = 0; i < 4 * CLASSES * 2; i++)
			close_to(g->lambda[i / 12][i % 12], lambda[i]);
		free(lambda);
		free(order);
		close_golden(g);
	}
	json_decref(json);
}

static void cb_llr_runs(void **state)
{
	(void)state;
	static const char *const names[] = {"cb_llr", "cb_llr_unweighted"};
	json_t *json = test_json(test_golden("training/rebalance/rebalance.json"));
	for (int c = 0; c < 2; c++) {
		golden *g = open_golden("cb_llr", false);
		g->spec.epochs = 2;
		g->spec.class_weights = c ? CORE_WEIGHTS_NONE : CORE_WEIGHTS_EFFECTIVE;
		g->job.loss_state = test_loss_state(g->ctx, &g->loss, "paper", "holdout=0.3",
			"refit_epochs=3", "refit_learning_rate=0.01", NULL);
		compare_run(g, names[c], json_object_get(json, names[c]), 5);
		close_golden(g);
	}
	json_decref(json);
}

static void dfr_runs(void **state)
{
	(void)state;
	static const char *const names[] = {"dfr", "dfr_unweighted"};
	json_t *json = test_json(test_golden("training/rebalance/rebalance.json"));
	for (int c = 0; c < 2; c++) {
		golden *g = open_golden("dfr", true);
		g->spec.epochs = 2;
		g->spec.class_weights = c ? CORE_WEIGHTS_NONE : CORE_WEIGHTS_EFFECTIVE;
		g->job.loss_state = test_loss_state(g->ctx, &g->loss, "paper", "holdout=0.6",
			c ? "refits=2" : "refits=3", c ? "c=2" : "c=0.5", "refit_epochs=3",
			"refit_learning_rate=0.01", NULL);
		compare_run(g, names[c], json_object_get(json, names[c]), c ? 8 : 11);
		assert_int_equal(g->stages, c ? 4 : 5);
		close_golden(g);
	}
	json_decref(json);
}

/* --- what they ask for ------------------------------------------------------------------------ */

/* Each refit has the same number of held-out rows of each subgroup, never one twice. */
static void dfr_balances(void **state)
{
	(void)state;
	golden *g = open_golden("dfr", true);
	const fv_stages_1 *stages = g->loss.extension(FV_STAGES_1);
	void *self = test_loss_state(g->ctx, &g->loss, "paper", "holdout=0.6", "c=4", NULL);
	const double ones[CLASSES] = {1, 1, 1, 1, 1, 1};
	const fv_loss_setup setup = {.size = sizeof setup,
		.train = &g->job.train.rows,
		.dev = &g->job.dev.rows,
		.class_weight = ones,
		.epochs = 2,
		.batch = 8};
	test_ok(g->ctx, g->ops.open(self, g->ctx, &setup));
	bool trained[7] = {false}, drawn[ROWS] = {false};
	int32_t n_drawn = 0, more = 1;
	int64_t first = 0;
	for (int32_t index = 0; index < 12; index++) {
		fv_stage s = {.size = sizeof s};
		int32_t each[CLASSES * 2] = {0}, seen[ROWS] = {0}, most = 0;
		more = 0;
		test_ok(g->ctx, stages->next(self, g->ctx, index, &s, &more));
		assert_int_equal(more, index < 11);
		if (index == 11) {
			assert_int_equal(s.n_average, 10);
			for (int32_t i = 0; i < 10; i++)
				assert_int_equal(s.average[i], i + 2);
			continue;
		}
		assert_int_equal(s.start, index > 0);
		assert_true(s.output_only == (index > 0) && s.fresh_output == (index > 0));
		first = index ? first : s.n;
		for (int64_t i = 0; i < s.n; i++) {
			int32_t row = s.row[i];
			assert_int_equal(seen[row]++, 0);
			if (index == 0) {
				trained[g->speaker[row]] = true;
				continue;
			}
			assert_false(trained[g->speaker[row]]);
			test_close(s.row_weight[row], 1, 1e-6); /* without class weights */
			int32_t at = g->klass[row] * 2 + g->group[row];
			most = ++each[at] > most ? each[at] : most;
			n_drawn += !drawn[row];
			drawn[row] = true;
		}
		for (int32_t i = 0; i < CLASSES * 2; i++)
			assert_true(!each[i] || each[i] == most);
		if (index)
			test_close(s.output_l1, 1 / (4 * (double)s.n), 1e-15);
	}
	assert_true(n_drawn > 12); /* refits draw different rows */
	assert_true(first >= 20 && first <= 45);
	close_golden(g);
}

/* The shares of an epoch are those of lambda to one row, whatever the order of the rows. */
static void fairbatch_shares(void **state)
{
	(void)state;
	golden *g = open_golden("fairbatch", true);
	g->job.loss_state = test_loss_state(g->ctx, &g->loss, "paper", "alpha=0.1", NULL);
	core_train_result result;
	test_ok(g->ctx, core_train_run(g->ctx, &g->job, &result));
	for (int e = 0; e < 4; e++) {
		double of_class[CLASSES] = {0}, drawn[CLASSES * 3] = {0};
		for (int i = 0; i < ROWS; i++) {
			int32_t row = g->order[e][i];
			of_class[g->klass[i]] += g->group[i] >= 0;
			drawn[g->klass[row] * 3 + (g->group[row] < 0 ? 2 : g->group[row])]++;
		}
		for (int c = 0; c < CLASSES; c++)
			for (int k = 0; k < 2 && e; k++)
				assert_true(
					fabs(drawn[c * 3 + k] -
						of_class[c] * g->lambda[e - 1][2 * c + k]) < 1.5);
	}
	for (int i = 0; i < CLASSES; i++)
		test_close(g->lambda[3][2 * i] + g->lambda[3][2 * i + 1], 1, 1e-12);
	close_golden(g);
}

static void refusals(void **state)
{
	(void)state;
	static const char *const staged[] = {"dfr", "cb_llr"};
	for (int l = 0; l < 2; l++) {
		task *t = new_task(test_loss(staged[l]), false);
		core_train_result result;
		memset(t->speaker, 0, sizeof t->speaker);
		test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_DATA,
			"of one speaker, so none can be held out");
		free_task(t);
	}
	task *t = new_task(test_loss("dfr"), false);
	core_train_result result;
	for (int i = 0; i < N + DEV; i++)
		t->group[i] = -1;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_DATA,
		"no held-out recording has a known group");
	free_task(t);
	/* nothing would be left of fairbatch in an order from a file */
	t = new_task(test_loss("fairbatch"), false);
	int32_t order[6 * N];
	for (int i = 0; i < 6 * N; i++)
		order[i] = i % N;
	t->job.order = order;
	t->job.order_epochs = 6;
	t->job.order_n = N;
	test_fails(t->ctx, core_train_run(t->ctx, &t->job, &result), FV_CONFIG,
		"train.order cannot be used: loss fairbatch chooses the rows of an epoch itself");
	free_task(t);
	/* groups that are all unknown leave fairbatch nothing to do */
	t = new_task(test_loss("fairbatch"), false);
	for (int i = 0; i < N + DEV; i++)
		t->group[i] = -1;
	test_ok(t->ctx, core_train_run(t->ctx, &t->job, &result));
	free_task(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fairbatch_runs),
		cmocka_unit_test(cb_llr_runs),
		cmocka_unit_test(dfr_runs),
		cmocka_unit_test(dfr_balances),
		cmocka_unit_test(fairbatch_shares),
		cmocka_unit_test(refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
