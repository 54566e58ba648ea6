/* SPDX-License-Identifier: Apache-2.0 */
/* The head, the base loss and Adam together against PyTorch in float64 (golden/training/head), and
 * against finite differences. */
#include "golden_rows.h"
#include "losses.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

#include "nn/adam.h"
#include "nn/base_loss.h"
#include "nn/head.h"
#include "train/predict.h"

enum { N = 100, L = 13, D = 24, H = 16, C = 6, B = 32, COUNT = 515, LINEAR = 5 };

static const core_head_shape shape = {.layers = L, .dims = D, .projection = H, .classes = C};

/* The numbers of a file of golden/training/head. */
static float *load(fv_ctx *ctx, const char *name, int64_t want)
{
	int64_t n;
	float *values = test_golden_floats(ctx, core_format(ctx, "training/head/%s", name), &n);
	assert_int_equal(n, want);
	return values;
}

/* Every comparison runs on both paths: collapsed, and layer by layer. */
static core_head *new_head(fv_ctx *ctx, const core_head_shape *s, bool collapsed)
{
	core_head *head;
	test_ok(ctx, core_head_new(ctx, s, B, &head));
	if (!collapsed)
		core_head_uncollapse(head);
	return head;
}

static void close_all(const float *got, const double *want, size_t n, double tolerance)
{
	for (size_t i = 0; i < n; i++)
		test_close(got[i], want[i], tolerance);
}

/* x [n], a pointer per row */
static void pointers(const float *x, const int32_t *row, int32_t n, const float **out)
{
	for (int32_t i = 0; i < n; i++)
		out[i] = x + (size_t)row[i] * L * D;
}

static void check_forward(bool collapsed)
{
	fv_ctx *ctx = test_ctx();
	json_t *json = test_json(test_golden("training/head/forward.json"));
	size_t n;
	int32_t *batch = test_ints(json_object_get(json, "batch"), &n);
	float *params = test_floats(json_object_get(json, "params"), &n);
	assert_int_equal(n, COUNT);
	assert_int_equal(core_head_count(&shape), COUNT);
	double *w = test_numbers(json_object_get(json, "class_weights"), &n);
	double *logits = test_numbers(json_object_get(json, "logits"), &n);
	double *prob = test_numbers(json_object_get(json, "prob"), &n);
	double *want = test_numbers(json_object_get(json, "grad_mean_loss_wrt_params"), &n);
	float *x = load(ctx, "features.npy", (int64_t)N * L * D),
	      *label = load(ctx, "labels.npy", N * C);
	const float *row[B];
	float z[B * C], p[B * C], dz[B * C], gradient[COUNT];
	double loss[B], grad[B * C];
	core_head *head = new_head(ctx, &shape, collapsed);
	pointers(x, batch, B, row);
	core_head_prepare(head, params);
	core_head_forward(head, params, row, B, z);
	close_all(z, logits, B * C, 2e-6);
	core_softmax(B, C, z, p);
	close_all(p, prob, B * C, 1e-6);
	core_base_loss(&(core_base){.weight = w}, B, C, z, label, loss, grad);
	for (int i = 0; i < B * C; i++)
		dz[i] = (float)(grad[i] / B);
	core_head_backward(head, params, row, B, dz, gradient);
	close_all(gradient, want, COUNT, 5e-7);
	core_head_free(head);
	free(batch);
	free(params);
	free(w);
	free(logits);
	free(prob);
	free(want);
	json_decref(json);
	core_ctx_free(ctx);
}

static void forward_and_gradient(void **state)
{
	(void)state;
	check_forward(true);
	check_forward(false);
}

