/* SPDX-License-Identifier: Apache-2.0 */
/* Prepared matrices: all kernels of this machine, and AMX emulated in plain C, against sums in
 * double of the numbers that each precision multiplies. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

#include "backend/kernels.h"

/* --- AMX tiles in plain C, after Intel's manual (Vol. 1, ch. 18) --- */

typedef struct machine {
	bool configured;
	uint8_t rows[8];
	uint16_t bytes[8];
	uint8_t tile[8][16][64];
} machine;

static machine amx;

static void amx_config(const uint8_t *p)
{
	assert_int_equal(p[0], 1);
	amx = (machine){.configured = true};
	for (int t = 0; t < 8; t++) {
		amx.bytes[t] = (uint16_t)(p[16 + 2 * t] | p[17 + 2 * t] << 8);
		amx.rows[t] = p[48 + t];
		assert_true(amx.bytes[t] <= 64 && amx.rows[t] <= 16);
	}
}

static void amx_release(void)
{
	assert_true(amx.configured);
	amx.configured = false;
}

static void amx_zero(int t)
{
	assert_true(amx.configured);
	memset(amx.tile[t], 0, sizeof amx.tile[t]);
}

static void amx_load(int t, const void *p, int64_t stride)
{
	amx_zero(t);
	for (int r = 0; r < amx.rows[t]; r++)
		memcpy(amx.tile[t][r], (const char *)p + r * stride, amx.bytes[t]);
}

static void amx_store(int t, void *p, int64_t stride)
{
	assert_true(amx.configured);
	for (int r = 0; r < amx.rows[t]; r++)
		memcpy((char *)p + r * stride, amx.tile[t][r], amx.bytes[t]);
}

static float read_bf16(const uint8_t *row, int i)
{
	uint32_t bits = (uint32_t)(row[2 * i] | row[2 * i + 1] << 8) << 16;
	float value;
	memcpy(&value, &bits, sizeof value);
	return value;
}

static void amx_dot(int c, int a, int b)
{
	assert_true(amx.configured && c != a && c != b && a != b);
	assert_int_equal(amx.bytes[a] / 4, amx.rows[b]);
	assert_int_equal(amx.rows[c], amx.rows[a]);
	assert_int_equal(amx.bytes[c], amx.bytes[b]);
	for (int m = 0; m < amx.rows[c]; m++)
		for (int k = 0; k < amx.bytes[a] / 4; k++)
			for (int n = 0; n < amx.bytes[c] / 4; n++) {
				float sum;
				memcpy(&sum, amx.tile[c][m] + 4 * n, sizeof sum);
				for (int i = 0; i < 2; i++)
					sum += read_bf16(amx.tile[a][m], 2 * k + i) *
					       read_bf16(amx.tile[b][k], 2 * n + i);
				memcpy(amx.tile[c][m] + 4 * n, &sum, sizeof sum);
			}
}

#include "backend/amx_tile.h"

static const core_tiles amx_tiles = AMX_TILES;

/* The kernels of this machine and the emulated ones */
static size_t all_kernels(core_kernels out[CORE_KERNELS_MAX + 1])
{
	const core_kernels *here[CORE_KERNELS_MAX];
	size_t n = core_kernels_here(here);
	for (size_t i = 0; i < n; i++)
		out[i] = *here[i];
	out[n] = *here[n - 1];
	out[n].name = "emulated AMX";
	out[n].bf16 = &amx_tiles;
	return n + 1;
}

/* --- the reference --- */

/* x rounded to 8 bits of significand, ties to even, computed from the exponent instead of the
 * stored bits */
static double round_to_bf16(double x)
{
	int exponent;
	double fraction = frexp(x, &exponent);
	return ldexp(nearbyint(ldexp(fraction, 8)), exponent - 8);
}

typedef struct problem {
	int64_t rows, outputs, inputs, stride_x, stride_y;
	int32_t add;
	fv_activation activation;
	bool bias;
} problem;

