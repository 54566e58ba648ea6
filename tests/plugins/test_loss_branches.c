/* SPDX-License-Identifier: Apache-2.0 */
/* The losses with networks of their own (lff, disent, random, grl): whole runs compared with
 * golden/training/objectives/branch_traces.json, tables of weights and averages, gradients compared
 * with finite differences, what is saved and predicted. */
#include "losses.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/fairvox.h>

#include "../../plugins/losses/branches.h"
#include "corpus/corpus.h"
#include "nn/base_loss.h"
#include "train/networks_private.h"
#include "train/objective.h"
#include "train/predict.h"
#include "train/trainer.h"

enum { N = 100, L = 13, D = 24, H = 16, C = 6, STEPS = 20 };

/* --- data of the golden runs ------------------------------------------------------------------ */

typedef struct golden {
	fv_ctx *ctx;
	float *x, *label, *orders;
	int32_t klass[N], order[5 * N];
	const char *stem[N];
	core_train_data data;
} golden;

static float *read_floats(fv_ctx *ctx, const char *path, int64_t *n)
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
	g->x = read_floats(g->ctx, "training/head/features.npy", &n);
	g->label = read_floats(g->ctx, "training/head/labels.npy", &n);
	g->orders = read_floats(g->ctx, "training/head/order.npy", &n);
	core_label_class(g->label, N, C, g->klass);
	for (int i = 0; i < N; i++)
		g->stem[i] = core_format(g->ctx, "clip%03d", i);
	for (int i = 0; i < 5 * N; i++)
		g->order[i] = (int32_t)g->orders[fixed_order ? i % N : i];
	g->data.x = g->x;
	g->data.rows = (fv_rows){.size = sizeof(fv_rows),
		.n = N,
		.classes = C,
		.label = g->label,
		.klass = g->klass,
		.stem = g->stem};
	return g;
}

static void free_golden(golden *g)
{
	core_ctx_free(g->ctx);
	free(g);
}

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
		f.init[k] = read_floats(g->ctx, path, &count);
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
	free_golden(g);
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

/* --- parts ------------------------------------------------------------------------------------ */

/* Allocates rows [n] of given classes and opens them as the plugins do. */
static branches open_branches(fv_ctx *ctx, fv_rows *rows, fv_loss_setup *setup, bool class_max)
{
	branches b = {.class_max = class_max, .q = 0.7, .momentum = 0.7};
	rows->size = sizeof *rows;
	*setup = (fv_loss_setup){
		.size = sizeof *setup, .train = rows, .class_weight = setup->class_weight};
	test_ok(ctx, branches_open(&b, ctx, setup));
	return b;
}

/* W for given averages: with a momentum of 1 they do not change. */
static void weights_of_given_averages(void **state)
{
	(void)state;
	json_t *json = test_json(test_golden("training/objectives/tables.json"));
	json_t *table = json_object_get(json, "lff_W");
	size_t n;
	double *average[2] = {test_numbers(json_object_get(table, "E_biased"), &n),
		test_numbers(json_object_get(table, "E_debiased"), &n)};
	int32_t *klass = test_ints(json_object_get(table, "class"), &n), row[20];
	for (int32_t i = 0; i < 20; i++)
		row[i] = i;
	for (int class_max = 0; class_max < 2; class_max++) {
		fv_ctx *ctx = test_ctx();
		fv_rows rows = {.n = 20, .classes = 4, .klass = klass};
		fv_loss_setup setup = {0};
		branches b = open_branches(ctx, &rows, &setup, class_max);
		b.momentum = 1;
		for (int32_t i = 0; i < 20; i++) {
			b.visits[i] = 1;
			b.average[0][i] = average[0][i];
			b.average[1][i] = average[1][i];
		}
		double *want =
			test_numbers(json_object_get(json_object_get(table, "W_by_class_max"),
					     class_max ? "true" : "false"),
				&n);
		double got[20], none[20] = {0};
		fv_batch batch = {.size = sizeof batch, .n = 20, .classes = 4, .row = row};
		branches_weigh(&b, &batch, none, none, got);
		for (int32_t i = 0; i < 20; i++)
			test_close(got[i], want[i], 1e-12);
		/* a class in which one branch has no loss at all has weight 1; unvisited rows count
		 * as 0 */
		for (int32_t i = 0; i < 20; i++)
			b.average[1][i] = klass[i] == 1 ? 0 : average[1][i];
		branches_weigh(&b, &batch, none, none, got);
		for (int32_t i = 0; i < 20; i++)
			if (klass[i] == 1 && class_max)
				assert_true(got[i] == 1);
			else if (klass[i] != 1)
				test_close(got[i], want[i], 1e-12);
		free(want);
		core_ctx_free(ctx);
	}
	free(average[0]);
	free(average[1]);
	free(klass);
	json_decref(json);
}