/* Double precision forward of the mean loss, for central differences. */
static double mean_loss(
	const double *p, const core_head_shape *s, const float *x, const float *label, int n)
{
	double total = 0, share = 0;
	const double *w1 = p + s->layers, *b1 = w1 + s->projection * s->dims;
	const double *w2 = b1 + s->projection, *b2 = w2 + s->classes * s->projection;
	for (int l = 0; l < s->layers; l++)
		share += exp(p[l]);
	for (int i = 0; i < n; i++) {
		double u[8], z[8], norm = 0, cross = 0;
		for (int h = 0; h < s->projection; h++) {
			u[h] = b1[h];
			for (int l = 0; l < s->layers; l++)
				for (int d = 0; d < s->dims; d++)
					u[h] += exp(p[l]) / share * w1[h * s->dims + d] *
						x[(i * s->layers + l) * s->dims + d];
		}
		for (int c = 0; c < s->classes; c++) {
			z[c] = b2[c];
			for (int h = 0; h < s->projection; h++)
				z[c] += w2[c * s->projection + h] * u[h];
			norm += exp(z[c]);
		}
		for (int c = 0; c < s->classes; c++)
			cross -= label[i * s->classes + c] * (z[c] - log(norm));
		total += cross / n;
	}
	return total;
}

static void finite_differences(const core_head_shape *s, bool collapsed)
{
	enum { ROWS = 3 };
	fv_ctx *ctx = test_ctx();
	core_ctx_set_run(ctx, 5, 1);
	int64_t count = core_head_count(s);
	size_t width = (size_t)s->layers * (size_t)s->dims, classes = (size_t)s->classes;
	fv_stream stream = fv_rng(ctx, "x", 0, 0);
	float *x = core_alloc(ctx, ROWS * width, sizeof *x), *p = core_alloc(ctx, (size_t)count, 4);
	float *label = core_alloc(ctx, ROWS * classes, 4), *g = core_alloc(ctx, (size_t)count, 4);
	float z[ROWS * 8], dz[ROWS * 8];
	double loss[ROWS], grad[ROWS * 8], weight[8];
	double *moved = core_alloc(ctx, (size_t)count, sizeof *moved);
	const float *row[ROWS];
	for (size_t i = 0; i < ROWS * width; i++)
		x[i] = (float)fv_normal(&stream);
	for (size_t i = 0; i < ROWS * classes; i++)
		label[i] = (float)(1.0 / (double)classes);
	for (size_t k = 0; k < classes; k++)
		weight[k] = 1;
	core_head_init(ctx, s, 0, p);
	for (int l = 0; l < s->layers; l++)
		p[l] = 0.3f * (float)l;
	for (size_t i = 0; i < ROWS; i++)
		row[i] = x + i * width;
	core_head *head = new_head(ctx, s, collapsed);
	core_head_prepare(head, p);
	core_head_forward(head, p, row, ROWS, z);
	core_base_loss(&(core_base){.weight = weight}, ROWS, s->classes, z, label, loss, grad);
	for (size_t i = 0; i < ROWS * classes; i++)
		dz[i] = (float)(grad[i] / ROWS);
	core_head_backward(head, p, row, ROWS, dz, g);
	for (int64_t i = 0; i < count; i++) {
		const double h = 1e-5;
		for (int64_t j = 0; j < count; j++)
			moved[j] = p[j];
		moved[i] += h;
		double up = mean_loss(moved, s, x, label, ROWS);
		moved[i] -= 2 * h;
		double down = mean_loss(moved, s, x, label, ROWS);
		test_close(g[i], (up - down) / (2 * h), 1e-6);
	}
	core_head_free(head);
	core_ctx_free(ctx);
}

static void gradient_is_the_difference(void **state)
{
	(void)state;
	const core_head_shape shapes[] = {{.layers = 1, .dims = 5, .projection = 4, .classes = 3},
		{.layers = 4, .dims = 3, .projection = 2, .classes = 6},
		{.layers = 2, .dims = 1, .projection = 1, .classes = 1},
		{.layers = 3, .dims = 7, .projection = 8, .classes = 2}};
	for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
		finite_differences(&shapes[i], true);
		finite_differences(&shapes[i], false);
	}
}

typedef struct model {
	float param[COUNT], gradient[COUNT], m[COUNT], v[COUNT];
} model;

