/* SPDX-License-Identifier: Apache-2.0 */
/* The base loss and its class weights against PyTorch in float64 (golden/training/head) and against a long double
 * reference. */
#include "golden_rows.h"
#include "losses.h"

#include <math.h>
#include <stdlib.h>

#include "corpus/corpus.h"
#include "nn/base_loss.h"

enum { N = TEST_ROWS, C = TEST_CLASSES };

static void weights_of_counts(void **state)
{
	(void)state;
	json_t *json = test_json(test_golden("training/head/class_weights.json")), *value;
	const char *key;
	int cases = 0;
	json_object_foreach(json, key, value)
	{
		size_t n, m;
		double *counts = test_numbers(json_object_get(value, "n_k"), &n), got[C];
		double *want = test_numbers(json_object_get(value, "w"), &m);
		int64_t positives[C];
		assert_int_equal(n, C);
		for (int k = 0; k < C; k++)
			positives[k] = (int64_t)counts[k];
		core_class_weights_of(
			false, positives, json_integer_value(json_object_get(value, "N")), C, got);
		for (int k = 0; k < C; k++)
			test_close(got[k], want[k], 1e-14);
		free(counts);
		free(want);
		cases++;
	}
	assert_int_equal(cases, 3);
	json_decref(json);
}

static void weights_of_labels(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	int64_t n;
	float *label = test_golden_floats(ctx, "training/head/labels.npy", &n);
	assert_int_equal(n, N * C);
	int64_t dims[4];
	int rank;
	double *want = test_npy(test_golden("training/head/class_weights.npy"), dims, &rank),
	       got[C];
	test_ok(ctx, core_class_weights(ctx, false, label, N, C, NULL, got));
	for (int k = 0; k < C; k++)
		test_close(got[k], want[k], 1e-14);
	/* exactly 1/C in float32 is not positive; a class without positives weighs 0 */
	const float third = (float)(1.0 / 3), tie[6] = {third, third, third, 0.9f, 0.1f, 0};
	test_ok(ctx, core_class_weights(ctx, false, tie, 2, 3, NULL, got));
	assert_true(got[0] == 3 && got[1] == 0 && got[2] == 0);
	test_fails(ctx, core_class_weights(ctx, false, tie, 1, 3, NULL, got), FV_DATA, "above 1/3");
	int32_t klass[2];
	core_label_class(tie, 2, 3, klass);
	assert_true(klass[0] == 0 && klass[1] == 0);
	free(want);
	core_ctx_free(ctx);
}

/* weight, loss and gradient of one row in long double, straight from the definition */
static void reference_row(
	const float *z, const float *y, const double *w, long double *loss, long double *grad)
{
	long double total = 0, weight = 0, sum = 0, cross = 0, largest = z[0];
	for (int k = 1; k < C; k++)
		largest = z[k] > largest ? z[k] : largest;
	for (int k = 0; k < C; k++) {
		total += expl(z[k] - largest);
		weight += (long double)w[k] * y[k];
		sum += y[k];
	}
	for (int k = 0; k < C; k++) {
		long double log_p = z[k] - largest - logl(total);
		cross -= y[k] * log_p;
		grad[k] = expl(log_p) * sum - y[k];
	}
	*loss = weight * cross;
	for (int k = 0; k < C; k++)
		grad[k] *= weight;
}

static void check_loss(
	const json_t *json, const float *label, const char *grad_key, double tolerance)
{
	size_t n, m;
	float *logits = test_floats(json_object_get(json, "logits"), &n);
	double *w = test_numbers(json_object_get(json, "class_weights"), &m);
	double *want = test_numbers(json_object_get(json, "loss"), &m);
	double *want_grad = test_numbers(json_object_get(json, grad_key), &n);
	double *loss = malloc(m * sizeof *loss), *grad = malloc(m * C * sizeof *grad);
	core_base_loss(&(core_base){.weight = w}, (int32_t)m, C, logits, label, loss, grad);
	for (size_t i = 0; i < m; i++) {
		long double exact, exact_grad[C];
		reference_row(logits + i * C, label + i * C, w, &exact, exact_grad);
		test_close(loss[i], want[i], tolerance);
		test_close(loss[i], (double)exact, 1e-14);
		for (size_t k = 0; k < C; k++) {
			test_close(grad[i * C + k], want_grad[i * C + k], tolerance);
			test_close(grad[i * C + k], (double)exact_grad[k], 1e-14);
		}
	}
	free(logits);
	free(w);
	free(want);
	free(want_grad);
	free(loss);
	free(grad);
}

static void base_loss_matches(void **state)
{
	(void)state;
	json_t *forward = test_json(test_golden("training/head/forward.json"));
	json_t *edge = test_json(test_golden("training/head/edge.json"));
	fv_ctx *ctx = test_ctx();
	int64_t n;
	size_t m;
	const float *first = test_golden_floats(ctx, "training/head/labels.npy", &n);
	float *label = test_floats(json_object_get(edge, "labels"), &m);
	check_loss(forward, first, "grad_loss_sum_wrt_logits", 2e-6); /* of the first rows */
	check_loss(edge, label, "grad", 2e-6);
	free(label);
	core_ctx_free(ctx);
	json_decref(forward);
	json_decref(edge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_of_counts),
		cmocka_unit_test(weights_of_labels),
		cmocka_unit_test(base_loss_matches),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