static void averages_of_losses(void **state)
{
	(void)state;
	json_t *json = test_json(test_golden("training/objectives/tables.json"));
	json_t *ema = json_object_get(json, "ema");
	fv_ctx *ctx = test_ctx();
	int32_t klass[9] = {0};
	size_t n, all;
	fv_rows rows = {.n = 9, .classes = 2, .klass = klass};
	fv_loss_setup setup = {0};
	branches b = open_branches(ctx, &rows, &setup, false);
	int32_t *row = test_ints(json_object_get(ema, "indices_per_step"), &n);
	double *loss = test_numbers(json_object_get(ema, "losses_per_step"), &n);
	double *want = test_numbers(json_object_get(ema, "state_after_step"), &all), weight[4];
	for (size_t step = 0; step < n / 4; step++) {
		fv_batch batch = {.size = sizeof batch, .n = 4, .row = row + 4 * step};
		branches_weigh(&b, &batch, loss + 4 * step, loss + 4 * step, weight);
		for (size_t i = 0; i < 9; i++)
			for (int k = 0; k < 2; k++)
				test_close(b.average[k][i], want[9 * step + i], 1e-14);
	}
	assert_int_equal(all, 54);
	free(row);
	free(loss);
	free(want);
	core_ctx_free(ctx);
	json_decref(json);
}

static void generalised_cross_entropy(void **state)
{
	(void)state;
	json_t *json = test_json(test_golden("training/head/forward.json"));
	const char *values[] = {"gce_q0.7", "gce_lff_official_q0.7"};
	const char *gradients[] = {
		"grad_gce_sum_wrt_logits", "grad_gce_lff_official_sum_wrt_logits"};
	golden *g = new_golden(false);
	size_t n;
	float *logits = test_floats(json_object_get(json, "logits"), &n);
	double *w = test_numbers(json_object_get(json, "class_weights"), &n);
	int32_t *row = test_ints(json_object_get(json, "batch"), &n);
	for (int kind = 0; kind < 2; kind++) {
		const fv_loss_setup setup = {
			.size = sizeof setup, .train = &g->data.rows, .class_weight = w};
		branches b = {.gce = kind, .q = 0.7, .train = &g->data.rows, .setup = &setup};
		double *want = test_numbers(json_object_get(json, values[kind]), &n), grad[C];
		double *slope = test_numbers(json_object_get(json, gradients[kind]), &n);
		for (size_t i = 0; i < 32; i++) { /* logits and labels are rounded to float32 */
			double got = branches_compute_gce(
				&b, logits + i * C, g->label + row[i] * C, g->klass[row[i]], grad);
			test_close(got, want[i], 2e-6);
			for (size_t k = 0; k < C; k++)
				test_close(grad[k], slope[i * C + k], 2e-6);
		}
		free(want);
		free(slope);
	}
	free(logits);
	free(w);
	free(row);
	free_golden(g);
	json_decref(json);
}

/* With logits of +-700 and labels that do not sum to 1, the loss is finite and the gradient is its
 * derivative. */
