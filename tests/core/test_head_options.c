/* SPDX-License-Identifier: Apache-2.0 */
/* Hidden layers, dropout, heads without projection, and the base losses: against double precision, finite
 * differences and values computed by hand. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

#include "backend/kernels.h"
#include "nn/base_loss.h"
#include "nn/head.h"

enum { ROWS = 5, WIDEST = 64, CLASSES = 4 };

static const char *const stem[ROWS] = {"a", "b", "c", "d", "e"};
static const int32_t copy[ROWS] = {0, 0, 1, 0, 2};

/* --- a head in double precision ------------------------------------------------------------------ */

static double activate(fv_activation activation, double x)
{
	if (activation == FV_ACTIVATION_RELU)
		return x > 0 ? x : 0;
	return activation == FV_ACTIVATION_GELU ? x * erfc(-x / sqrt(2)) / 2 : x;
}

/* y [out] = W x + b; returns where the next layer's parameters begin. */
static const double *apply_linear(const double *p, int out, int in, const double *x, double *y)
{
	const double *bias = p + (ptrdiff_t)out * in;
	for (int o = 0; o < out; o++) {
		y[o] = bias[o];
		for (int i = 0; i < in; i++)
			y[o] += p[o * in + i] * x[i];
	}
	return bias + out;
}

/* Logits of row i; `drop` NULL: as in evaluation. */
static void compute_logits(const double *p, const core_head_shape *s, const float *x, int i,
	const core_dropout *drop, double *z)
{
	double a[WIDEST] = {0}, b[WIDEST], total = 0;
	int width = s->dims;
	for (int l = 0; l < s->layers; l++)
		total += exp(p[l]);
	for (int l = 0; l < s->layers; l++)
		for (int d = 0; d < s->dims; d++)
			a[d] += exp(p[l]) / total * (double)x[(i * s->layers + l) * s->dims + d];
	p += s->layers;
	if (s->projection) {
		p = apply_linear(p, s->projection, width, a, b);
		memcpy(a, b, sizeof a);
		width = s->projection;
	}
	fv_stream stream = {{0}, {0}, {0}, 0};
	if (drop)
		stream = fv_rng(drop->ctx, "dropout", drop->epoch,
			fv_name_hash(stem[i]) + (uint64_t)copy[i]);
	for (int j = 0; j < s->n_hidden; j++) {
		p = apply_linear(p, s->hidden[j], width, a, b);
		width = s->hidden[j];
		for (int k = 0; k < width; k++) {
			a[k] = activate(s->activation, b[k]);
			if (drop)
				a[k] *= fv_uniform(&stream) < s->dropout ? 0 : 1 / (1 - s->dropout);
		}
	}
	(void)apply_linear(p, s->classes, width, a, z);
}

/* Mean of softmax cross-entropies with uniform labels. */
static double compute_mean_loss(
	const double *p, const core_head_shape *s, const float *x, const core_dropout *drop)
{
	double total = 0;
	for (int i = 0; i < ROWS; i++) {
		double z[CLASSES], norm = 0;
		compute_logits(p, s, x, i, drop, z);
		for (int c = 0; c < CLASSES; c++)
			norm += exp(z[c]);
		for (int c = 0; c < CLASSES; c++)
			total -= (z[c] - log(norm)) / CLASSES / ROWS;
	}
	return total;
}

typedef struct rig {
	fv_ctx *ctx;
	core_head_shape shape;
	int64_t count;
	float *x, *param, *gradient, z[ROWS * CLASSES], dz[ROWS * CLASSES];
	double *exact;
	const float *row[ROWS];
	core_head *head;
	core_dropout drop;
} rig;

