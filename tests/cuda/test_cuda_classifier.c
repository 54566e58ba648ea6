/* SPDX-License-Identifier: Apache-2.0 */
/* Classifiers that are trained on the device: logits and gradients against the layers one by one in double, Adam's bits,
 * each one alone against all in one call, and what fails. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "emulated.h"
#include "nn/adam.h"
#include "nn/head.h"
#include "op_test.h"

extern const core_device_module fairvox_device_module;

enum { UTTERANCES = 9, RUNS = 7, STEPS = 3 };

/* Widths about the borders of warps and blocks, classes about those of what a thread sums at once */
static const struct shape {
	int32_t layers, dims, projection, classes, batch, n;
	bool scaled;
} shapes[RUNS] = {{1, 1, 1, 2, 4, 4, false}, {13, 96, 16, 6, 5, 5, true},
	{2, 31, 33, 8, 6, 6, true}, {3, 128, 5, 9, 3, 2, false}, {3, 129, 64, 16, 4, 4, true},
	{2, 200, 130, 4, 7, 1, true}, {25, 64, 32, 3, 2, 2, false}};

/* A classifier with its inputs on the host */
struct trial {
	struct shape s;
	int64_t count;
	float *x, *mean, *scale; /* [UTTERANCES,L,D], [L,D] */
	float *param, *d_logits, *logits;
	int32_t index[8];
	core_classifier *own;
};

static const core_classifier_ops *get_ops(void)
{
	return fairvox_device_module.classifiers;
}

static float *draw(int64_t n, double mean, double deviation, uint64_t seed)
{
	float *host;
	(void)op_draw(n, mean, deviation, seed, &host);
	return host;
}

static struct trial make_trial(int run)
{
	struct trial t = {.s = shapes[run]};
	const struct shape *s = &t.s;
	const uint64_t seed = 100 * (uint64_t)run;
	const core_head_shape head = {.layers = s->layers,
		.dims = s->dims,
		.projection = s->projection,
		.classes = s->classes};
	const int64_t width = (int64_t)s->layers * s->dims;
	t.count = core_head_count(&head);
	const float *there = op_draw(UTTERANCES * width, 0.3, 1, seed, &t.x);
	t.mean = draw(width, 0.2, 0.3, seed + 1);
	t.scale = draw(width, 1, 0.1, seed + 2);
	t.param = draw(t.count, 0, 0.3, seed + 3);
	t.d_logits = draw((int64_t)s->batch * s->classes, 0, 0.2, seed + 4);
	t.logits = core_alloc(op_ctx(), UTTERANCES * (size_t)s->classes, sizeof *t.logits);
	for (int i = 0; i < s->n; i++)
		t.index[i] = (5 * i + run) % UTTERANCES;
	const core_classifier_plan plan = {.layers = s->layers,
		.dims = s->dims,
		.projection = s->projection,
		.classes = s->classes,
		.batch = s->batch,
		.rows = UTTERANCES,
		.features = there,
		.mean = s->scaled ? t.mean : NULL,
		.scale = s->scaled ? t.scale : NULL};
	test_ok(op_ctx(), get_ops()->open(op_ctx(), op_device(), &plan, &t.own));
	assert_null(get_ops()->set(t.own, t.param, NULL, NULL));
	return t;
}

/* --- in double, layer by layer --- */

struct reference {
	double *logits, *gradient; /* [n,C], [count] */
};

static double standardise(const struct trial *t, int32_t row, int64_t at)
{
	const double x = t->x[(int64_t)row * t->s.layers * t->s.dims + at];
	return t->s.scaled ? (x - (double)t->mean[at]) * (double)t->scale[at] : x;
}

static void compute_shares(const struct trial *t, double *share)
{
	double total = 0;
	for (int l = 0; l < t->s.layers; l++)
		total += share[l] = exp((double)t->param[l]);
	for (int l = 0; l < t->s.layers; l++)
		share[l] /= total;
}

