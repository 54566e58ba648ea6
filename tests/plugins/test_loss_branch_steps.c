/* SPDX-License-Identifier: Apache-2.0 */
/* The losses with two networks (lff, disent): tables of weights and averages, start weights, and the gradients of a step
 * compared with finite differences. */
#include "losses.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/fairvox.h>

#include "../../plugins/losses/branches.h"
#include "golden_rows.h"
#include "nn/base_loss.h"
#include "train/networks_private.h"
#include "train/objective.h"

enum { N = TEST_ROWS, L = TEST_LAYERS, D = TEST_DIMS, H = 16, C = TEST_CLASSES };

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
	test_rows *g = test_golden_rows(false);
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
	test_golden_rows_free(g);
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
	test_rows *g;
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
	r->g = test_golden_rows(false);
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
	test_golden_rows_free(r->g);
	free(r);
}

static double run_step(rig *r)
{
	double value;
	core_networks_set_params(r->networks, r->params);
	core_networks_begin(r->networks, r->x, r->batch.stem, r->batch.n);
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
		cmocka_unit_test(weights_of_given_averages),
		cmocka_unit_test(averages_of_losses),
		cmocka_unit_test(generalised_cross_entropy),
		cmocka_unit_test(sharp_logits),
		cmocka_unit_test(finite_differences),
		cmocka_unit_test(halves_held),
		cmocka_unit_test(when_halves_are_swapped),
		cmocka_unit_test(start_values),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
