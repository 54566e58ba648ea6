/* SPDX-License-Identifier: Apache-2.0 */
#include "op_test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

#include "emulated.h"

extern const core_device_module fairvox_device_module;

const int64_t op_lengths[OP_UTTERANCES] = {33, 1, 65, 2, 31, 150, 32, 63, 127, 64};

static core_device *device;
static fv_ctx *constants;

core_device *op_device(void)
{
	if (device)
		return device;
	fv_ctx *ctx = test_ctx();
	emulated_reset();
	const char *rows = getenv("FAIRVOX_OP_ROWS");
	test_ok(ctx, fairvox_device_module.open(ctx, 0, rows ? atoll(rows) : OP_ROWS, &device));
	core_ctx_free(ctx);
	return device;
}

fv_ctx *op_ctx(void)
{
	if (!constants) {
		constants = test_ctx();
		core_ctx_set_device(constants, op_device());
	}
	return constants;
}

int op_close(void **state)
{
	(void)state;
	if (device)
		fairvox_device_module.close(device);
	device = NULL;
	if (constants)
		core_ctx_free(constants);
	constants = NULL;
	return emulated.live_bytes != 0 || emulated.live_graphs != 0;
}

static void fill_numbers(float *x, int64_t n, double mean, double deviation, uint64_t seed)
{
	fv_stream stream = fv_rng_seeded(seed, "numbers", 0, 0);
	for (int64_t i = 0; i < n; i++)
		x[i] = (float)(mean + deviation * fv_normal(&stream));
}

const float *op_draw(int64_t n, double mean, double deviation, uint64_t seed, float **host)
{
	float *x = core_alloc(op_ctx(), (size_t)n, sizeof *x);
	fill_numbers(x, n, mean, deviation, seed);
	if (host)
		*host = x;
	return fv_constant(op_ctx(), x, n);
}

fv_matrix op_part(fv_pack *pack, fv_matrix x, int64_t from, int64_t width)
{
	float *one = core_alloc(op_ctx(), 2 * (size_t)width, sizeof *one);
	for (int64_t c = 0; c < width; c++)
		one[c] = 1;
	const float *there = fv_constant(op_ctx(), one, 2 * width);
	fv_matrix y = fv_pack_rows(pack, x, width);
	fv_pack_affine(pack, (fv_affine){there, there + width}, FV_FUNCTION_NONE,
		fv_columns(x, from, width), y);
	return y;
}

bool op_is_quick(void)
{
	return getenv("FAIRVOX_QUICK") != NULL;
}

/* --- packs --- */

struct outcome {
	int64_t rows, width;
	float *at;
};

/* Runs the operation on utterances order[0 .. n) of x [sum of length, width] -> outcome of each, in that order. */
static void run_pack(const op_test *t, const float *const *x, const int64_t *length,
	const int32_t *order, int32_t n, struct outcome *out)
{
	fv_ctx *ctx = test_ctx();
	int64_t *count = core_alloc(ctx, (size_t)n, sizeof *count), rows = 0;
	for (int32_t k = 0; k < n; k++)
		rows += count[k] = length[order[k]];
	float *input = core_alloc(ctx, (size_t)(rows * t->width), sizeof *input), *at = input;
	for (int32_t k = 0; k < n; at += count[k++] * t->width)
		memcpy(at, x[order[k]], (size_t)(count[k] * t->width) * sizeof *at);
	fv_pack *pack;
	test_ok(ctx, core_pack_open(ctx, op_device(), n, count, t->width, input, &pack));
	fv_matrix y = t->run(pack, pack->input, t->user);
	float **to = core_alloc(ctx, (size_t)n, sizeof *to);
	for (int32_t k = 0; k < n; k++) {
		out[k] = (struct outcome){y.layout->span[k].count, y.width, NULL};
		out[k].at = to[k] = calloc(
			(size_t)(out[k].rows * y.width) + 1, sizeof(float)); /* never 0 bytes */
		assert_non_null(to[k]);
	}
	fv_pack_fetch(pack, y, 0, to);
	test_ok(ctx, fv_pack_wait(pack));
	core_ctx_free(ctx);
}

struct errors {
	double numbers, squares; /* of what should be */
	double worst;            /* relative to the rms of that, or to the number if it is larger */
	double error_squares;    /* relative to the rms */
};

