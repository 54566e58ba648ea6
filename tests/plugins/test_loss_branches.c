/* SPDX-License-Identifier: Apache-2.0 */
/* The losses with networks of their own (lff, disent, random): whole runs against
 * golden/training/objectives/branch_traces.json, tables of weights and averages, gradients against
 * finite differences, what is saved and predicted. */
#include "losses.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/fairvox.h>

#include "nn/base_loss.h"
#include "train/networks_private.h"
#include "train/trainer.h"

enum { N = 100, L = 13, D = 24, H = 16, C = 6, STEPS = 20 };

/* --- data of the golden runs -------------------------------------------------------------------
 */

typedef struct golden {
	fv_ctx *ctx;
	float *x, *label, *orders;
	int32_t klass[N], order[5 * N];
	const char *stem[N];
	core_train_data data;
} golden;

static float *floats(fv_ctx *ctx, const char *path, int64_t *n)
{
	int64_t dims[4] = {1, 1, 1, 1};
	int rank;
	double *values = test_npy(test_golden(path), dims, &rank);
	*n = dims[0] * (rank > 1 ? dims[1] : 1) * (rank > 2 ? dims[2] : 1);
	float *out = core_alloc(ctx, (size_t)*n, sizeof *out);
	for (int64_t i = 0; i < *n; i++)
		out[i] = (float)values[i];
	free(values);
	return out;
}

static golden *new_golden(bool fixed_order)
{
	int64_t n;
	golden *g = calloc(1, sizeof *g);
	g->ctx = test_ctx();
	g->x = floats(g->ctx, "training/head/features.npy", &n);
	g->label = floats(g->ctx, "training/head/labels.npy", &n);
	g->orders = floats(g->ctx, "training/head/order.npy", &n);
	core_label_class(g->label, N, C, g->klass);
	for (int i = 0; i < N; i++)
		g->stem[i] = core_format(g->ctx, "clip%03d", i);
	for (int i = 0; i < 5 * N; i++)
		g->order[i] = (int32_t)g->orders[fixed_order ? i % N : i];
	g->data.x = g->x;
	g->data.rows = (fv_rows){sizeof(fv_rows), N, C, 0, g->label, g->klass, NULL, NULL, g->stem};
	return g;
}

static void free_golden(golden *g)
{
	core_ctx_free(g->ctx);
	free(g);
}

static const char *option(const json_t *options, const char *key)
{
	return json_string_value(json_object_get(options, key));
}

static void *state_of(fv_ctx *ctx, const fv_descriptor *loss, const json_t *o)
{
	char gce[64], q[64], dis[64], swap[64], swap_b[64], step[64];
	snprintf(gce, sizeof gce, "gce=%s", option(o, "gce"));
	snprintf(q, sizeof q, "q=%.17g", json_number_value(json_object_get(o, "q")));
	const char *max = json_is_true(json_object_get(o, "class_max")) ? "class_max=true"
									: "class_max=false";
	if (!strcmp(loss->name, "lff"))
		return test_loss_state(ctx, loss, "paper", gce, q, max, NULL);
	snprintf(dis, sizeof dis, "lambda_dis=%.17g",
		json_number_value(json_object_get(o, "lambda_dis")));
	snprintf(swap, sizeof swap, "lambda_swap=%.17g",
		json_number_value(json_object_get(o, "lambda_swap")));
	snprintf(swap_b, sizeof swap_b, "lambda_swap_b=%.17g",
		json_number_value(json_object_get(o, "lambda_swap_b")));
	snprintf(step, sizeof step, "swap_step=%d",
		(int)json_integer_value(json_object_get(o, "T")));
	return test_loss_state(ctx, loss, "paper", gce, q, max, dis, swap, swap_b, step, NULL);
}

/* --- whole runs --------------------------------------------------------------------------------
 */

typedef struct follower {
	fv_networks_1 real, watched;
	const json_t *trace;
	double *value, *norm, *gradient;
	float *init[2];
	int64_t half; /* parameters of a branch */
	size_t steps;
	int swapped;
	const char *name;
} follower;

static follower *following; /* ops have no user pointer */

/* Stands in for the library's, so that the golden permutations are used; the plugin is bound to it.
 */
__attribute__((visibility("default"))) void fv_permutation(
	fv_stream *stream, int32_t *out, int32_t n)
{
	union {
		void *object;
		void (*function)(fv_stream *, int32_t *, int32_t);
	} real = {dlsym(RTLD_NEXT, "fv_permutation")};
	assert_non_null(real.object);
	real.function(stream, out, n);
	if (!following)
		return;
	size_t count;
	int32_t *given = test_ints(
		json_array_get(json_object_get(following->trace, "permutations"), following->steps),
		&count);
	assert_int_equal(count, n);
	memcpy(out, given, count * sizeof *out);
	free(given);
	following->swapped++;
}