static void sharp_logits(void **state)
{
	(void)state;
	const double w[3] = {0.5, 1.5, 1};
	const float label[3] = {0.7f, 0.1f, 0.4f};
	const float logits[4][3] = {{700, -700, 0}, {-700, 700, 0}, {0, 0, 0}, {1, -2, 0.5f}};
	fv_rows rows = {.n = 1, .classes = 3};
	const fv_loss_setup setup = {.size = sizeof setup, .train = &rows, .class_weight = w};
	branches b = {.q = 0.7, .train = &rows, .setup = &setup};
	for (int i = 0; i < 4; i++) {
		double grad[3], total = 0;
		for (int kind = 0; kind < 2; kind++) {
			b.gce = kind;
			assert_true(isfinite(branches_compute_gce(&b, logits[i], label, 0, grad)));
			for (int k = 0; k < 3; k++)
				assert_true(isfinite(grad[k]));
		}
		b.gce = GCE_SOFT;
		branches_compute_gce(&b, logits[i], label, 0, grad);
		for (int k = 0; k < 3; k++) {
			float up[3], down[3];
			const float h = 1.0f / 1024;
			memcpy(up, logits[i], sizeof up);
			memcpy(down, logits[i], sizeof down);
			up[k] += h;
			down[k] -= h;
			double slope = (branches_compute_gce(&b, up, label, 0, NULL) -
					       branches_compute_gce(&b, down, label, 0, NULL)) /
				       ((double)up[k] - (double)down[k]);
			test_close(grad[k], slope, 1e-6);
			total += grad[k];
		}
		test_close(total, 0, 1e-15);
	}
}

/* --- gradients of a step ---------------------------------------------------------------------- */

/* A run of the golden data stopped before its first step. */
typedef struct rig {
	golden *g;
	core_objective objective;
	core_plan *plan;
	core_networks *networks;
	float *params, *gradient;
	double w[C], loss[32];
	fv_batch batch;
	const float *x[32];
} rig;

static rig *new_rig(const char *name, const char *setting, const char *more)
{
	rig *r = calloc(1, sizeof *r);
	r->g = new_golden(false);
	fv_ctx *ctx = r->g->ctx;
	const fv_descriptor *loss = test_loss(name);
	const core_head_shape shape = {.layers = L, .dims = D, .projection = H, .classes = C};
	test_ok(ctx, core_class_weights(ctx, false, r->g->label, N, C, NULL, r->w));
	fv_loss_setup setup = {.size = sizeof setup,
		.train = &r->g->data.rows,
		.dev = &r->g->data.rows,
		.class_weight = r->w,
		.epochs = 1,
		.batch = 32};
	void *own = test_loss_state(ctx, loss, "paper", "momentum=1", setting, more, NULL);
	test_ok(ctx, core_objective_open(ctx, loss, own, &setup, r->g->order, &r->objective));
	test_ok(ctx, core_plan_new(ctx, &shape, &r->plan));
	test_ok(ctx, core_networks_new(ctx, r->plan, 32, &r->networks));
	test_ok(ctx, core_objective_build(&r->objective, r->networks));
	r->params = core_alloc(ctx, (size_t)r->plan->count, sizeof(float));
	r->gradient = core_alloc(ctx, (size_t)r->plan->count, sizeof(float));
	core_plan_init(ctx, r->plan, r->params);
	for (int64_t i = 0; i < r->plan->count; i++) /* mixes start at 0 */
		r->params[i] += 0.1f * (float)(i % 7 - 3);
	core_networks_set_gradient(r->networks, r->gradient);
	r->batch = (fv_batch){.size = sizeof r->batch,
		.n = 32,
		.classes = C,
		.step = 1,
		.steps = 10,
		.epoch = 1,
		.row = r->g->order,
		.loss = r->loss,
		.stem = r->g->stem};
	static float label[32 * C];
	static int32_t klass[32];
	for (int i = 0; i < 32; i++) {
		int32_t row = r->g->order[i];
		r->x[i] = r->g->x + row * L * D;
		klass[i] = r->g->klass[row];
		memcpy(label + i * C, r->g->label + row * C, C * sizeof(float));
	}
	r->batch.label = label;
	r->batch.klass = klass;
	return r;
}

static void free_rig(rig *r)
{
	core_networks_free(r->networks);
	free_golden(r->g);
	free(r);
}

static double run_step(rig *r)
{
	double value;
	core_networks_set_params(r->networks, r->params);
	core_networks_begin(r->networks, r->x, r->batch.stem, r->batch.n, r->batch.n);
	const fv_node *logits = core_networks_predict(r->networks);
	assert_non_null(logits);
	r->batch.logits = core_node_data(logits);
	core_base_loss(&(core_base){.weight = r->w}, r->batch.n, C, r->batch.logits, r->batch.label,
		r->loss, NULL);
	test_ok(r->g->ctx, core_objective_step(&r->objective, r->networks, &r->batch, &value));
	core_networks_finish(r->networks);
	return value;
}

