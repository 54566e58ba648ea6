/* SPDX-License-Identifier: Apache-2.0 */
/* The three passes of a collapsed head, in every instruction set of this machine, against sums in long
 * double: sizes around the lanes of a vector and the blocks of classes. */
#include "support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/stream.h>

#include "nn/collapse.h"

enum { CLASSES_MAX = 16, ROWS_MAX = 9, DIMS_MAX = 53, LAYERS_MAX = 7 };

typedef struct numbers {
	float output[CLASSES_MAX * ROWS_MAX], weight[ROWS_MAX * DIMS_MAX], x[LAYERS_MAX * DIMS_MAX];
	float share[LAYERS_MAX], matrix[CLASSES_MAX * DIMS_MAX]; /* M, or G */
	float d_output[CLASSES_MAX * ROWS_MAX];
} numbers;

static void fill(numbers *to, uint64_t seed)
{
	fv_stream stream = fv_rng_seeded(seed, "collapse", 0, 0);
	float *at = (float *)to;
	for (size_t i = 0; i < sizeof *to / sizeof *at; i++)
		at[i] = (float)fv_normal(&stream);
}

/* Twice the rounding of n sums in float. */
static void close_sum(float got, long double want, long double size, int n, const char *what)
{
	if (!(fabsl((long double)got - want) <= (n + 2) * 0x1p-24L * size + 1e-30L))
		fail_msg("%s: %.9g, wanted %.9Lg", what, (double)got, want);
}

static void check_product(const core_collapse *pass, const numbers *v, int C, int H, int D)
{
	float product[CLASSES_MAX * DIMS_MAX];
	pass->product(C, H, D, v->output, v->weight, product);
	for (int c = 0; c < C; c++)
		for (int j = 0; j < D; j++) {
			long double sum = 0, size = 0;
			for (int h = 0; h < H; h++) {
				long double term =
					(long double)v->output[c * H + h] * v->weight[h * D + j];
				sum += term;
				size += fabsl(term);
			}
			close_sum(product[c * D + j], sum, size, H, pass->name);
		}
}

static void check_row(const core_collapse *pass, const numbers *v, int C, int L, int D)
{
	float dots[LAYERS_MAX * CLASSES_MAX], mixed[DIMS_MAX];
	pass->row(C, L, D, v->x, v->x, v->matrix, v->share, dots, mixed);
	for (int l = 0; l < L; l++)
		for (int c = 0; c < C; c++) {
			long double sum = 0, size = 0;
			for (int j = 0; j < D; j++) {
				long double term =
					(long double)v->x[l * D + j] * v->matrix[c * D + j];
				sum += term;
				size += fabsl(term);
			}
			close_sum(dots[l * C + c], sum, size, D, pass->name);
		}
	for (int j = 0; j < D; j++) {
		long double sum = 0, size = 0;
		for (int l = 0; l < L; l++) {
			sum += (long double)v->share[l] * v->x[l * D + j];
			size += fabsl((long double)v->share[l] * v->x[l * D + j]);
		}
		close_sum(mixed[j], sum, size, L, pass->name);
	}
}

static void check_gradient(const core_collapse *pass, const numbers *v, int C, int H, int D)
{
	float d_weight[ROWS_MAX * DIMS_MAX], d_output[CLASSES_MAX * ROWS_MAX];
	memcpy(d_output, v->d_output, sizeof d_output);
	pass->gradient(C, H, D, v->output, v->weight, v->matrix, d_weight, d_output);
	for (int h = 0; h < H; h++)
		for (int j = 0; j < D; j++) {
			long double sum = 0, size = 0;
			for (int c = 0; c < C; c++) {
				long double term =
					(long double)v->output[c * H + h] * v->matrix[c * D + j];
				sum += term;
				size += fabsl(term);
			}
			close_sum(d_weight[h * D + j], sum, size, C, pass->name);
		}
	for (int c = 0; c < C; c++)
		for (int h = 0; h < H; h++) {
			long double sum = v->d_output[c * H + h], size = fabsl(sum);
			for (int j = 0; j < D; j++) {
				long double term =
					(long double)v->weight[h * D + j] * v->matrix[c * D + j];
				sum += term;
				size += fabsl(term);
			}
			close_sum(d_output[c * H + h], sum, size, D + 1, pass->name);
		}
}

static void every_path(void **state)
{
	(void)state;
	static const int dims[] = {1, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 48, 53};
	numbers *v = malloc(sizeof *v);
	core_collapse path[3];
	size_t paths = core_collapse_paths(path);
	assert_non_null(v);
	assert_string_equal(path[paths - 1].name, "portable");
	for (size_t p = 0; p < paths; p++)
		for (int C = 1; C <= CLASSES_MAX; C++)
			for (size_t d = 0; d < sizeof dims / sizeof *dims; d++) {
				fill(v, (uint64_t)(C * 100) + d);
				for (int H = 1; H <= ROWS_MAX; H++) {
					check_product(&path[p], v, C, H, dims[d]);
					check_gradient(&path[p], v, C, H, dims[d]);
				}
				for (int L = 1; L <= LAYERS_MAX; L++)
					check_row(&path[p], v, C, L, dims[d]);
			}
	free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_path)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