static void open_rig(rig *r, const core_head_shape *s)
{
	*r = (rig){.ctx = test_ctx(), .shape = *s, .count = core_head_count(s)};
	core_ctx_set_run(r->ctx, 5, 1);
	size_t width = (size_t)s->layers * (size_t)s->dims, count = (size_t)r->count;
	fv_stream stream = fv_rng(r->ctx, "x", 0, 0);
	r->x = core_alloc(r->ctx, ROWS * width, sizeof *r->x);
	r->param = core_alloc(r->ctx, count, sizeof *r->param);
	r->gradient = core_alloc(r->ctx, count, sizeof *r->gradient);
	r->exact = core_alloc(r->ctx, count, sizeof *r->exact);
	for (size_t i = 0; i < ROWS * width; i++)
		r->x[i] = (float)fv_normal(&stream);
	core_head_init(r->ctx, s, 0, r->param);
	for (int l = 0; l < s->layers; l++)
		r->param[l] = 0.3f * (float)l;
	for (size_t i = 0; i < count; i++)
		r->exact[i] = (double)r->param[i];
	for (size_t i = 0; i < ROWS; i++)
		r->row[i] = r->x + i * width;
	r->drop = (core_dropout){r->ctx, 3, stem, copy};
	test_ok(r->ctx, core_head_new(r->ctx, s, ROWS, &r->head));
	core_head_prepare(r->head, r->param);
}

static void close_rig(rig *r)
{
	core_head_free(r->head);
	core_ctx_free(r->ctx);
}

/* Compares logits with double precision, and the gradient with central differences. */
static void check_head(const core_head_shape *s, bool layers, bool drops)
{
	static const float label[ROWS * CLASSES] = {.25f, .25f, .25f, .25f, .25f, .25f, .25f, .25f,
		.25f, .25f, .25f, .25f, .25f, .25f, .25f, .25f, .25f, .25f, .25f, .25f};
	static const double weight[CLASSES] = {1, 1, 1, 1};
	double loss[ROWS], grad[ROWS * CLASSES], z[CLASSES];
	rig r;
	open_rig(&r, s);
	const core_dropout *drop = drops ? &r.drop : NULL;
	if (layers)
		core_head_uncollapse(r.head);
	core_head_set_dropout(r.head, drop, 0, ROWS);
	core_head_forward(r.head, r.param, r.row, ROWS, r.z);
	for (int i = 0; i < ROWS; i++) {
		compute_logits(r.exact, s, r.x, i, drop, z);
		for (int c = 0; c < CLASSES; c++)
			test_close((double)r.z[i * CLASSES + c], z[c], 1e-6);
	}
	core_base_loss(&(core_base){.weight = weight}, ROWS, CLASSES, r.z, label, loss, grad);
	for (int i = 0; i < ROWS * CLASSES; i++)
		r.dz[i] = (float)(grad[i] / ROWS);
	core_head_backward(r.head, r.param, r.row, ROWS, r.dz, r.gradient);
	for (int64_t i = 0; i < r.count; i++) {
		const double h = 1e-6, at = r.exact[i];
		r.exact[i] = at + h;
		double up = compute_mean_loss(r.exact, s, r.x, drop);
		r.exact[i] = at - h;
		double down = compute_mean_loss(r.exact, s, r.x, drop);
		r.exact[i] = at;
		test_close((double)r.gradient[i], (up - down) / (2 * h), 1e-6);
	}
	close_rig(&r);
}

#define SHAPE(...)                                                                                 \
	{                                                                                          \
		.classes = CLASSES, __VA_ARGS__                                                    \
	}

static void gradients_are_differences(void **state)
{
	(void)state;
	const core_head_shape plain[] = {SHAPE(.layers = 3, .dims = 7),
		SHAPE(.layers = 1, .dims = 5), SHAPE(.layers = 2, .dims = 6, .projection = 4)};
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
		check_head(&plain[i], false, false);
		check_head(&plain[i], true, false);
	}
	for (int activation = FV_ACTIVATION_NONE; activation <= FV_ACTIVATION_GELU; activation++) {
		const fv_activation f = (fv_activation)activation;
		const core_head_shape deep[] = {SHAPE(.layers = 3, .dims = 7, .n_hidden = 1,
							.hidden = {9}, .activation = f),
			SHAPE(.layers = 1, .dims = 5, .projection = 6, .n_hidden = 2,
				.hidden = {17, 3}, .activation = f, .dropout = 0.4),
			SHAPE(.layers = 2, .dims = 4, .n_hidden = 3, .hidden = {20, 5, 16},
				.activation = f, .dropout = 0.2)};
		for (size_t i = 0; i < sizeof deep / sizeof *deep; i++) {
			check_head(&deep[i], false, false);
			check_head(&deep[i], false, true);
		}
	}
}