/* The exact product of the numbers that a precision multiplies for x and w */
static double multiply_exactly(fv_precision precision, float x, float w)
{
	if (precision == FV_PRECISION_FP32)
		return (double)x * w;
	double xh = round_to_bf16(x), wh = round_to_bf16(w);
	if (precision == FV_PRECISION_BF16)
		return xh * wh;
	return xh * wh + xh * round_to_bf16(w - wh) + round_to_bf16(x - xh) * wh;
}

static double apply_exactly(fv_activation activation, double v)
{
	if (activation == FV_ACTIVATION_RELU)
		return v > 0 ? v : 0;
	return activation == FV_ACTIVATION_GELU ? 0.5 * v * erfc(-v * 0.70710678118654752440) : v;
}

typedef struct data {
	float *x, *weight, *bias, *before; /* one number past a 64-byte boundary */
} data;

static float *fill_numbers(fv_ctx *ctx, fv_stream *stream, int64_t n)
{
	float *x = core_alloc(ctx, (size_t)n + 1, sizeof *x);
	assert_non_null(x);
	for (int64_t i = 0; i <= n; i++)
		x[i] = (float)fv_normal(stream);
	return x + 1;
}

static data make_case(fv_ctx *ctx, const problem *p, int64_t draw)
{
	fv_stream stream = fv_rng(ctx, "linear", 0, (uint64_t)draw);
	return (data){fill_numbers(ctx, &stream, (p->rows - 1) * p->stride_x + p->inputs),
		fill_numbers(ctx, &stream, p->outputs * p->inputs),
		fill_numbers(ctx, &stream, p->outputs),
		fill_numbers(ctx, &stream, p->rows * p->stride_y)};
}

static float *apply_linear(fv_ctx *ctx, const core_kernels *kernels, fv_precision precision,
	const problem *p, const data *d)
{
	fv_linear *linear = core_linear_open(ctx, kernels, precision, p->outputs, p->inputs,
		d->weight, p->bias ? d->bias : NULL);
	assert_non_null(linear);
	size_t room = fv_linear_scratch(linear, p->rows);
	/* from malloc, so that a sanitizer detects accesses past the end */
	float *scratch = malloc((room + 1) * sizeof *scratch);
	float *x = malloc((size_t)((p->rows - 1) * p->stride_x + p->inputs) * sizeof *x);
	size_t n = (size_t)(p->rows * p->stride_y);
	float *y = core_alloc(ctx, n + 1, sizeof *y);
	assert_true(scratch && x && y++);
	memcpy(x, d->x, (size_t)((p->rows - 1) * p->stride_x + p->inputs) * sizeof *x);
	memcpy(y, d->before, n * sizeof *y);
	memset(scratch, 0xff, (room + 1) * sizeof *scratch);
	fv_linear_apply(linear, p->rows, x, p->stride_x, p->add, p->activation, y, p->stride_y,
		scratch + 1);
	free(x);
	free(scratch);
	return y;
}

/* The largest error relative to the sum of absolute products. Numbers between the rows of y must
 * not change. */
static double measure_largest_error(
	fv_precision precision, const problem *p, const data *d, const float *y)
{
	double worst = 0;
	for (int64_t r = 0; r < p->rows; r++)
		for (int64_t j = 0; j < p->stride_y; j++) {
			int64_t at = r * p->stride_y + j;
			if (j >= p->outputs) {
				assert_memory_equal(y + at, d->before + at, sizeof *y);
				continue;
			}
			double sum = p->bias ? d->bias[j] : 0, size = fabs(sum);
			sum += p->add ? d->before[at] : 0;
			size += p->add ? fabs(d->before[at]) : 0;
			for (int64_t k = 0; k < p->inputs; k++) {
				double one = multiply_exactly(precision, d->x[r * p->stride_x + k],
					d->weight[j * p->inputs + k]);
				sum += one;
				size += fabs(one);
			}
			double error =
				fabs(y[at] - apply_exactly(p->activation, sum)) / (size + 1e-30);
			worst = error > worst ? error : worst;
		}
	return worst;
}