static fv_status watch_step(void *state, fv_ctx *ctx, const fv_batch *batch, double *value)
{
	follower *f = following;
	fv_status status = f->real.step(state, ctx, batch, value);
	const json_t *parts = json_array_get(json_object_get(f->trace, "parts"), f->steps);
	test_close(*value, f->value[f->steps], 5e-6);
	if (f->steps == 0) {
		const float *gradient = core_ctx_networks(ctx)->gradient;
		for (int64_t i = 0; i < 2 * f->half; i++)
			test_close(gradient[i], f->gradient[i], 2e-6);
	}
	const json_t *swap = json_object_get(parts, "swap_i");
	if (swap)
		assert_int_equal(json_number_value(swap) != 0, batch->step > 0 && f->swapped > 0);
	f->steps++;
	return status;
}

static const void *watched_extension(const char *id)
{
	return strcmp(id, FV_NETWORKS_1) ? NULL : &following->watched;
}

static fv_status start(void *user, const core_plan *plan, float *params)
{
	const follower *f = user;
	assert_int_equal(plan->count, 2 * f->half);
	memcpy(params, f->init[0], (size_t)f->half * sizeof *params);
	memcpy(params + f->half, f->init[1], (size_t)f->half * sizeof *params);
	return FV_OK;
}

static void check_final(const follower *f, const float *params, int branch)
{
	char path[128];
	int64_t dims[4];
	int rank;
	snprintf(path, sizeof path, "training/objectives/%s_final_%s.npy", f->name,
		branch ? "biased" : "debiased");
	double *want = test_npy(test_golden(path), dims, &rank);
	assert_int_equal(dims[0], f->half);
	for (int64_t i = 0; i < f->half; i++)
		test_close(params[branch * f->half + i], want[i], 5e-7);
	free(want);
}

static fv_status watch_epoch(void *user, const core_train_epoch *epoch)
{
	const follower *f = user;
	double mean = 0;
	for (int i = 0; i < 4; i++)
		mean += f->norm[(epoch->epoch - 1) * 4 + i] / 4;
	test_close(epoch->grad_norm, mean, 5e-6);
	for (int branch = 0; epoch->epoch == 5 && branch < 2; branch++)
		check_final(f, epoch->params, branch);
	return FV_OK;
}

static void check_averages(fv_ctx *ctx, const json_t *trace)
{
	size_t n;
	const char *ours[] = {"average_biased", "average_debiased"};
	const char *theirs[] = {"ema_biased", "ema_debiased"};
	for (int k = 0; k < 2; k++) {
		double *want = test_numbers(json_object_get(trace, theirs[k]), &n);
		const double *got = fv_array(ctx, ours[k], FV_F64, N, 1);
		for (size_t i = 0; i < n; i++)
			test_close(got[i], want[i], 5e-6);
		free(want);
	}
}

static void follow(const char *name, const json_t *trace)
{
	const json_t *options = json_object_get(trace, "options");
	const fv_descriptor *loss = test_loss(option(options, "name"));
	golden *g = new_golden(strstr(name, "fixed_order") != NULL);
	follower f = {.trace = trace, .name = name};
	size_t n;
	int64_t count;
	char path[128];
	f.real = f.watched = *(const fv_networks_1 *)loss->extension(FV_NETWORKS_1);
	f.watched.step = watch_step;
	f.value = test_numbers(json_object_get(trace, "loss"), &n);
	f.norm = test_numbers(json_object_get(trace, "grad_norm"), &n);
	f.gradient = test_numbers(json_object_get(trace, "grad_step1_debiased_then_biased"), &n);
	for (int k = 0; k < 2; k++) {
		snprintf(path, sizeof path, "training/objectives/%s_init_%s.npy", loss->name,
			k ? "biased" : "debiased");
		f.init[k] = floats(g->ctx, path, &count);
	}
	f.half = count;
	fv_descriptor copy = *loss;
	copy.extension = watched_extension;
	const core_train_spec spec = {
		.epochs = 5, .batch = 32, .learning_rate = 1e-3, .clip = 1, .select = "dev_loss"};
	core_train_job job = {.shape = {L, D, H, C},
		.train = g->data,
		.dev = g->data,
		.spec = &spec,
		.loss = &copy,
		.loss_state = state_of(g->ctx, loss, options),
		.start = start,
		.order = g->order,
		.order_epochs = 5,
		.order_n = N,
		.on_epoch = watch_epoch,
		.user = &f};
	core_train_result result;
	following = &f;
	test_ok(g->ctx, core_train_run(g->ctx, &job, &result));
	following = NULL;
	assert_int_equal(f.steps, STEPS);
	json_t *from = json_object_get(options, "T");
	int after = from ? (int)json_integer_value(from) : STEPS;
	assert_int_equal(f.swapped, after < STEPS ? STEPS - after : 0);
	check_averages(g->ctx, trace);
	free(f.value);
	free(f.norm);
	free(f.gradient);
	free_golden(g);
}

static void traces(void **state)
{
	(void)state;
	json_t *json = test_json(test_golden("training/objectives/branch_traces.json"));
	json_t *all = json_object_get(json, "traces"), *trace;
	const char *name;
	json_object_foreach(all, name, trace) follow(name, trace);
	assert_int_equal(json_object_size(all), 8);
	json_decref(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(traces),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