/* --- dropout ------------------------------------------------------------------------------------- */

/* Masks depend on the epoch, the recording and its copies, not on the place in the batch. */
static void dropout_is_keyed(void **state)
{
	(void)state;
	const core_head_shape shape = SHAPE(.layers = 1, .dims = 5, .n_hidden = 1, .hidden = {40},
		.activation = FV_ACTIVATION_NONE, .dropout = 0.5);
	static const char *const turned[ROWS] = {"e", "d", "c", "b", "a"};
	static const int32_t turned_copy[ROWS] = {2, 0, 1, 0, 0}, again[ROWS] = {2, 0, 1, 0, 1};
	rig r;
	open_rig(&r, &shape);
	const float *same[ROWS] = {r.row[4], r.row[3], r.row[2], r.row[1], r.row[0]};
	float z[ROWS * CLASSES], plain[ROWS * CLASSES];
	core_head_forward(r.head, r.param, r.row, ROWS, plain);
	core_head_set_dropout(r.head, &r.drop, 0, ROWS);
	core_head_forward(r.head, r.param, r.row, ROWS, r.z);
	assert_memory_not_equal(r.z, plain, sizeof plain);
	const core_dropout other = {r.ctx, 3, turned, turned_copy};
	core_head_set_dropout(r.head, &other, 0, ROWS);
	core_head_forward(r.head, r.param, same, ROWS, z);
	for (int i = 0; i < ROWS; i++)
		for (int c = 0; c < CLASSES; c++)
			test_close((double)z[i * CLASSES + c],
				(double)r.z[(ROWS - 1 - i) * CLASSES + c], 2e-7);
	/* Another copy, epoch or branch has other masks. */
	const core_dropout copied = {r.ctx, 3, turned, again}, later = {r.ctx, 4, stem, copy};
	core_head_set_dropout(r.head, &copied, 0, ROWS);
	core_head_forward(r.head, r.param, same, ROWS, z);
	assert_true(fabsf(z[4 * CLASSES] - r.z[0]) > 1e-4f);
	core_head_set_dropout(r.head, &later, 0, ROWS);
	core_head_forward(r.head, r.param, r.row, ROWS, z);
	assert_true(fabsf(z[0] - r.z[0]) > 1e-4f);
	core_head_set_dropout(r.head, &r.drop, 77, ROWS);
	core_head_forward(r.head, r.param, r.row, ROWS, z);
	assert_true(fabsf(z[0] - r.z[0]) > 1e-4f);
	/* Off again, the logits are those of evaluation. */
	core_head_set_dropout(r.head, NULL, 0, ROWS);
	core_head_forward(r.head, r.param, r.row, ROWS, z);
	assert_memory_equal(z, plain, sizeof plain);
	close_rig(&r);
}

/* --- start values -------------------------------------------------------------------------------- */