/* One row's logits, and what it adds to the gradient */
static void add_row(const struct trial *t, int i, const double *share, struct reference *out)
{
	const struct shape *s = &t->s;
	const int D = s->dims, H = s->projection, C = s->classes;
	const float *w1 = t->param + s->layers, *b1 = w1 + (int64_t)H * D, *w2 = b1 + H,
		    *b2 = w2 + (int64_t)C * H;
	double *g1 = out->gradient + s->layers, *gb1 = g1 + (int64_t)H * D, *g2 = gb1 + H,
	       *gb2 = g2 + (int64_t)C * H;
	double *h = calloc(2 * ((size_t)D + (size_t)H), sizeof *h), *dh = h + D, *u = dh + D,
	       *du = u + H;
	assert_non_null(h);
	for (int l = 0; l < s->layers; l++)
		for (int d = 0; d < D; d++)
			h[d] += share[l] * standardise(t, t->index[i], (int64_t)l * D + d);
	for (int j = 0; j < H; j++) {
		u[j] = b1[j];
		for (int d = 0; d < D; d++)
			u[j] += (double)w1[j * D + d] * h[d];
	}
	for (int c = 0; c < C; c++) {
		const double dz = t->d_logits[i * C + c];
		double z = b2[c];
		gb2[c] += dz;
		for (int j = 0; j < H; j++) {
			z += (double)w2[c * H + j] * u[j];
			g2[c * H + j] += dz * u[j];
			du[j] += dz * (double)w2[c * H + j];
		}
		out->logits[i * C + c] = z;
	}
	for (int j = 0; j < H; j++) {
		gb1[j] += du[j];
		for (int d = 0; d < D; d++) {
			g1[j * D + d] += du[j] * h[d];
			dh[d] += (double)w1[j * D + d] * du[j];
		}
	}
	for (int l = 0; l < s->layers; l++) /* ds_l; of the softmax below */
		for (int d = 0; d < D; d++)
			out->gradient[l] += standardise(t, t->index[i], (int64_t)l * D + d) * dh[d];
	free(h);
}

static struct reference compute_reference(const struct trial *t)
{
	double share[32], mean = 0;
	struct reference out = {calloc((size_t)t->s.n * (size_t)t->s.classes, sizeof(double)),
		calloc((size_t)t->count, sizeof(double))};
	assert_non_null(out.logits);
	assert_non_null(out.gradient);
	compute_shares(t, share);
	for (int i = 0; i < t->s.n; i++)
		add_row(t, i, share, &out);
	for (int l = 0; l < t->s.layers; l++)
		mean += share[l] * out.gradient[l];
	for (int l = 0; l < t->s.layers; l++)
		out.gradient[l] = share[l] * (out.gradient[l] - mean);
	return out;
}

/* Compares with numbers whose largest error may be `tolerance` times their rms. */
static void check_numbers(
	const char *what, const float *got, const double *want, int64_t n, double tolerance)
{
	double squares = 0, worst = 0;
	for (int64_t i = 0; i < n; i++) {
		squares += want[i] * want[i];
		worst = fmax(worst, fabs((double)got[i] - want[i]));
		if (isnan(got[i]))
			fail_msg("%s: number %lld is none", what, (long long)i);
	}
	const double rms = sqrt(squares / (double)n);
	if (getenv("FAIRVOX_VERBOSE"))
		printf("%s, %lld numbers: %.2g\n", what, (long long)n,
			rms > 0 ? worst / rms : worst);
	if (worst > tolerance * rms)
		fail_msg("%s: %.3g of the rms, %.3g allowed", what, worst / rms, tolerance);
}

/* --- calls --- */

static void run_forward(struct trial *t, int n, bool keep)
{
	core_classifier_rows rows[RUNS], *job[RUNS];
	for (int k = 0; k < n; k++) {
		rows[k] = (core_classifier_rows){t[k].own, t[k].s.n, t[k].index, keep, t[k].logits};
		job[k] = &rows[k];
	}
	assert_null(get_ops()->forward(op_device(), job, n));
}

static const core_adam settings = {.learning_rate = 0.01, .weight_decay = 0.1};

static void run_update(struct trial *t, int n, int64_t step, double clip, double *norm)
{
	core_classifier_step steps[RUNS] = {{0}}, *job[RUNS];
	for (int k = 0; k < n; k++) {
		steps[k] = (core_classifier_step){
			t[k].own, t[k].d_logits, core_adam_prepare(&settings, step, 1), clip, NAN};
		job[k] = &steps[k];
	}
	assert_null(get_ops()->update(op_device(), job, n));
	for (int k = 0; k < n; k++)
		norm[k] = steps[k].norm;
}

struct vectors {
	float *param, *gradient, *m, *v;
};

