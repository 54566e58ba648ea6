/* SPDX-License-Identifier: Apache-2.0 */
/* The passes of a collapsed head and of mixes, in every instruction set of this machine, against sums in
 * long double, for sizes around the vector lanes and the blocks of classes. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <xxhash.h>

#include <fairvox/stream.h>

#include "backend/kernels.h"

enum { CLASSES_MAX = 16, ROWS_MAX = 9, DIMS_MAX = 53, LAYERS_MAX = 7 };

#define AVX512 0x2669069fed2af715ull
#define AVX2 0x80bf0966e5760aaaull
#define PORTABLE 0x0964beef2a40a1d6ull

typedef struct numbers {
	float output[CLASSES_MAX * ROWS_MAX], weight[ROWS_MAX * DIMS_MAX], x[LAYERS_MAX * DIMS_MAX];
	float share[LAYERS_MAX], matrix[CLASSES_MAX * DIMS_MAX]; /* M, or G */
	float d_output[CLASSES_MAX * ROWS_MAX];
	float d_weight[ROWS_MAX * DIMS_MAX];
} numbers;

static void fill_case(numbers *to, uint64_t seed)
{
	fv_stream stream = fv_rng_seeded(seed, "collapse", 0, 0);
	float *at = (float *)to;
	for (size_t i = 0; i < sizeof *to / sizeof *at; i++)
		at[i] = (float)fv_normal(&stream);
}

/* Allows twice the rounding error of n float sums. */
static void is_close_sum(float got, long double want, long double size, int n, const char *what)
{
	if (!(fabsl((long double)got - want) <= (n + 2) * 0x1p-24L * size + 1e-30L))
		fail_msg("%s: %.9g, wanted %.9Lg", what, (double)got, want);
}

/* Compares got with start + sum_i a[i step_a] b[i step_b] over n products; start NULL: 0. */
static void check_dot(const core_kernels *kernels, float got, const float *start, const float *a,
	int step_a, const float *b, int step_b, int n)
{
	long double sum = start ? *start : 0, size = fabsl(sum);
	for (int i = 0; i < n; i++) {
		long double term = (long double)a[i * step_a] * b[i * step_b];
		sum += term;
		size += fabsl(term);
	}
	is_close_sum(got, sum, size, n + (start != NULL), kernels->name);
}

static void check_product(const core_kernels *kernels, const numbers *v, int C, int H, int D)
{
	float product[CLASSES_MAX * DIMS_MAX];
	kernels->collapse_product(C, H, D, v->output, v->weight, product);
	for (int c = 0; c < C; c++)
		for (int j = 0; j < D; j++)
			check_dot(kernels, product[c * D + j], NULL, v->output + c * H, 1,
				v->weight + j, D, H);
}

static void check_row(const core_kernels *kernels, const numbers *v, int C, int L, int D)
{
	float dots[LAYERS_MAX * CLASSES_MAX], mixed[DIMS_MAX];
	kernels->collapse_row(C, L, D, v->x, v->x, v->matrix, v->share, dots, mixed);
	for (int l = 0; l < L; l++)
		for (int c = 0; c < C; c++)
			check_dot(kernels, dots[l * C + c], NULL, v->x + l * D, 1,
				v->matrix + c * D, 1, D);
	for (int j = 0; j < D; j++)
		check_dot(kernels, mixed[j], NULL, v->share, 1, v->x + j, D, L);
}

static void check_output_gradient(
	const core_kernels *kernels, const numbers *v, int C, int H, int D, const float *d_output)
{
	for (int c = 0; c < C; c++)
		for (int h = 0; h < H; h++)
			check_dot(kernels, d_output[c * H + h], &v->d_output[c * H + h],
				v->weight + h * D, 1, v->matrix + c * D, 1, D);
}

static void check_gradient(const core_kernels *kernels, const numbers *v, int C, int H, int D)
{
	float d_weight[ROWS_MAX * DIMS_MAX], d_output[CLASSES_MAX * ROWS_MAX];
	for (int more = 0; more < 2; more++) {
		memcpy(d_output, v->d_output, sizeof d_output);
		memcpy(d_weight, v->d_weight, sizeof d_weight);
		kernels->collapse_gradient(
			C, H, D, v->output, v->weight, v->matrix, more, d_weight, d_output);
		for (int h = 0; h < H; h++)
			for (int j = 0; j < D; j++)
				check_dot(kernels, d_weight[h * D + j],
					more ? &v->d_weight[h * D + j] : NULL, v->output + h, H,
					v->matrix + j, D, C);
		check_output_gradient(kernels, v, C, H, D, d_output);
	}
	memcpy(d_output, v->d_output, sizeof d_output);
	kernels->collapse_output_gradient(C, H, D, v->weight, v->matrix, d_output);
	check_output_gradient(kernels, v, C, H, D, d_output);
}

/* Three heads: two that are computed together and one alone */
enum { HEADS = 3 };