/* Hidden layers have draws of their own and move no other tensor's. */
static void start_values(void **state)
{
	(void)state;
	const core_head_shape plain = SHAPE(.layers = 2, .dims = 30, .projection = 20);
	const core_head_shape deep =
		SHAPE(.layers = 2, .dims = 30, .projection = 20, .n_hidden = 2, .hidden = {20, 20});
	static const char *const names[] = {"layer_mix", "projection.weight", "projection.bias",
		"hidden.0.weight", "hidden.0.bias", "hidden.1.weight", "hidden.1.bias",
		"output.weight", "output.bias"};
	core_head_tensor from[CORE_HEAD_TENSORS], to[CORE_HEAD_TENSORS];
	fv_ctx *ctx = test_ctx();
	core_ctx_set_run(ctx, 1, 1);
	assert_int_equal(core_head_tensors(&plain, from), 5);
	assert_int_equal(core_head_tensors(&deep, to), 9);
	float *a = core_alloc(ctx, (size_t)core_head_count(&plain), sizeof *a);
	float *b = core_alloc(ctx, (size_t)core_head_count(&deep), sizeof *b);
	core_head_init(ctx, &plain, 0, a);
	core_head_init(ctx, &deep, 0, b);
	for (int i = 0; i < 9; i++)
		assert_string_equal(to[i].name, names[i]);
	for (int i = 0; i < 5; i++)
		assert_memory_equal(a + from[i].offset, b + to[i < 3 ? i : i + 4].offset,
			(size_t)from[i].count * sizeof *a);
	for (int i = 3; i < 7; i++) { /* uniform in +-1/sqrt(20) */
		double squares = 0, bound = 1 / sqrt(20);
		for (int64_t j = 0; j < to[i].count; j++) {
			double value = (double)b[to[i].offset + j];
			assert_true(fabs(value) <= bound * (1 + 1e-6));
			squares += value * value;
		}
		if (to[i].count > 100)
			test_close(squares / (double)to[i].count, bound * bound / 3, 0.003);
	}
	assert_memory_not_equal(b + to[3].offset, b + to[5].offset, 400 * sizeof *b);
	core_ctx_free(ctx);
}

/* --- kernels ------------------------------------------------------------------------------------- */

static double find_slope(fv_activation activation, double x)
{
	if (activation == FV_ACTIVATION_RELU)
		return x > 0;
	if (activation == FV_ACTIVATION_NONE)
		return 1;
	return erfc(-x / sqrt(2)) / 2 + x * exp(-x * x / 2) / sqrt(2 * acos(-1));
}

/* Every instruction set: sums against double precision, and a row that lies at another place, alone or among
 * others gives the same bytes. */
static void dot_rows_by_place(void **state)
{
	(void)state;
	enum { M = 27, N = 11, K = 133 };
	const core_kernels *here[CORE_KERNELS_MAX];
	size_t sets = core_kernels_here(here);
	static float a[M * K], turned[M * K], b[N * K], out[M * N], back[M * N], one[N];
	float bias[N];
	for (int i = 0; i < M * K; i++)
		a[i] = sinf((float)i);
	for (int i = 0; i < N * K; i++)
		b[i] = cosf(0.7f * (float)i);
	for (int j = 0; j < N; j++)
		bias[j] = (float)j - 5;
	for (int i = 0; i < M; i++)
		memcpy(turned + (M - 1 - i) * K, a + i * K, K * sizeof *a);
	for (size_t k = 0; k < sets; k++)
		for (int depth = 1; depth <= K; depth += depth < 20 ? 1 : 113) {
			here[k]->dot_rows(M, N, depth, a, b, bias, out);
			for (int i = 0; i < M; i++)
				for (int j = 0; j < N; j++) {
					double sum = (double)bias[j];
					for (int d = 0; d < depth; d++)
						sum += (double)a[i * depth + d] *
						       (double)b[j * depth + d];
					test_close((double)out[i * N + j], sum, 2e-6);
				}
		}
	for (size_t k = 0; k < sets; k++) {
		here[k]->dot_rows(M, N, K, a, b, NULL, out);
		here[k]->dot_rows(M, N, K, turned, b, NULL, back);
		for (int i = 0; i < M; i++) {
			here[k]->dot_rows(1, N, K, a + i * K, b, NULL, one);
			assert_memory_equal(out + i * N, one, sizeof one);
			assert_memory_equal(back + (M - 1 - i) * N, one, sizeof one);
		}
	}
}

