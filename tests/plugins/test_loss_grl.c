/* SPDX-License-Identifier: Apache-2.0 */
/* The adversary of grl, compared with golden/training/objectives/grl.json. */
#include "losses.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/fairvox.h>

#include "train/networks_private.h"
#include "train/objective.h"

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
	core_networks_begin(networks, x, stem, B);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reversal_matches_golden),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