static void check_mixes(const core_kernels *kernels, const numbers *v, int L, int D)
{
	float mixed[HEADS][DIMS_MAX], dots[HEADS][LAYERS_MAX];
	const float *share[] = {v->share, v->output, v->d_output};
	const float *d_mixed[] = {v->matrix, v->weight, v->matrix + DIMS_MAX};
	core_mix job = {
		.heads = HEADS, .layers = L, .dims = D, .x = v->x, .next = v->x, .factor = share};
	kernels->mix_layers(&job, (float *[]){mixed[0], mixed[1], mixed[2]});
	job.factor = d_mixed;
	kernels->mix_gradient(&job, (float *[]){dots[0], dots[1], dots[2]});
	for (int k = 0; k < HEADS; k++) {
		for (int j = 0; j < D; j++)
			check_dot(kernels, mixed[k][j], NULL, share[k], 1, v->x + j, D, L);
		for (int l = 0; l < L; l++)
			check_dot(kernels, dots[k][l], NULL, d_mixed[k], 1, v->x + l * D, 1, D);
	}
}

/* A head's numbers are the same bits whatever heads are beside it. */
static void check_mix_alone(const core_kernels *kernels, const numbers *v, int L, int D)
{
	float together[HEADS][DIMS_MAX], alone[DIMS_MAX];
	const float *share[] = {v->share, v->output, v->d_output};
	const float *d_mixed[] = {v->matrix, v->weight, v->matrix + DIMS_MAX};
	float *to[] = {together[0], together[1], together[2]}, *one[] = {alone};
	const core_mix all = {.heads = HEADS, .layers = L, .dims = D, .x = v->x, .next = v->x};
	for (int k = 0; k < HEADS; k++) {
		core_mix job = all;
		job.factor = share;
		kernels->mix_layers(&job, to);
		job.heads = 1;
		job.factor = share + k;
		kernels->mix_layers(&job, one);
		assert_memory_equal(alone, together[k], (size_t)D * sizeof *alone);
		job = all;
		job.factor = d_mixed;
		kernels->mix_gradient(&job, to);
		job.heads = 1;
		job.factor = d_mixed + k;
		kernels->mix_gradient(&job, one);
		assert_memory_equal(alone, together[k], (size_t)L * sizeof *alone);
	}
}

static void every_instruction_set(void **state)
{
	(void)state;
	static const int dims[] = {1, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 48, 53};
	numbers *v = malloc(sizeof *v);
	const core_kernels *here[CORE_KERNELS_MAX];
	size_t count = core_kernels_here(here);
	assert_non_null(v);
	assert_string_equal(here[count - 1]->name, "portable");
	for (size_t p = 0; p < count; p++)
		for (int C = 1; C <= CLASSES_MAX; C++)
			for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
				fill_case(v, (uint64_t)(C * 100) + d);
				for (int H = 1; H <= ROWS_MAX; H++) {
					check_product(here[p], v, C, H, dims[d]);
					check_gradient(here[p], v, C, H, dims[d]);
				}
				for (int L = 1; L <= LAYERS_MAX; L++) {
					check_row(here[p], v, C, L, dims[d]);
					check_mixes(here[p], v, L, dims[d]);
					check_mix_alone(here[p], v, L, dims[d]);
				}
			}
	free(v);
}

/* The bits of each instruction set are pinned, because runs promise the same bytes. */
static void bits_are_pinned(void **state)
{
	(void)state;
	enum { C = 8, L = 5, H = 7, D = 53 };
	static const struct {
		const char *name;
		uint64_t hash;
	} bits[] = {{"amx", AVX512}, {"avx512_bf16", AVX512}, {"avx512", AVX512}, {"avx2", AVX2},
		{"portable", PORTABLE}};
	numbers *v = malloc(sizeof *v);
	assert_non_null(v);
	fv_stream stream = fv_rng_seeded(3, "collapse", 0, 0);
	for (size_t i = 0; i < sizeof *v / sizeof(float); i++)
		((float *)v)[i] = (float)(2 * fv_uniform(&stream) - 1);
	const core_kernels *here[CORE_KERNELS_MAX];
	size_t count = core_kernels_here(here);
	for (size_t k = 0; k < count; k++) {
		struct {
			float product[C * D], dots[L * C], mixed[D], d_weight[H * D],
				d_output[C * H];
		} got;
		memcpy(got.d_output, v->d_output, sizeof got.d_output);
		here[k]->collapse_product(C, H, D, v->output, v->weight, got.product);
		here[k]->collapse_row(
			C, L, D, v->x, v->x, v->matrix, v->share, got.dots, got.mixed);
		here[k]->collapse_gradient(C, H, D, v->output, v->weight, v->matrix, false,
			got.d_weight, got.d_output);
		for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
			if (!strcmp(bits[i].name, here[k]->name) &&
				XXH3_64bits(&got, sizeof got) != bits[i].hash)
				fail_msg("%s: %016llx", here[k]->name,
					(unsigned long long)XXH3_64bits(&got, sizeof got));
	}
	free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_instruction_set),
		cmocka_unit_test(bits_are_pinned),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