/* Compares the gradient of each tensor named `prefix...` with the slope along it. Averages do not
 * change, so W is held constant; so is the permutation, which is keyed by the step. */
static int check_slopes(rig *r, const char *prefix, bool only)
{
	int checked = 0;
	size_t count = (size_t)r->plan->count;
	float *start = malloc(count * sizeof *start), *gradient = malloc(count * sizeof *gradient);
	memcpy(start, r->params, count * sizeof *start);
	run_step(r); /* the first visit sets the averages */
	run_step(r);
	memcpy(gradient, r->gradient, count * sizeof *gradient);
	for (int32_t t = 0; t < r->plan->n_tensors; t++) {
		const core_head_tensor *tensor = &r->plan->tensor[t];
		if (strncmp(tensor->name, prefix, strlen(prefix)))
			continue;
		double square = 0, value[2];
		for (int64_t i = tensor->offset; i < tensor->offset + tensor->count; i++)
			square += (double)gradient[i] * (double)gradient[i];
		assert_true(square > 0);
		const double h = 2e-3 / sqrt(square);
		for (int side = 0; side < 2; side++) {
			for (int64_t i = tensor->offset; i < tensor->offset + tensor->count; i++)
				r->params[i] = (float)((double)start[i] +
						       (side ? h : -h) * (double)gradient[i]);
			value[side] = run_step(r);
			memcpy(r->params, start, count * sizeof *start);
		}
		double slope = (value[1] - value[0]) / (2 * h);
		if (fabs(slope / square - 1) > 2e-3)
			fail_msg("%s: slope %g, gradient %g", tensor->name, slope, square);
		checked++;
	}
	for (int32_t t = 0; only && t < r->plan->n_tensors; t++) { /* nothing else is trained */
		const core_head_tensor *tensor = &r->plan->tensor[t];
		if (!strncmp(tensor->name, prefix, strlen(prefix)))
			continue;
		for (int64_t i = tensor->offset; i < tensor->offset + tensor->count; i++)
			assert_true(gradient[i] == 0);
	}
	free(start);
	free(gradient);
	return checked;
}

static void finite_differences(void **state)
{
	(void)state;
	const struct {
		const char *loss, *setting, *more, *prefix;
		bool only;
		int tensors;
	} cases[] = {
		{"lff", "gce=soft", NULL, "", false, 10},
		{"lff", "gce=soft", "class_max=true", "", false, 10},
		/* classifiers are trained by everything, including swapped halves */
		{"disent", "swap_step=10", NULL, "output", false, 2},
		{"disent", "swap_step=0", NULL, "output", false, 2},
		{"disent", "swap_step=0", NULL, "biased.output", false, 2},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		rig *r = new_rig(cases[i].loss, cases[i].setting, cases[i].more);
		assert_int_equal(check_slopes(r, cases[i].prefix, cases[i].only), cases[i].tensors);
		free_rig(r);
	}
}

/* With weight 0 for the biased loss, the rest trains the first encoder and nothing of the second
 * branch. The swap term trains the others. */
static void halves_held(void **state)
{
	(void)state;
	rig *r = new_rig("disent", "lambda_dis=0", "swap_step=10");
	run_step(r);
	for (int32_t t = 0; t < r->plan->n_tensors; t++) {
		const core_head_tensor *tensor = &r->plan->tensor[t];
		bool biased = !strncmp(tensor->name, "biased.", 7), moves = false;
		for (int64_t i = tensor->offset; i < tensor->offset + tensor->count; i++)
			moves |= r->gradient[i] != 0;
		assert_int_equal(moves, !biased);
	}
	assert_int_equal(check_slopes(r, "layer_mix", false), 1);
	assert_int_equal(check_slopes(r, "projection", false), 2);
	free_rig(r);
}

/* T is swap_step if it is not negative, else the share of all steps. There is no swap for batches
 * of one. */