/* Adds what an utterance's result should be, or with rms > 0 its errors. */
static void measure_error(const op_test *t, const float *x, const struct outcome *got, int64_t rows,
	double rms, struct errors *e)
{
	int64_t n = got->rows * got->width;
	double *want = calloc((size_t)n + 1, sizeof *want);
	assert_non_null(want);
	t->compute(x, rows, want, t->user);
	for (int64_t i = 0; i < n; i++) {
		if (rms <= 0) {
			e->numbers++;
			e->squares += want[i] * want[i];
			continue;
		}
		double off = fabs((double)got->at[i] - want[i]);
		double error = off / fmax(rms, fabs(want[i]));
		e->worst = !(error <= e->worst) ? error : e->worst; /* NaN is the worst */
		e->error_squares += off * off / (rms * rms);
	}
	free(want);
}

/* Fails the test if an error of the packed utterances is larger than what is allowed. Returns their rms. */
static double check_errors(const op_test *t, const float *const *x, const int64_t *length,
	int32_t n, const struct outcome *packed)
{
	struct errors e = {0, 0, 0, 0};
	for (int32_t u = 0; u < n; u++)
		measure_error(t, x[u], &packed[u], length[u], 0, &e);
	double rms = fmax(sqrt(e.squares / e.numbers), 1e-300);
	for (int32_t u = 0; u < n; u++)
		measure_error(t, x[u], &packed[u], length[u], rms, &e);
	double typical = sqrt(e.error_squares / e.numbers);
	if (getenv("FAIRVOX_VERBOSE"))
		printf("row\t%s\t%.3g\t%.3g\tand an rms of %.2g\n", t->name, e.worst, t->tolerance,
			typical);
	if (!(e.worst <= t->tolerance))
		fail_msg("%s: error %.3g, allowed %.3g", t->name, e.worst, t->tolerance);
	return typical;
}

static void check_same(const op_test *t, const struct outcome *a, const struct outcome *b)
{
	assert_true(a->rows == b->rows && a->width == b->width);
	if (memcmp(a->at, b->at, (size_t)(a->rows * a->width) * sizeof(float)) != 0)
		fail_msg("%s: other bytes in another pack", t->name);
}

/* Alone, and packed the other way round */
static void check_company(const op_test *t, const float *const *x, const int64_t *length, int32_t n,
	const struct outcome *packed)
{
	struct outcome *other = calloc((size_t)n, sizeof *other);
	int32_t *order = calloc((size_t)n, sizeof *order);
	assert_true(other && order);
	for (int32_t u = 0; u < n; u++) {
		run_pack(t, x, length, &u, 1, other);
		check_same(t, &packed[u], other);
		free(other->at);
		order[u] = n - 1 - u;
	}
	run_pack(t, x, length, order, n, other);
	for (int32_t u = 0; u < n; u++) {
		check_same(t, &packed[u], &other[n - 1 - u]);
		free(other[n - 1 - u].at);
	}
	free(order);
	free(other);
}

double op_check_lengths(const op_test *t, const int64_t *length, int32_t n)
{
	struct outcome *packed = calloc((size_t)n, sizeof *packed);
	float **x = calloc((size_t)n, sizeof *x);
	int32_t *order = calloc((size_t)n, sizeof *order);
	assert_true(packed && x && order);
	for (int32_t u = 0; u < n; u++) {
		order[u] = u;
		x[u] = calloc((size_t)(length[u] * t->width), sizeof **x);
		assert_non_null(x[u]);
		fill_numbers(x[u], length[u] * t->width, t->mean,
			t->deviation > 0 ? t->deviation : 1, 100 + (uint64_t)u);
	}
	run_pack(t, (const float *const *)x, length, order, n, packed);
	const double typical = check_errors(t, (const float *const *)x, length, n, packed);
	if (!op_is_quick())
		check_company(t, (const float *const *)x, length, n, packed);
	for (int32_t u = 0; u < n; u++) {
		free(packed[u].at);
		free(x[u]);
	}
	free(order);
	free(x);
	free(packed);
	return typical;
}

double op_check(const op_test *t)
{
	int64_t length[OP_UTTERANCES];
	int32_t n = 0;
	for (int32_t u = 0; u < OP_UTTERANCES; u++)
		if (op_lengths[u] >= t->shortest && !(op_is_quick() && (n > 2)))
			length[n++] = op_lengths[u];
	return op_check_lengths(t, length, n);
}