static struct vectors get_vectors(const struct trial *t)
{
	float *at = core_alloc(op_ctx(), (size_t)(4 * t->count), sizeof *at);
	struct vectors out = {at, at + t->count, at + 2 * t->count, at + 3 * t->count};
	assert_non_null(at);
	assert_null(get_ops()->get(t->own, out.param, out.gradient, out.m, out.v));
	return out;
}

static void check_trial(struct trial *t)
{
	struct reference want = compute_reference(t);
	double norm, squares = 0;
	char what[64];
	snprintf(what, sizeof what, "%dx%d, %d, %d classes", t->s.layers, t->s.dims,
		t->s.projection, t->s.classes);
	run_forward(t, 1, true);
	check_numbers(what, t->logits, want.logits, (int64_t)t->s.n * t->s.classes, 3e-6);
	run_update(t, 1, 1, 0, &norm);
	struct vectors got = get_vectors(t);
	const int64_t first = t->s.layers, rows = (int64_t)t->s.projection * t->s.dims;
	if (t->s.layers > 1)
		check_numbers("layer mix", got.gradient, want.gradient, first, 1e-5);
	check_numbers("projection", got.gradient + first, want.gradient + first, rows, 3e-6);
	check_numbers("the rest", got.gradient + first + rows, want.gradient + first + rows,
		t->count - first - rows, 5e-6);
	for (int64_t i = 0; i < t->count; i++)
		squares += (double)got.gradient[i] * (double)got.gradient[i];
	test_close(norm, sqrt(squares), 1e-13 * norm);
	free(want.logits);
	free(want.gradient);
}

static void numbers_of_a_step(void **state)
{
	(void)state;
	for (int run = 0; run < (op_is_quick() ? 3 : RUNS); run++) {
		struct trial t = make_trial(run);
		check_trial(&t);
		get_ops()->close(t.own);
	}
	assert_int_equal(op_close(NULL), 0);
}

/* Adam's numbers are the CPU's, to the last bit, for the gradient that the device found; with and without clipping. */
static void adam_has_the_bits_of_the_cpu(void **state)
{
	(void)state;
	struct trial t = make_trial(1);
	for (int step = 1; step <= STEPS; step++) {
		const double clip = step == 2 ? 0.01 : step == 3 ? 1e6 : 0;
		double norm;
		struct vectors before = get_vectors(&t);
		run_forward(&t, 1, true);
		run_update(&t, 1, step, clip, &norm);
		struct vectors after = get_vectors(&t);
		assert_true(step != 2 || norm > 0.01);
		core_adam_step(&settings, step, core_clip_scale(norm, clip), t.count, before.param,
			after.gradient, before.m, before.v);
		assert_memory_equal(before.param, after.param, (size_t)t.count * sizeof(float));
		assert_memory_equal(before.m, after.m, (size_t)t.count * sizeof(float));
		assert_memory_equal(before.v, after.v, (size_t)t.count * sizeof(float));
	}
	get_ops()->close(t.own);
	assert_int_equal(op_close(NULL), 0);
}

/* Trains the first n together, or each of them alone. */
static void train(int n, bool together, struct vectors *out, float *const *logits)
{
	struct trial t[RUNS];
	double norm[RUNS];
	for (int k = 0; k < n; k++)
		t[k] = make_trial(k);
	for (int step = 1; step <= STEPS; step++)
		for (int k = 0; k < n; k += together ? n : 1) {
			run_forward(t + k, together ? n : 1, true);
			run_update(t + k, together ? n : 1, step, 1, norm + k);
		}
	run_forward(t, n, false);
	for (int k = 0; k < n; k++) {
		out[k] = get_vectors(&t[k]);
		memcpy(logits[k], t[k].logits, (size_t)(t[k].s.n * t[k].s.classes) * sizeof(float));
		get_ops()->close(t[k].own);
	}
}

