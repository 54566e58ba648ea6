/* SPDX-License-Identifier: Apache-2.0 */
/* GFLOP/s of prepared matrices on one core, for the shapes of the encoders on 2.5 s of sound: every
 * set of kernels that this machine has and OpenBLAS's sgemm, in the same rounds, the best result of
 * each. Then nanoseconds per number of the functions in vector.h. Run by hand:
 *
 *     bench_linear [rounds]        20 by default */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cblas.h>
#include <fairvox/vector.h>

#include "backend/kernels.h"

typedef struct shape {
	const char *what;
	int64_t rows, outputs, inputs, stride;
} shape;

static const shape shapes[] = {
	{"conv 1, 10 taps", 8000, 512, 10, 5},
	{"conv 2, 3 taps", 4000, 512, 1536, 1024},
	{"conv 4, 3 taps", 1000, 512, 1536, 1024},
	{"conv 7, 2 taps", 126, 512, 1024, 1024},
	{"projection", 126, 768, 512, 512},
	{"positions, a group", 126, 48, 6144, 48},
	{"q, k, v (base)", 126, 2304, 768, 768},
	{"attention out", 126, 768, 768, 768},
	{"feed-forward in", 126, 3072, 768, 768},
	{"feed-forward out", 126, 768, 3072, 3072},
	{"long, in", 500, 3072, 768, 768},
	{"q, k, v (large)", 126, 3072, 1024, 1024},
	{"large, in", 126, 4096, 1024, 1024},
	{"large, out", 126, 1024, 4096, 4096},
	{"ECAPA 1024", 250, 1024, 1024, 1024},
	{"ECAPA aggregation", 250, 1536, 3072, 3072},
	{"ECAPA attention", 250, 128, 3072, 3072},
	{"one row", 1, 768, 768, 768},
};

enum { SHAPES = sizeof shapes / sizeof *shapes, WAYS = 3 * CORE_KERNELS_MAX };

/* CPU seconds of this thread, since other programs may be running. */
static double read_clock(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *draw_numbers(fv_ctx *ctx, int64_t n)
{
	float *x = core_alloc(ctx, (size_t)n, sizeof *x);
	uint32_t state = 1;
	for (int64_t i = 0; x && i < n; i++) {
		state = state * 1664525u + 1013904223u;
		x[i] = (float)(state >> 8) / (float)(1 << 23) - 1;
	}
	if (!x)
		exit(1);
	return x;
}

/* Computes overlapping rows as products of parts that do not overlap, like an encoder that uses a
 * BLAS. */
static double time_sgemm(const shape *s, const float *x, const float *weight, float *y)
{
	double start = read_clock();
	int64_t width = s->inputs < s->stride ? s->inputs : s->stride;
	for (int64_t k = 0; k < s->inputs; k += width) {
		int64_t here = s->inputs - k < width ? s->inputs - k : width;
		cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)s->rows, (int)s->outputs,
			(int)here, 1, x + k, (int)s->stride, weight + k, (int)s->inputs, k ? 1 : 0,
			y, (int)s->outputs);
	}
	return read_clock() - start;
}

static double time_linear(
	const shape *s, const fv_linear *linear, const float *x, float *y, float *scratch)
{
	double start = read_clock();
	fv_linear_apply(
		linear, s->rows, x, s->stride, 0, FV_ACTIVATION_NONE, y, s->outputs, scratch);
	return read_clock() - start;
}

static void measure_shape(const shape *s, int rounds, double best[1 + WAYS])
{
	fv_ctx *ctx = core_ctx_new();
	float *x = draw_numbers(ctx, s->rows * s->stride + s->inputs);
	float *weight = draw_numbers(ctx, s->outputs * s->inputs);
	float *y = draw_numbers(ctx, s->rows * s->outputs), *scratch[WAYS];
	const core_kernels *kernels[CORE_KERNELS_MAX];
	fv_linear *linear[WAYS];
	size_t n = core_kernels_here(kernels);
	for (size_t i = 0; i < 3 * n; i++) {
		linear[i] = core_linear_open(ctx, kernels[i % n], (fv_precision)(i / n), s->outputs,
			s->inputs, weight, NULL);
		if (!linear[i])
			exit(1);
		scratch[i] = draw_numbers(ctx, (int64_t)fv_linear_scratch(linear[i], s->rows));
		best[1 + i] = INFINITY;
	}
	best[0] = INFINITY;
	for (int round = 0; round < rounds; round++) {
		best[0] = fmin(best[0], time_sgemm(s, x, weight, y));
		for (size_t i = 0; i < 3 * n; i++)
			best[1 + i] =
				fmin(best[1 + i], time_linear(s, linear[i], x, y, scratch[i]));
	}
	core_ctx_free(ctx);
}

static void print_header(const core_kernels **kernels, size_t n)
{
	static const char *const precision[] = {"fp32", "bf16x3", "bf16"};
	printf("%-20s %5s %5s %5s %8s", "GFLOP/s", "rows", "out", "in", "sgemm");
	for (size_t i = 0; i < 3 * n; i++)
		printf(" %11.11s", kernels[i % n]->name);
	printf("\n%-20s %5s %5s %5s %8s", "", "", "", "", "");
	for (size_t i = 0; i < 3 * n; i++)
		printf(" %11s", precision[i / n]);
	putchar('\n');
}

static void measure_functions(const core_kernels *kernels)
{
	enum { ROWS = 126, WIDTH = 768, ROUNDS = 200 };
	fv_ctx *ctx = core_ctx_new();
	float *x = draw_numbers(ctx, ROWS * WIDTH), *y = draw_numbers(ctx, ROWS * WIDTH);
	double best[3] = {INFINITY, INFINITY, INFINITY};
	for (int round = 0; round < ROUNDS; round++) {
		double t[4] = {read_clock()};
		kernels->gelu(x, y, ROWS * WIDTH);
		t[1] = read_clock();
		kernels->layer_norm(x, ROWS, WIDTH, x, x, 1e-5f, y);
		t[2] = read_clock();
		kernels->softmax(y, ROWS, WIDTH, WIDTH);
		t[3] = read_clock();
		for (int i = 0; i < 3; i++)
			best[i] = fmin(best[i], t[i + 1] - t[i]);
	}
	double scale = 1e9 / (ROWS * WIDTH);
	printf("%-11s GELU %.2f ns, layer norm %.2f ns, softmax %.2f ns\n", kernels->name,
		best[0] * scale, best[1] * scale, best[2] * scale);
	core_ctx_free(ctx);
}

int main(int argc, char **argv)
{
	const core_kernels *kernels[CORE_KERNELS_MAX];
	size_t n = core_kernels_here(kernels);
	int rounds = argc > 1 ? atoi(argv[1]) : 20;
	openblas_set_num_threads(1);
	printf("OpenBLAS %s\n", openblas_get_corename());
	print_header(kernels, n);
	for (size_t i = 0; i < SHAPES; i++) {
		const shape *s = &shapes[i];
		double best[1 + WAYS], work = 2e-9 * (double)(s->rows * s->outputs * s->inputs);
		measure_shape(s, rounds, best);
		printf("%-20s %5d %5d %5d %8.1f", s->what, (int)s->rows, (int)s->outputs,
			(int)s->inputs, work / best[0]);
		for (size_t j = 1; j < 1 + 3 * n; j++)
			printf(" %11.1f", work / best[j]);
		putchar('\n');
		fflush(stdout);
	}
	for (size_t i = 0; i < n; i++)
		measure_functions(kernels[i]);
	return 0;
}
