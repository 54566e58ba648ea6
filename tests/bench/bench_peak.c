/* SPDX-License-Identifier: Apache-2.0 */
/* The float32 multiply-add peak of one core, which products are compared with: independent multiply-adds on
 * registers, in the instruction set of the kernels in use.
 *
 *     bench_peak [rounds]        20 by default
 *
 * Prints the kernels' name and GFLOP/s: the best round and the median. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "backend/kernels.h"
#include "base/sort.h"

enum { SUMS = 24, STEPS = 400000 };

/* CPU seconds of this thread, since other programs may be running. */
static double read_clock(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Each takes STEPS steps of SUMS multiply-adds, or as many as there are registers for, and returns how many numbers
 * were added; *out keeps the sums alive. */
#if defined(__x86_64__)
__attribute__((target("avx512f"))) static double run_avx512(float *out)
{
	__m512 sum[SUMS], a = _mm512_set1_ps(0.999f), b = _mm512_set1_ps(0.001f);
	for (int i = 0; i < SUMS; i++)
		sum[i] = _mm512_set1_ps((float)i);
	for (int step = 0; step < STEPS; step++) {
#pragma GCC unroll 24
		for (int i = 0; i < SUMS; i++)
			sum[i] = _mm512_fmadd_ps(sum[i], a, b);
		__asm__("" : "+v"(a), "+v"(b));
	}
	for (int i = 1; i < SUMS; i++)
		sum[0] = _mm512_add_ps(sum[0], sum[i]);
	*out = _mm512_reduce_add_ps(sum[0]);
	return 16.0 * SUMS * STEPS;
}

enum { AVX2_SUMS = 12 };

__attribute__((target("avx2,fma"))) static double run_avx2(float *out)
{
	__m256 sum[AVX2_SUMS], a = _mm256_set1_ps(0.999f), b = _mm256_set1_ps(0.001f);
	for (int i = 0; i < AVX2_SUMS; i++)
		sum[i] = _mm256_set1_ps((float)i);
	for (int step = 0; step < STEPS; step++) {
#pragma GCC unroll 12
		for (int i = 0; i < AVX2_SUMS; i++)
			sum[i] = _mm256_fmadd_ps(sum[i], a, b);
		__asm__("" : "+x"(a), "+x"(b));
	}
	for (int i = 1; i < AVX2_SUMS; i++)
		sum[0] = _mm256_add_ps(sum[0], sum[i]);
	*out = sum[0][0];
	return 8.0 * AVX2_SUMS * STEPS;
}
#endif

typedef float four __attribute__((vector_size(16)));
enum { PORTABLE_SUMS = 10 };

static double run_portable(float *out)
{
	four sum[PORTABLE_SUMS], a = {0.999f, 0.999f, 0.999f, 0.999f},
				 b = {0.001f, 0.001f, 0.001f, 0.001f};
	for (int i = 0; i < PORTABLE_SUMS; i++)
		sum[i] = b;
	for (int step = 0; step < STEPS; step++) {
#pragma GCC unroll 10
		for (int i = 0; i < PORTABLE_SUMS; i++)
			sum[i] = sum[i] * a + b;
	}
	for (int i = 1; i < PORTABLE_SUMS; i++)
		sum[0] += sum[i];
	*out = sum[0][0];
	return 4.0 * PORTABLE_SUMS * STEPS;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 20;
	const char *name = core_kernels_used()->name;
	double (*run)(float *) = run_portable;
	float kept;
	double *rate = calloc((size_t)(rounds > 0 ? rounds : 1), sizeof *rate);
	if (rounds < 1 || !rate)
		return 2;
#if defined(__x86_64__)
	if (!strncmp(name, "avx512", 6) || !strcmp(name, "amx"))
		run = run_avx512;
	else if (!strcmp(name, "avx2"))
		run = run_avx2;
#endif
	for (int r = 0; r < rounds; r++) {
		double start = read_clock(), numbers = run(&kept);
		rate[r] = 2e-9 * numbers / (read_clock() - start);
	}
	if (!isfinite(kept))
		return 1;
	core_sort_doubles(rate, (size_t)rounds);
	printf("%s %.1f %.1f\n", name, rate[rounds - 1], rate[rounds / 2]);
	free(rate);
	return 0;
}
