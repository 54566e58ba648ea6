/* SPDX-License-Identifier: Apache-2.0 */
/* The losses with networks of their own (lff, disent, random): whole runs compared with
 * golden/training/objectives/branch_traces.json, what chance predicts, what the trainer saves and refuses. */
#include "losses.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/fairvox.h>

#include "../../plugins/losses/branches.h"
#include "corpus/corpus.h"
#include "golden_rows.h"
#include "nn/base_loss.h"
#include "train/networks_private.h"
#include "train/objective.h"
#include "train/predict.h"
#include "train/trainer.h"

enum { N = TEST_ROWS, L = TEST_LAYERS, D = TEST_DIMS, H = 16, C = TEST_CLASSES, STEPS = 20 };

static const char *get_option(const json_t *options, const char *key)
{
	return json_string_value(json_object_get(options, key));
}

static void *state_of(fv_ctx *ctx, const fv_descriptor *loss, const json_t *o)
{
	char gce[64], q[64], dis[64], swap[64], swap_b[64], step[64];
	snprintf(gce, sizeof gce, "gce=%s", get_option(o, "gce"));
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

/* --- whole runs ------------------------------------------------------------------------------- */

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

/* Replaces the library's function, so that the golden permutations are used; the plugin is bound to
 * this one. */
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

static fv_status set_start_weights(void *user, const core_plan *plan, float *params)
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

static void follow_trace(const char *name, const json_t *trace)
{
	const json_t *options = json_object_get(trace, "options");
	const fv_descriptor *loss = test_loss(get_option(options, "name"));
	test_rows *g = test_golden_rows(strstr(name, "fixed_order") != NULL);
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
		f.init[k] = test_golden_floats(g->ctx, path, &count);
	}
	f.half = count;
	fv_descriptor copy = *loss;
	copy.extension = watched_extension;
	const core_train_spec spec = {
		.epochs = 5, .batch = 32, .learning_rate = 1e-3, .clip = 1, .select = "dev_loss"};
	core_train_job job = {.shape = {.layers = L, .dims = D, .projection = H, .classes = C},
		.train = g->data,
		.dev = g->data,
		.spec = &spec,
		.loss = &copy,
		.loss_state = state_of(g->ctx, loss, options),
		.start = set_start_weights,
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
	test_golden_rows_free(g);
}

static void follows_golden_traces(void **state)
{
	(void)state;
	json_t *json = test_json(test_golden("training/objectives/branch_traces.json"));
	json_t *all = json_object_get(json, "traces"), *trace;
	const char *name;
	json_object_foreach(all, name, trace) follow_trace(name, trace);
	assert_int_equal(json_object_size(all), 8);
	json_decref(json);
}

/* --- random ----------------------------------------------------------------------------------- */

static void chance_is_uniform(void **state)
{
	(void)state;
	test_rows *g = test_golden_rows(false);
	const fv_descriptor *loss = test_loss("random");
	const core_train_spec spec = {.epochs = 3,
		.batch = 32,
		.learning_rate = 1e-3,
		.clip = 1,
		.select = "dev_objective"};
	core_train_job job = {.shape = {.layers = L, .dims = D, .projection = H, .classes = C},
		.train = g->data,
		.dev = g->data,
		.spec = &spec,
		.loss = loss,
		.loss_state = test_loss_state(g->ctx, loss, "paper", NULL)};
	core_train_result result;
	core_ctx_set_run(g->ctx, 5, 2);
	test_ok(g->ctx, core_train_run(g->ctx, &job, &result));
	assert_int_equal(result.selected_epoch, 1);
	assert_int_equal(result.plan->count, 0);
	float z[2][N * C];
	test_ok(g->ctx, core_train_predict(g->ctx, result.plan, result.params, &g->data, z[0]));
	double mean = 0, square = 0;
	for (int i = 0; i < N * C; i++) {
		assert_true(z[0][i] >= 0 && z[0][i] < 1);
		mean += z[0][i] / (N * C);
		square += z[0][i] * z[0][i] / (N * C);
	}
	test_close(mean, 0.5, 0.05); /* sd 0.012 */
	test_close(square - mean * mean, 1 / 12., 0.015);
	/* keyed by name: the last row by itself, by seed and by fold */
	core_train_data one = {.rows = {.n = 1, .stem = g->stem + N - 1}, .x = g->x};
	test_ok(g->ctx, core_train_predict(g->ctx, result.plan, result.params, &one, z[1]));
	assert_memory_equal(z[0] + (N - 1) * C, z[1], C * sizeof(float));
	for (int other = 0; other < 2; other++) {
		core_ctx_set_run(g->ctx, other ? 5 : 6, other ? 3 : 2);
		test_ok(g->ctx, core_train_predict(g->ctx, result.plan, result.params, &one, z[1]));
		assert_memory_not_equal(z[0] + (N - 1) * C, z[1], C * sizeof(float));
	}
	test_golden_rows_free(g);
}

/* --- the trainer with two branches ------------------------------------------------------------ */

static core_train_job job_of(test_rows *g, const fv_descriptor *loss, const core_train_spec *spec)
{
	return (core_train_job){.shape = {.layers = L, .dims = D, .projection = H, .classes = C},
		.train = g->data,
		.dev = g->data,
		.spec = spec,
		.loss = loss,
		.loss_state = test_loss_state(g->ctx, loss, "paper", NULL)};
}

typedef struct watch {
	core_train_epoch epoch[3];
	float params[3][2 * 515]; /* lff */
	int n;
} watch;

static fv_status keep_epoch(void *user, const core_train_epoch *epoch)
{
	watch *w = user;
	w->epoch[w->n] = *epoch;
	memcpy(w->params[w->n++], epoch->params, sizeof w->params[0]);
	return FV_OK;
}

/* dev_objective of lff is CE_d + GCE_b batch by batch, whatever the averages; dev_loss is that of
 * the debiased branch. */
static void development_values(void **state)
{
	(void)state;
	test_rows *g = test_golden_rows(false);
	const core_train_spec spec = {.epochs = 3,
		.batch = 32,
		.learning_rate = 1e-2,
		.clip = 1,
		.select = "dev_objective"};
	core_train_job job = job_of(g, test_loss("lff"), &spec);
	watch w = {.n = 0};
	core_train_result result;
	job.on_epoch = keep_epoch;
	job.user = &w;
	test_ok(g->ctx, core_train_run(g->ctx, &job, &result));
	assert_int_equal(result.plan->count, 2 * 515);
	const core_head_shape shape = {.layers = L, .dims = D, .projection = H, .classes = C};
	core_plan *head;
	test_ok(g->ctx, core_plan_head(g->ctx, &shape, &head));
	const fv_loss_setup setup = {
		.size = sizeof setup, .train = &g->data.rows, .class_weight = result.class_weight};
	branches b = {.q = 0.7, .train = &g->data.rows, .setup = &setup};
	int best = 0;
	for (int e = 0; e < 3; e++) {
		float z[2][N * C];
		double loss[N], all = 0, objective = 0;
		for (int k = 0; k < 2; k++)
			test_ok(g->ctx, core_train_predict(g->ctx, head, w.params[e] + 515 * k,
						&g->data, z[k]));
		core_base_loss(&(core_base){.weight = result.class_weight}, N, C, z[0], g->label,
			loss, NULL);
		for (int first = 0; first < N; first += 32) {
			double sum = 0;
			int n = N - first < 32 ? N - first : 32;
			for (int i = first; i < first + n; i++) {
				sum += loss[i] + branches_compute_gce(&b, z[1] + i * C,
							 g->label + i * C, g->klass[i], NULL);
				all += loss[i] / N;
			}
			objective += sum / n / 4;
		}
		test_close(w.epoch[e].dev_loss, all, 1e-13);
		test_close(w.epoch[e].dev_objective, objective, 1e-13);
		if (w.epoch[e].dev_objective < w.epoch[best].dev_objective)
			best = e;
	}
	assert_int_equal(result.selected_epoch, best + 1);
	assert_memory_equal(result.params, w.params[best], 1030 * sizeof(float));
	test_golden_rows_free(g);
}

static fv_status start_wild(void *user, const core_plan *plan, float *params)
{
	core_plan_init(user, plan, params);
	for (int32_t t = 0; t < plan->n_tensors; t++)
		if (!strcmp(plan->tensor[t].name, "biased.projection.weight"))
			for (int64_t i = 0; i < plan->tensor[t].count; i++)
				params[plan->tensor[t].offset + i] = 3e38f;
	return FV_OK;
}

/* An overflow in either branch is an error. */
static void overflow_is_an_error(void **state)
{
	(void)state;
	const struct {
		double rate;
		bool wild, broken;
		fv_status status;
		const char *text;
	} cases[] = {
		{1e30, false, false, FV_FAILED,
			"step 2 (epoch 1): the logits are not finite: lower train.learning_rate ("
			"1e+30)"},
		{1e-3, true, false, FV_FAILED, "step 1 (epoch 1): the logits are not finite"},
		{1e-3, false, true, FV_DATA, "features of clip000 are not finite"},
	};
	const char *names[] = {"lff", "disent"};
	for (int l = 0; l < 2; l++)
		for (int i = 0; i < 3; i++) {
			test_rows *g = test_golden_rows(false);
			const core_train_spec spec = {.epochs = 3,
				.batch = 32,
				.learning_rate = cases[i].rate,
				.select = "dev_loss"};
			core_train_job job = job_of(g, test_loss(names[l]), &spec);
			core_train_result result;
			if (cases[i].wild)
				job.start = start_wild;
			job.user = g->ctx;
			if (cases[i].broken)
				g->x[5] = NAN;
			test_fails(g->ctx, core_train_run(g->ctx, &job, &result), cases[i].status,
				cases[i].text);
			test_golden_rows_free(g);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_golden_traces),
		cmocka_unit_test(chance_is_uniform),
		cmocka_unit_test(development_values),
		cmocka_unit_test(overflow_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