static void compare_weights(const model *at, const char *key, int step)
{
	char name[128];
	int64_t dims[4];
	int rank;
	snprintf(name, sizeof name, "training/head/weights_%s_float64_step%d.npy", key, step);
	double *want = test_npy(test_golden(name), dims, &rank);
	close_all(at->param, want, COUNT, 5e-7);
	free(want);
}

static void follow_trace(
	fv_ctx *ctx, const char *key, double rate, double clip, bool collapsed, const json_t *run)
{
	size_t n;
	double *want = test_numbers(json_object_get(run, "loss"), &n);
	double *want_norm = test_numbers(json_object_get(run, "grad_norm"), &n);
	int64_t dims[4];
	int rank, step = 0, clipped = 0;
	float *x = load(ctx, "features.npy", (int64_t)N * L * D),
	      *label = load(ctx, "labels.npy", N * C);
	float *init = load(ctx, "init.npy", COUNT);
	double *order = test_npy(test_golden("training/head/order.npy"), dims, &rank), weight[C];
	test_ok(ctx, core_class_weights(ctx, false, label, N, C, NULL, weight));
	model at = {0};
	memcpy(at.param, init, sizeof at.param);
	core_head *head = new_head(ctx, &shape, collapsed);
	const core_adam adam = {.learning_rate = rate};
	for (int epoch = 0; epoch < 3; epoch++)
		for (int first = 0; first < N; first += B) {
			int size = N - first < B ? N - first : B;
			const float *row[B];
			float y[B * C], z[B * C], dz[B * C];
			double loss[B], grad[B * C], mean = 0;
			for (int i = 0; i < size; i++) {
				int r = (int)order[epoch * N + first + i];
				row[i] = x + (size_t)r * L * D;
				memcpy(y + i * C, label + r * C, C * sizeof *y);
			}
			core_head_prepare(head, at.param);
			core_head_forward(head, at.param, row, size, z);
			core_base_loss(&(core_base){.weight = weight}, size, C, z, y, loss, grad);
			for (int i = 0; i < size; i++)
				mean += loss[i] / size;
			for (int i = 0; i < size * C; i++)
				dz[i] = (float)(grad[i] / size);
			core_head_backward(head, at.param, row, size, dz, at.gradient);
			double norm = core_vector_norm(at.gradient, COUNT);
			test_close(mean, want[step], 5e-6);
			test_close(norm, want_norm[step], 5e-6);
			clipped += norm > clip;
			step++;
			core_adam_step(&adam, step, core_clip_scale(norm, clip), COUNT, at.param,
				at.gradient, at.m, at.v);
			if (step == 1 || step % 4 == 0)
				compare_weights(&at, key, step);
		}
	assert_int_equal(step, 12);
	assert_true(clip < 1 ? clipped > 0 && clipped < 12 : clipped == 0);
	core_head_free(head);
	free(want);
	free(want_norm);
	free(order);
}

static void traces_match(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	json_t *json = test_json(test_golden("training/head/trace.json"));
	const struct {
		const char *key;
		double rate, clip;
	} runs[] = {{"lr0.0001_clip1", 1e-4, 1}, {"lr0.001_clip1", 1e-3, 1},
		{"lr0.001_clip0.4", 1e-3, 0.4}};
	for (int i = 0; i < 6; i++) {
		json_t *run = json_object_get(json_object_get(json, "runs"), runs[i / 2].key);
		follow_trace(ctx, runs[i / 2].key, runs[i / 2].rate, runs[i / 2].clip, i % 2,
			json_object_get(run, "float64"));
	}
	json_decref(json);
	core_ctx_free(ctx);
}