static void check_case(fv_ctx *ctx, const problem *p, int64_t draw)
{
	core_kernels kernels[CORE_KERNELS_MAX + 1];
	size_t n = all_kernels(kernels);
	data d = make_case(ctx, p, draw);
	for (size_t i = 0; i < n; i++)
		for (fv_precision precision = 0; precision <= FV_PRECISION_BF16; precision++) {
			const float *y = apply_linear(ctx, &kernels[i], precision, p, &d);
			double error = measure_largest_error(precision, p, &d, y);
			/* roundings of 2^-24 in sums of up to 256 numbers, and the error of GELU */
			if (error > 4e-7)
				fail_msg("%s, precision %d, %dx%dx%d: error %g", kernels[i].name,
					(int)precision, (int)p->rows, (int)p->outputs,
					(int)p->inputs, error);
		}
}

static void every_remainder(void **state)
{
	(void)state;
	for (int64_t i = 0; i < 100; i++) {
		fv_ctx *ctx = test_ctx();
		problem p = {.rows = 1 + i % 35,
			.outputs = 1 + i,
			.inputs = 1 + (i * 7) % 67,
			.add = (int32_t)(i % 2),
			.activation = (fv_activation)(i % 3),
			.bias = i % 5 != 0};
		p.stride_x = p.inputs + i % 3;
		p.stride_y = p.outputs + i % 4;
		check_case(ctx, &p, i);
		core_ctx_free(ctx);
	}
}

static void several_blocks(void **state)
{
	(void)state;
	static const problem problems[] = {
		{261, 70, 33, 33, 70, 1, FV_ACTIVATION_GELU, true},
		{9, 450, 40, 40, 451, 0, FV_ACTIVATION_RELU, true},
		{10, 50, 1100, 1100, 50, 1, FV_ACTIVATION_NONE, true},
		{17, 48, 2048, 2048, 48, 0, FV_ACTIVATION_GELU, false},
		{3, 20, 513, 513, 20, 0, FV_ACTIVATION_NONE, true},
	};
	for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
		fv_ctx *ctx = test_ctx();
		check_case(ctx, &problems[i], (int64_t)(1000 + i));
		core_ctx_free(ctx);
	}
}

/* Convolutions: 10 taps of one channel and step 5; 3 taps of 16 channels and step 2; 128 taps,
 * step 1. */
static void overlapping_rows(void **state)
{
	(void)state;
	static const problem problems[] = {
		{300, 32, 10, 5, 32, 0, FV_ACTIVATION_NONE, false},
		{41, 16, 48, 32, 16, 0, FV_ACTIVATION_GELU, true},
		{37, 12, 128 * 12, 12, 12, 0, FV_ACTIVATION_GELU, true},
	};
	for (size_t i = 0; i < sizeof problems / sizeof *problems; i++) {
		fv_ctx *ctx = test_ctx();
		check_case(ctx, &problems[i], (int64_t)(2000 + i));
		core_ctx_free(ctx);
	}
}

/* Any subset of the rows gives the same bits as all rows. */
static void single_rows(void **state)
{
	(void)state;
	const problem p = {259, 85, 300, 200, 85, 1, FV_ACTIVATION_GELU, true};
	core_kernels kernels[CORE_KERNELS_MAX + 1];
	size_t n = all_kernels(kernels);
	for (size_t i = 0; i < n; i++)
		for (fv_precision precision = 0; precision <= FV_PRECISION_BF16; precision++) {
			fv_ctx *ctx = test_ctx();
			data d = make_case(ctx, &p, 3000);
			const float *all = apply_linear(ctx, &kernels[i], precision, &p, &d);
			for (int64_t from = 0, rows = 1; from < p.rows;
				from += rows, rows = rows % 19 + 1) {
				problem q = p;
				q.rows = rows < p.rows - from ? rows : p.rows - from;
				data part = d;
				part.x += from * p.stride_x;
				part.before += from * p.stride_y;
				const float *y =
					apply_linear(ctx, &kernels[i], precision, &q, &part);
				assert_memory_equal(y, all + from * p.stride_y,
					(size_t)(q.rows * p.stride_y) * sizeof *y);
			}
			core_ctx_free(ctx);
		}
}