/* Every instruction set, with widths that leave a remainder. */
static void hidden_kernels(void **state)
{
	(void)state;
	enum { N = 4001, WIDE = 37 };
	const core_kernels *here[CORE_KERNELS_MAX];
	size_t sets = core_kernels_here(here);
	static float x[N], y[N], z[N], keep[N], d[N];
	float bias[WIDE];
	for (int i = 0; i < N; i++) {
		x[i] = (float)(i - 2000) / 250;
		keep[i] = i % 3 ? 1.5f : 0;
	}
	for (int i = 0; i < WIDE; i++)
		bias[i] = (float)(i - 18) / 10;
	for (size_t k = 0; k < sets; k++)
		for (int a = FV_ACTIVATION_NONE; a <= FV_ACTIVATION_GELU; a++) {
			const fv_activation f = (fv_activation)a;
			const int rows = N / WIDE;
			memcpy(z, x, sizeof z);
			here[k]->hidden_forward(f, rows, WIDE, bias, keep, z, y);
			for (int i = 0; i < rows * WIDE; i++) {
				double sum = (double)(x[i] + bias[i % WIDE]);
				test_close((double)z[i], sum, 1e-6);
				test_close((double)y[i], activate(f, sum) * (double)keep[i], 2e-6);
			}
			here[k]->hidden_forward(f, rows, WIDE, bias, NULL, z, y);
			for (int i = 0; i < N; i++)
				d[i] = 2;
			here[k]->hidden_backward(f, N, keep, x, d);
			for (int i = 0; i < N; i++)
				test_close((double)d[i],
					2 * (double)keep[i] * find_slope(f, (double)x[i]), 2e-6);
			d[0] = 3;
			here[k]->hidden_backward(f, 1, NULL, x, d);
			test_close((double)d[0], 3 * find_slope(f, (double)x[0]), 2e-6);
		}
}

/* --- base losses --------------------------------------------------------------------------------- */

static const double weights[CLASSES] = {0.5, 1.5, 0.25, 1.75};

static void values_by_hand(void **state)
{
	(void)state;
	const float z[CLASSES] = {0, 1, -2, 0.5f}, y[CLASSES] = {1, 0.5f, 0, 0};
	const double s[CLASSES] = {
		1 / (1 + exp(-0.)), 1 / (1 + exp(-1.)), 1 / (1 + exp(2.)), 1 / (1 + exp(-0.5))};
	double norm = 1 + exp(1) + exp(-2) + exp(0.5), got, p0 = 1 / norm, p1 = exp(1) / norm;
	core_base base = {FV_BCE, 0, weights};
	core_base_loss(&base, 1, CLASSES, z, y, &got, NULL);
	test_close(got,
		(-0.5 * log(s[0]) - 1.5 * (log(s[1]) + log(1 - s[1])) / 2 - 0.25 * log(1 - s[2]) -
			1.75 * log(1 - s[3])) /
			4,
		1e-15);
	base = (core_base){FV_FOCAL, 2, weights};
	core_base_loss(&base, 1, CLASSES, z, y, &got, NULL);
	test_close(got,
		-0.5 * (1 - p0) * (1 - p0) * log(p0) - 1.5 * 0.5 * (1 - p1) * (1 - p1) * log(p1),
		1e-15);
	base = (core_base){FV_SOFT_CE, 0, weights};
	core_base_loss(&base, 1, CLASSES, z, y, &got, NULL);
	test_close(got, -(0.5 + 0.75) * (log(p0) + 0.5 * log(p1)), 1e-15);
}

static void loss_gradients_are_differences(void **state)
{
	(void)state;
	const float z[3][CLASSES] = {{0.5f, -1, 2, 0}, {0, 0, 0, 0}, {6, -7, 1, 3}};
	const float y[CLASSES] = {0.5f, 0.125f, 0.25f, 0.25f};
	const core_base bases[] = {{FV_SOFT_CE, 0, weights}, {FV_BCE, 0, weights},
		{FV_FOCAL, 2, weights}, {FV_FOCAL, 0.5, weights}, {FV_FOCAL, 0, weights}};
	for (size_t b = 0; b < sizeof bases / sizeof *bases; b++)
		for (int i = 0; i < 3; i++) {
			double loss, grad[CLASSES], up, down;
			core_base_loss(&bases[b], 1, CLASSES, z[i], y, &loss, grad);
			for (int k = 0; k < CLASSES; k++) {
				float moved[CLASSES];
				memcpy(moved, z[i], sizeof moved);
				moved[k] = z[i][k] + 0x1p-10f; /* exact in float32 */
				core_base_loss(&bases[b], 1, CLASSES, moved, y, &up, NULL);
				moved[k] = z[i][k] - 0x1p-10f;
				core_base_loss(&bases[b], 1, CLASSES, moved, y, &down, NULL);
				test_close(grad[k], (up - down) / 0x1p-9, 1e-6);
			}
		}
}