static void when_halves_are_swapped(void **state)
{
	(void)state;
	const struct {
		const char *step, *start;
		int64_t at;
		bool swapped;
	} cases[] = {{"swap_step=3", "swap_start=0", 3, false},
		{"swap_step=3", "swap_start=0", 4, true},
		{"swap_step=-1", "swap_start=0.2", 2, false},
		{"swap_step=-1", "swap_start=0.2", 3, true},
		{"swap_step=-1", "swap_start=1", 10, false},
		{"swap_step=-1", "swap_start=0", 1, true}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		double value[2], alone[2];
		for (int swap = 0; swap < 2; swap++) {
			rig *r = new_rig("disent", swap ? cases[i].step : "swap_step=100",
				swap ? cases[i].start : NULL);
			r->batch.step = cases[i].at;
			value[swap] = run_step(r);
			r->batch.n = 1;
			alone[swap] = run_step(r);
			free_rig(r);
		}
		assert_int_equal(value[0] != value[1], cases[i].swapped);
		assert_true(alone[0] == alone[1]);
	}
}

/* --- random ----------------------------------------------------------------------------------- */

static void chance_is_uniform(void **state)
{
	(void)state;
	golden *g = new_golden(false);
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
	free_golden(g);
}

/* --- grl -------------------------------------------------------------------------------------- */

/* The golden adversary: the encoder returns h unchanged, the base loss has weight 0, and the
 * training rows' groups are 2 : 1 : 4, which gives weights 1 : 2 : 0.5. */
static void reversal_matches_golden(void **state)
{
	(void)state;
	enum { B = 40, W = 8, GROUPS = 3, ROWS = 210 };
	json_t *json = test_json(test_golden("training/objectives/grl.json"));
	size_t n;
	float *h = test_floats(json_object_get(json, "h"), &n);
	float *weight = test_floats(json_object_get(json, "W"), &n);
	double *grad_h = test_numbers(json_object_get(json, "grad_h_after_reversal"), &n);
	double *grad_w = test_numbers(json_object_get(json, "grad_W"), &n);
	double *grad_b = test_numbers(json_object_get(json, "grad_b"), &n);
	int32_t *group = test_ints(json_object_get(json, "g"), &n);
	assert_int_equal(n, B);
	fv_ctx *ctx = test_ctx();
	const int32_t wanted[GROUPS] = {60, 30, 120};
	int32_t all[ROWS], klass[ROWS] = {0}, order[ROWS], of[GROUPS] = {0}, at = B;
	float label[ROWS * 2];
	const char *stem[ROWS];
	for (int32_t i = 0; i < ROWS; i++) {
		all[i] = i < B ? group[i] : -1;
		order[i] = i;
		stem[i] = "x";
		label[2 * i] = 1;
		label[2 * i + 1] = 0;
		if (i < B)
			of[group[i]]++;
	}
	for (int32_t g = 0; g < GROUPS; g++)
		for (; of[g] < wanted[g]; of[g]++)
			all[at++] = g;
	assert_int_equal(at, ROWS);
	const fv_rows rows = {.size = sizeof rows,
		.n = ROWS,
		.classes = 2,
		.groups = GROUPS,
		.label = label,
		.klass = klass,
		.group = all,
		.stem = stem};
	const double none[2] = {0, 0};
	const fv_loss_setup setup = {.size = sizeof setup,
		.train = &rows,
		.dev = &rows,
		.class_weight = none,
		.epochs = 1,
		.batch = B};
	const fv_descriptor *loss = test_loss("grl");
	const core_head_shape shape = {.layers = 1, .dims = W, .projection = W, .classes = 2};
	core_objective objective;
	core_plan *plan;
	core_networks *networks;
	test_ok(ctx, core_objective_open(ctx, loss,
			     test_loss_state(
				     ctx, loss, "paper", "lambda=0.8", "schedule=constant", NULL),
			     &setup, order, &objective));
	test_ok(ctx, core_plan_new(ctx, &shape, &plan));
	test_ok(ctx, core_networks_new(ctx, plan, B, &networks));
	test_ok(ctx, core_objective_build(&objective, networks));
	float *params = core_alloc(ctx, (size_t)plan->count, sizeof *params);
	float *gradient = core_alloc(ctx, (size_t)plan->count, sizeof *gradient);
	for (int32_t i = 0; i < W; i++) /* a, then the identity; bias 0 */
		params[1 + i * W + i] = 1;
	const core_head_tensor *adversary = &plan->tensor[plan->n_tensors - 2];
	assert_string_equal(adversary->name, "adversary.weight");
	memcpy(params + adversary->offset, weight, GROUPS * W * sizeof *weight);
	core_networks_set_params(networks, params);
	core_networks_set_gradient(networks, gradient);
	const float *x[B];
	double losses[B] = {0}, value;
	for (int32_t i = 0; i < B; i++)
		x[i] = h + i * W;
	core_networks_begin(networks, x, stem, B, B);
	fv_batch batch = {.size = sizeof batch,
		.n = B,
		.classes = 2,
		.groups = GROUPS,
		.step = 1,
		.steps = 1,
		.row = order,
		.loss = losses,
		.logits = core_node_data(core_networks_predict(networks)),
		.label = label,
		.klass = klass,
		.group = group,
		.stem = stem};
	test_ok(ctx, core_objective_step(&objective, networks, &batch, &value));
	core_networks_finish(networks);
	test_close(value, json_number_value(json_object_get(json, "adversary_loss")), 2e-6);
	for (int32_t i = 0; i < GROUPS * W; i++)
		test_close(gradient[adversary->offset + i], grad_w[i], 2e-6);
	for (int32_t g = 0; g < GROUPS; g++)
		test_close(gradient[adversary[1].offset + g], grad_b[g], 2e-6);
	for (int32_t j = 0; j < W; j++) { /* projection: sum_i dh_i h_i^T and sum_i dh_i */
		double bias = 0;
		for (int32_t i = 0; i < B; i++)
			bias += grad_h[i * W + j];
		test_close(gradient[1 + W * W + j], bias, 2e-6);
		for (int32_t k = 0; k < W; k++) {
			double sum = 0;
			for (int32_t i = 0; i < B; i++)
				sum += grad_h[i * W + j] * (double)h[i * W + k];
			test_close(gradient[1 + j * W + k], sum, 2e-6);
		}
	}
	core_networks_free(networks);
	core_ctx_free(ctx);
	free(h);
	free(weight);
	free(grad_h);
	free(grad_w);
	free(grad_b);
	free(group);
	json_decref(json);
}