/* Packed rows give the same bits as rows read in place, for every remainder of rows, outputs and inputs. */
static void packed_rows(void **state)
{
	(void)state;
	static const int64_t rows[] = {1, 2, 7, 13, 14, 15, 67, 126, 140, 141, 295};
	static const int64_t outputs[] = {256, 257, 280, 303, 528};
	static const int64_t inputs[] = {1, 3, 17, 256, 259, 513, 1027, 2050, 3072};
	const core_kernels *here[CORE_KERNELS_MAX];
	size_t n = core_kernels_here(here);
	for (size_t i = 0; i < n; i++)
		for (int64_t k = 0; k < 40 && here[i]->packed; k++) {
			fv_ctx *ctx = test_ctx();
			problem p = {.rows = rows[k % 11],
				.outputs = outputs[k % 5],
				.inputs = inputs[k % 9],
				.add = (int32_t)(k % 2),
				.activation = (fv_activation)(k % 3),
				.bias = k % 7 != 0};
			p.stride_x = k % 4 ? p.inputs : (p.inputs + 1) / 2;
			p.stride_y = p.outputs + k % 3;
			data d = make_case(ctx, &p, 6000 + k);
			core_kernels in_place = *here[i];
			in_place.packed = NULL;
			assert_memory_equal(apply_linear(ctx, here[i], FV_PRECISION_FP32, &p, &d),
				apply_linear(ctx, &in_place, FV_PRECISION_FP32, &p, &d),
				(size_t)(p.rows * p.stride_y) * sizeof(float));
			core_ctx_free(ctx);
		}
}

/* Scratch memory for some rows is enough for fewer. */
static void scratch_grows(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_kernels kernels[CORE_KERNELS_MAX + 1];
	size_t n = all_kernels(kernels), before = 0;
	float *weight = core_alloc(ctx, 300 * 2000, sizeof *weight);
	assert_non_null(weight);
	for (size_t i = 0; i < n; i++, before = 0) {
		fv_linear *linear = core_linear_open(
			ctx, &kernels[i], FV_PRECISION_FP32, 300, 2000, weight, NULL);
		assert_non_null(linear);
		for (int64_t rows = 1; rows < 500; rows++) {
			assert_true(fv_linear_scratch(linear, rows) >= before);
			before = fv_linear_scratch(linear, rows);
		}
	}
	core_ctx_free(ctx);
}

/* A number that is not finite affects its own row only. */
static void not_finite(void **state)
{
	(void)state;
	const problem p = {23, 50, 70, 70, 50, 0, FV_ACTIVATION_NONE, true};
	static const uint32_t bits[] = {0x7fc00000, 0x7f800001, 0xffffffff, 0x7f800000, 0xff800000};
	core_kernels kernels[CORE_KERNELS_MAX + 1];
	size_t n = all_kernels(kernels);
	for (size_t i = 0; i < n; i++)
		for (fv_precision precision = 0; precision <= FV_PRECISION_BF16; precision++) {
			fv_ctx *ctx = test_ctx();
			data d = make_case(ctx, &p, 4000);
			const float *clean = apply_linear(ctx, &kernels[i], precision, &p, &d);
			for (int64_t b = 0; b < 5; b++) {
				float kept = d.x[11 * 70 + 13 * b];
				memcpy(d.x + 11 * 70 + 13 * b, &bits[b], sizeof bits[b]);
				const float *y = apply_linear(ctx, &kernels[i], precision, &p, &d);
				d.x[11 * 70 + 13 * b] = kept;
				for (int64_t j = 0; j < 50; j++)
					assert_true(!isfinite(y[11 * 50 + j]));
				size_t others = 11 * 50 * sizeof *y; /* rows before and after */
				assert_memory_equal(y, clean, others);
				assert_memory_equal(y + 12 * 50, clean + 12 * 50, others);
			}
			core_ctx_free(ctx);
		}
}