/* Sure and right, sure and wrong, and logits at the ends of float32. */
static void losses_stay_finite(void **state)
{
	(void)state;
	const float z[][CLASSES] = {{1000, 0, 0, 0}, {-1000, 0, 0, 0}, {3e38f, -3e38f, 0, 3e38f},
		{-3e38f, 3e38f, -3e38f, -3e38f}, {40, 0, 0, 0}, {0, 0, 0, 0}};
	const float y[CLASSES] = {1, 0, 0, 0};
	const core_base bases[] = {{FV_SOFT_CE, 0, weights}, {FV_BCE, 0, weights},
		{FV_FOCAL, 2, weights}, {FV_FOCAL, 0.5, weights}, {FV_FOCAL, 0, weights},
		{FV_FOCAL, 100, weights}};
	for (size_t b = 0; b < sizeof bases / sizeof *bases; b++)
		for (size_t i = 0; i < sizeof z / sizeof *z; i++) {
			double loss, grad[CLASSES], p[CLASSES], sum = 0;
			core_base_loss(&bases[b], 1, CLASSES, z[i], y, &loss, grad);
			assert_true(isfinite(loss) && loss >= 0);
			core_base_probability(bases[b].kind, CLASSES, z[i], p);
			for (int k = 0; k < CLASSES; k++) {
				assert_true(isfinite(grad[k]));
				assert_true(p[k] >= 0 && p[k] <= 1);
				sum += p[k];
			}
			if (bases[b].kind != FV_BCE)
				test_close(sum, 1, 1e-12);
		}
	double loss, grad[CLASSES];
	core_base_loss(&bases[2], 1, CLASSES, z[0], y, &loss, grad);
	test_close(loss, 0, 0); /* the focal loss of a sure and right row */
	core_base_loss(&bases[1], 1, CLASSES, z[1], y, &loss, grad);
	test_close(loss, 1000 * 0.5 / 4 + 3.5 * log(2) / 4, 1e-12);
	test_close(grad[0], -0.5 / 4, 1e-15);
}

static void class_weights(void **state)
{
	(void)state;
	const int64_t positives[] = {10, 40, 0, 50};
	double weight[4];
	core_class_weights_of(true, positives, 100, 4, weight);
	/* 1/10, 1/40, 1/50 scaled to sum to 4 */
	double scale = 4 / (0.1 + 0.025 + 0.02);
	test_close(weight[0], 0.1 * scale, 1e-14);
	test_close(weight[1], 0.025 * scale, 1e-14);
	test_close(weight[2], 0, 0);
	test_close(weight[3], 0.02 * scale, 1e-14);
}

static void predictions(void **state)
{
	(void)state;
	const float z[CLASSES] = {0, 2, -1000, 1000};
	float p[CLASSES];
	core_base_predict(FV_BCE, 1, CLASSES, z, p);
	assert_true(p[0] <= core_base_cut(FV_BCE, CLASSES)); /* a tie is not positive */
	test_close((double)p[1], (double)(float)(1 / (1 + exp(-2.))), 0);
	test_close((double)p[2], 0, 0);
	test_close((double)p[3], 1, 0);
	core_base_predict(FV_FOCAL, 1, CLASSES, z, p);
	test_close((double)p[3], 1, 0);
	test_close((double)core_base_cut(FV_FOCAL, CLASSES), 0.25, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(gradients_are_differences),
		cmocka_unit_test(dropout_is_keyed), cmocka_unit_test(start_values),
		cmocka_unit_test(dot_rows_by_place), cmocka_unit_test(hidden_kernels),
		cmocka_unit_test(values_by_hand), cmocka_unit_test(loss_gradients_are_differences),
		cmocka_unit_test(losses_stay_finite), cmocka_unit_test(class_weights),
		cmocka_unit_test(predictions)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