/* --- the trainer with two branches ------------------------------------------------------------ */

static core_train_job job_of(golden *g, const fv_descriptor *loss, const core_train_spec *spec)
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
	golden *g = new_golden(false);
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
	free_golden(g);
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
			golden *g = new_golden(false);
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
			free_golden(g);
		}
}

/* The first branch starts with the same weights as the model of every other objective, the second
 * one with others. */
static void start_values(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const core_head_shape shape = {.layers = L, .dims = D, .projection = H, .classes = C};
	float plain[515];
	core_head_init(ctx, &shape, 0, plain);
	rig *lff = new_rig("lff", NULL, NULL), *disent = new_rig("disent", NULL, NULL);
	core_plan_init(ctx, lff->plan, lff->params);
	core_plan_init(ctx, disent->plan, disent->params);
	assert_memory_equal(lff->params, plain, sizeof plain);
	assert_memory_equal(disent->params, plain, (size_t)(L + H * D + H) * sizeof(float));
	assert_memory_not_equal(lff->params + 515 + L, plain + L, 100 * sizeof(float));
	const core_head_tensor *output = &disent->plan->tensor[3];
	assert_string_equal(output->name, "output.weight");
	assert_int_equal(output->shape[1], 2 * H);
	for (int64_t i = 0; i < output->count; i++)
		assert_true(fabsf(disent->params[output->offset + i]) <= 1 / sqrtf(2 * H));
	free_rig(lff);
	free_rig(disent);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_golden_traces),
		cmocka_unit_test(weights_of_given_averages),
		cmocka_unit_test(averages_of_losses),
		cmocka_unit_test(generalised_cross_entropy),
		cmocka_unit_test(sharp_logits),
		cmocka_unit_test(finite_differences),
		cmocka_unit_test(halves_held),
		cmocka_unit_test(when_halves_are_swapped),
		cmocka_unit_test(chance_is_uniform),
		cmocka_unit_test(reversal_matches_golden),
		cmocka_unit_test(development_values),
		cmocka_unit_test(overflow_is_an_error),
		cmocka_unit_test(start_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