/* Classifiers of other shapes in one call change no bit. */
static void together_as_alone(void **state)
{
	(void)state;
	const int n = op_is_quick() ? 3 : RUNS;
	struct vectors alone[RUNS], together[RUNS];
	float room[2][RUNS][UTTERANCES * 16], *to[2][RUNS];
	for (int k = 0; k < RUNS; k++) {
		to[0][k] = room[0][k];
		to[1][k] = room[1][k];
	}
	train(n, false, alone, to[0]);
	train(n, true, together, to[1]);
	for (int k = 0; k < n; k++) {
		const struct shape *s = &shapes[k];
		const core_head_shape head = {.layers = s->layers,
			.dims = s->dims,
			.projection = s->projection,
			.classes = s->classes};
		const size_t size = (size_t)core_head_count(&head) * sizeof(float);
		assert_memory_equal(alone[k].param, together[k].param, size);
		assert_memory_equal(alone[k].m, together[k].m, size);
		assert_memory_equal(alone[k].v, together[k].v, size);
		assert_memory_equal(
			room[0][k], room[1][k], (size_t)(s->n * s->classes) * sizeof(float));
	}
	assert_int_equal(op_close(NULL), 0);
}

/* A step whose gradient overflows changes nothing, and tells so by its norm. */
static void overflow_is_told(void **state)
{
	(void)state;
	struct trial t = make_trial(1);
	double norm;
	struct vectors before = get_vectors(&t);
	t.d_logits[0] = INFINITY;
	run_forward(&t, 1, true);
	run_update(&t, 1, 1, 1, &norm);
	struct vectors after = get_vectors(&t);
	assert_int_equal(isfinite(norm) != 0, 0);
	assert_memory_equal(before.param, after.param, (size_t)t.count * sizeof(float));
	assert_memory_equal(before.m, after.m, (size_t)t.count * sizeof(float));
	get_ops()->close(t.own);
	assert_int_equal(op_close(NULL), 0);
}

/* What is set is what goes on: a training in two parts has the bits of one. */
static void goes_on_where_it_was(void **state)
{
	(void)state;
	struct trial whole = make_trial(2), first = make_trial(2), second = make_trial(2);
	double norm;
	for (int step = 1; step <= 2; step++) {
		run_forward(&whole, 1, true);
		run_update(&whole, 1, step, 1, &norm);
	}
	run_forward(&first, 1, true);
	run_update(&first, 1, 1, 1, &norm);
	struct vectors saved = get_vectors(&first);
	assert_null(get_ops()->set(second.own, saved.param, saved.m, saved.v));
	run_forward(&second, 1, true);
	run_update(&second, 1, 2, 1, &norm);
	struct vectors a = get_vectors(&whole), b = get_vectors(&second);
	assert_memory_equal(a.param, b.param, (size_t)whole.count * sizeof(float));
	assert_memory_equal(a.v, b.v, (size_t)whole.count * sizeof(float));
	get_ops()->close(whole.own);
	get_ops()->close(first.own);
	get_ops()->close(second.own);
	assert_int_equal(op_close(NULL), 0);
}

static void failures_are_told(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_classifier *none = NULL;
	const core_classifier_plan plan = {
		.layers = 1, .dims = 8, .projection = 4, .classes = 2, .batch = 2, .rows = 2};
	core_device *device = op_device();
	emulated.fail_at = emulated.allocations + 1;
	assert_int_equal(get_ops()->open(ctx, device, &plan, &none), FV_FAILED);
	test_fails(
		ctx, core_error_status(ctx), FV_FAILED, "a classifier: out of memory on the GPU");
	assert_null(none);
	emulated.fail_at = 0;
	for (int call = 1; call <= 2; call++) { /* pinned memory, the device's */
		struct trial t = make_trial(1);
		core_classifier_rows rows = {t.own, t.s.n, t.index, true, t.logits}, *job = &rows;
		emulated.fail_at = emulated.allocations + call;
		assert_string_equal(get_ops()->forward(device, &job, 1), "out of memory");
		emulated.fail_at = 0;
		assert_null(get_ops()->forward(device, &job, 1));
		get_ops()->close(t.own);
		assert_int_equal(op_close(NULL), 0);
		device = op_device();
	}
	struct trial t = make_trial(1);
	core_classifier_rows rows = {t.own, t.s.n, t.index, true, t.logits}, *job = &rows;
	emulated.fault_at = emulated.launches + 2;
	assert_string_equal(get_ops()->forward(op_device(), &job, 1),
		"an illegal memory access was encountered");
	get_ops()->close(t.own);
	assert_int_equal(op_close(NULL), 0);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_of_a_step),
		cmocka_unit_test(adam_has_the_bits_of_the_cpu),
		cmocka_unit_test(together_as_alone),
		cmocka_unit_test(overflow_is_told),
		cmocka_unit_test(goes_on_where_it_was),
		cmocka_unit_test(failures_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, op_close);
}
