/* SPDX-License-Identifier: Apache-2.0 */
/* Whole training runs of losses that only weight or choose samples, compared with golden/training/objectives. */
#include "losses.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "corpus/corpus.h"
#include "golden_rows.h"
#include "nn/base_loss.h"
#include "train/trainer.h"
#include "weigh_bench.h"

typedef struct follower {
	fv_loss_ops real;
	const json_t *trace;
	double *value, *q;
	int32_t *winner, groups;
	size_t steps;
	double wins[128];
	const char *name;
	float *init;
} follower;

static follower *following; /* ops have no user pointer */

static fv_status watch_weigh(
	void *state, fv_ctx *ctx, const fv_batch *batch, double *v, double *value)
{
	follower *f = following;
	fv_status status = f->real.weigh(state, ctx, batch, v, value);
	size_t step = (size_t)batch->step - 1;
	double plain = *value; /* eg: the golden value is without the constant */
	if (f->q)
		test_ok(ctx, f->real.evaluate(state, ctx, batch, &plain));
	test_close(plain, f->value[step], 5e-6);
	if (f->q) {
		double *q = fv_array(ctx, "q", FV_F64, 1, f->groups);
		for (int32_t g = 0; g < f->groups; g++)
			test_close(q[g], f->q[step * (size_t)f->groups + (size_t)g], 2e-6);
	}
	if (f->winner) {
		double *wins = fv_array(ctx, "wins", FV_F64, 1, f->groups);
		f->wins[f->winner[step]]++;
		assert_memory_equal(wins, f->wins, (size_t)f->groups * sizeof *wins);
	}
	f->steps++;
	return status;
}

static fv_status start_follower(void *user, const core_plan *plan, float *params)
{
	const follower *f = user;
	memcpy(params, f->init, (size_t)plan->count * sizeof *params);
	return FV_OK;
}

static fv_status watch_epoch(void *user, const core_train_epoch *epoch)
{
	follower *f = user;
	size_t n;
	double *norm = test_numbers(json_object_get(f->trace, "grad_norm"), &n), mean = 0;
	for (int i = 0; i < 4; i++)
		mean += norm[(epoch->epoch - 1) * 4 + i] / 4;
	test_close(epoch->grad_norm, mean, 5e-6);
	free(norm);
	if (epoch->epoch < 5)
		return FV_OK;
	char path[128];
	int64_t dims[4];
	int rank;
	snprintf(path, sizeof path, "training/objectives/trace_%s.npy", f->name);
	double *want = test_npy(test_golden(path), dims, &rank);
	for (int64_t i = 0; i < dims[0]; i++)
		test_close(epoch->params[i], want[i], 5e-7);
	free(want);
	return FV_OK;
}

enum { N = 100 };

static void follow_trace(const char *name, const json_t *trace)
{
	fv_ctx *ctx = test_ctx();
	const json_t *options = json_object_get(trace, "options");
	const fv_descriptor *loss = test_golden_loss(options);
	const char *from = test_golden_option(trace, "groups_from");
	int64_t count;
	size_t n, m;
	float *label = test_golden_floats(ctx, "training/head/labels.npy", &count);
	float *both = test_golden_floats(ctx, "training/head/groups.npy", &count);
	float *orders = test_golden_floats(ctx, "training/head/order.npy", &count);
	float *pi = test_golden_floats(ctx, "training/head/soft_groups.npy", &count),
	      *member = NULL;
	if (!strncmp(from, "soft_groups.npy", 15))
		member = pi;
	int column = !strcmp(from, "groups.npy column 1");
	int32_t klass[N], group[N], order[5 * N];
	const char *stem[N];
	core_label_class(label, N, 6, klass);
	for (int i = 0; i < N; i++) {
		group[i] = (int32_t)both[2 * i + column];
		if (member)
			group[i] = member[2 * i + 1] > member[2 * i];
		stem[i] = core_format(ctx, "clip%03d", i);
	}
	for (int i = 0; i < 5 * N; i++)
		order[i] = (int32_t)orders[i];
	follower f = {.real = *(const fv_loss_ops *)loss->ops, .trace = trace, .name = name};
	f.value = test_numbers(json_object_get(trace, "loss"), &n);
	f.groups = column ? 16 : 2;
	if (json_object_get(trace, "q")) {
		f.q = test_numbers(json_object_get(trace, "q"), &m);
		f.groups = (int32_t)(m / n);
	}
	if (json_object_get(trace, "winner"))
		f.winner = test_ints(json_object_get(trace, "winner"), &m);
	f.init = test_golden_floats(ctx, "training/head/init.npy", &count);
	fv_loss_ops watched = f.real;
	watched.weigh = watch_weigh;
	fv_descriptor copy = *loss;
	copy.ops = &watched;
	following = &f;
	const core_train_spec spec = {
		.epochs = 5, .batch = 32, .learning_rate = 1e-3, .clip = 1, .select = "dev_loss"};
	core_train_job job = {.shape = {.layers = 13, .dims = 24, .projection = 16, .classes = 6},
		.spec = &spec,
		.loss = &copy,
		.loss_state = test_golden_state(ctx, loss, options),
		.start = start_follower,
		.order = order,
		.order_epochs = 5,
		.order_n = N,
		.on_epoch = watch_epoch,
		.user = &f};
	job.train.x = test_golden_floats(ctx, "training/head/features.npy", &count);
	job.train.rows = (fv_rows){.size = sizeof job.train.rows,
		.n = N,
		.classes = 6,
		.groups = column ? 16 : 2,
		.label = label,
		.klass = klass,
		.group = group,
		.member = member,
		.stem = stem};
	job.dev = job.train;
	core_train_result result;
	test_ok(ctx, core_train_run(ctx, &job, &result));
	assert_int_equal(f.steps, 20);
	free(f.value);
	free(f.q);
	free(f.winner);
	core_ctx_free(ctx);
}

static void follows_golden_traces(void **state)
{
	(void)state;
	json_t *json = test_json(test_golden("training/objectives/traces.json"));
	json_t *all = json_object_get(json, "traces"), *trace;
	const char *name;
	json_object_foreach(all, name, trace) follow_trace(name, trace);
	assert_int_equal(json_object_size(all), 17);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_golden_traces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