static void start_values(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_ctx_set_run(ctx, 1, 1);
	const core_head_shape wide = {.layers = 13, .dims = 768, .projection = 256, .classes = 6};
	core_head_tensor tensor[CORE_HEAD_TENSORS];
	assert_int_equal(core_head_tensors(&wide, tensor), LINEAR);
	int64_t count = core_head_count(&wide);
	assert_int_equal(count, 13 + 256 * 768 + 256 + 6 * 256 + 6);
	assert_int_equal(tensor[4].offset + tensor[4].count, count);
	float *a = core_alloc(ctx, (size_t)count, 4), *b = core_alloc(ctx, (size_t)count, 4);
	core_head_init(ctx, &wide, 0, a);
	core_head_init(ctx, &wide, 0, b);
	assert_memory_equal(a, b, (size_t)count * 4);
	for (int l = 0; l < 13; l++)
		assert_true(a[l] == 0);
	const double bound[LINEAR] = {0, 1 / sqrt(768), 1 / sqrt(768), 1 / 16., 1 / 16.};
	for (int i = 1; i < LINEAR; i++) {
		double largest = 0, squares = 0;
		for (int64_t j = 0; j < tensor[i].count; j++) {
			double value = fabs(a[tensor[i].offset + j]);
			largest = value > largest ? value : largest;
			squares += value * value;
		}
		assert_true(largest <= bound[i] * (1 + 1e-7));
		if (tensor[i].count > 1000) { /* uniform: variance bound^2 / 3 */
			assert_true(largest > 0.99 * bound[i]);
			test_close(squares / (double)tensor[i].count / bound[i] / bound[i], 1 / 3.,
				0.02);
		}
	}
	core_head_init(ctx, &wide, 1, b);
	assert_memory_not_equal(a + 13, b + 13, 1000);
	core_ctx_free(ctx);
}

/* The logits of a row do not depend on the rows beside it, nor on its place in memory. */
static void check_rows(const core_head_shape *s)
{
	enum { ROWS = 75 };
	fv_ctx *ctx = test_ctx();
	size_t width = (size_t)s->layers * (size_t)s->dims;
	float *x = core_alloc(ctx, ROWS * width, sizeof *x);
	float *param = core_alloc(ctx, (size_t)core_head_count(s), sizeof *param);
	float z[ROWS * 6], turned[ROWS * 6], one[6];
	fv_stream stream = fv_rng(ctx, "x", 0, 0);
	for (size_t i = 0; i < ROWS * width; i++)
		x[i] = (float)fv_normal(&stream);
	core_head_init(ctx, s, 0, param);
	core_plan *plan;
	test_ok(ctx, core_plan_head(ctx, s, &plan));
	int32_t index[ROWS];
	const char *stem[ROWS] = {0};
	for (int i = 0; i < ROWS; i++)
		index[i] = ROWS - 1 - i;
	core_train_data data = {.rows = {.n = ROWS, .stem = stem}, .x = x};
	test_ok(ctx, core_train_predict(ctx, plan, param, &data, z));
	data.index = index;
	test_ok(ctx, core_train_predict(ctx, plan, param, &data, turned));
	data.rows.n = 1;
	for (int i = 0; i < ROWS; i++) {
		assert_memory_equal(z + i * 6, turned + (ROWS - 1 - i) * 6, sizeof one);
		data.index = &(int32_t){i};
		test_ok(ctx, core_train_predict(ctx, plan, param, &data, one));
		assert_memory_equal(z + i * 6, one, sizeof one);
	}
	core_ctx_free(ctx);
}

static void prediction_of_a_row(void **state)
{
	(void)state;
	check_rows(&(core_head_shape){.layers = 13,
		.dims = 768,
		.projection = 256,
		.classes = 6,
		.n_hidden = 1,
		.hidden = {64},
		.activation = FV_ACTIVATION_GELU});
	check_rows(&(core_head_shape){.layers = 13, .dims = 768, .classes = 6});
	check_rows(&(core_head_shape){.layers = 13, .dims = 768, .projection = 256, .classes = 6});
	check_rows(&(core_head_shape){.layers = 3, .dims = 101, .projection = 70, .classes = 6});
	check_rows(&(core_head_shape){.layers = 1, .dims = 977, .projection = 256, .classes = 6});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forward_and_gradient),
		cmocka_unit_test(gradient_is_the_difference),
		cmocka_unit_test(traces_match),
		cmocka_unit_test(start_values),
		cmocka_unit_test(prediction_of_a_row),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