/* The largest float32 is beyond bfloat16's range, but must not become infinite. */
static void largest_numbers(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_kernels kernels[CORE_KERNELS_MAX + 1];
	size_t n = all_kernels(kernels);
	const float weight = 0.5f, x = 3.4028235e38f;
	for (size_t i = 0; i < n; i++)
		for (fv_precision precision = 0; precision <= FV_PRECISION_BF16; precision++) {
			fv_linear *linear =
				core_linear_open(ctx, &kernels[i], precision, 1, 1, &weight, NULL);
			assert_non_null(linear);
			float y, scratch[4096];
			assert_true(fv_linear_scratch(linear, 1) <= 4096);
			fv_linear_apply(linear, 1, &x, 1, 0, FV_ACTIVATION_NONE, &y, 1, scratch);
			test_close(y / 1.70141173e38f, 1,
				precision == FV_PRECISION_BF16 ? 4e-3 : 2e-5);
		}
	core_ctx_free(ctx);
}

/* The errors stated in core/docs/numerics.md, relative to the results */
static void stated_errors(void **state)
{
	(void)state;
	static const double stated[] = {4e-7, 5e-6, 4e-3};
	const problem p = {40, 100, 768, 768, 100, 0, FV_ACTIVATION_NONE, true};
	core_kernels kernels[CORE_KERNELS_MAX + 1];
	size_t n = all_kernels(kernels);
	for (size_t i = 0; i < n; i++)
		for (fv_precision precision = 0; precision <= FV_PRECISION_BF16; precision++) {
			fv_ctx *ctx = test_ctx();
			data d = make_case(ctx, &p, 5000);
			const float *y = apply_linear(ctx, &kernels[i], precision, &p, &d);
			double errors = 0, squares = 0;
			for (int64_t r = 0; r < p.rows; r++)
				for (int64_t j = 0; j < p.outputs; j++) {
					double sum = d.bias[j];
					for (int64_t k = 0; k < p.inputs; k++)
						sum += (double)d.x[r * p.inputs + k] *
						       d.weight[j * p.inputs + k];
					errors += pow(y[r * p.outputs + j] - sum, 2);
					squares += sum * sum;
				}
			double error = sqrt(errors / squares);
			print_message(
				"%s, precision %d: %.2g\n", kernels[i].name, (int)precision, error);
			assert_true(error < stated[precision] && error > 0);
			core_ctx_free(ctx);
		}
}

static void kernel_names(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const core_kernels *here[CORE_KERNELS_MAX], *found;
	size_t n = core_kernels_here(here);
	for (size_t i = 0; i < n; i++) {
		test_ok(ctx, core_kernels_find(ctx, here[i]->name, &found));
		assert_ptr_equal(found, here[i]);
	}
	assert_string_equal(here[n - 1]->name, "portable");
	test_fails(ctx, core_kernels_find(ctx, "mmx", &found), FV_CONFIG,
		"FAIRVOX_CPU: there are no kernels named 'mmx': use one of ");
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_remainder),
		cmocka_unit_test(several_blocks),
		cmocka_unit_test(overlapping_rows),
		cmocka_unit_test(single_rows),
		cmocka_unit_test(packed_rows),
		cmocka_unit_test(scratch_grows),
		cmocka_unit_test(not_finite),
		cmocka_unit_test(largest_numbers),
		cmocka_unit_test(stated_errors),
		cmocka_unit_test(kernel_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
