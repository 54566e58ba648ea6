/* SPDX-License-Identifier: Apache-2.0 */
/* bench_kmeans FILE.npy K ALGORITHM SEED...: fits the plugin `kmeans` to the rows of a float array
 * once per seed. Prints one line per seed: seconds of fit and assign, and inertia about the groups'
 * means. Called by kmeans_sklearn.py. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "plugin.h"

static double read_clock(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double compute_inertia(const float *x, const int32_t *id, int64_t n, int64_t dims, int64_t k)
{
	double *mean = calloc((size_t)(k * dims), sizeof *mean), sum = 0;
	int64_t *count = calloc((size_t)k, sizeof *count);
	assert_true(mean && count);
	for (int64_t i = 0; i < n; i++) {
		count[id[i]]++;
		for (int64_t d = 0; d < dims; d++)
			mean[id[i] * dims + d] += (double)x[i * dims + d];
	}
	for (int64_t i = 0; i < n; i++) {
		for (int64_t d = 0; d < dims; d++) {
			double centre = mean[id[i] * dims + d] / (double)count[id[i]];
			double off = (double)x[i * dims + d] - centre;
			sum += off * off;
		}
	}
	free(mean);
	free(count);
	return sum;
}

static void run_kmeans(
	const fv_grouper_input *table, const char *k, const char *algorithm, const char *seed)
{
	test_plugin p = test_plugin_open("kmeans");
	test_plugin_set(&p, "k", k);
	test_plugin_set(&p, "algorithm", algorithm);
	test_plugin_set(&p, "seed", seed);
	const fv_grouper_ops *ops = p.ops;
	fv_grouping grouping = {.size = sizeof grouping};
	int32_t *id = malloc((size_t)table->n * sizeof *id);
	assert_non_null(id);
	double start = read_clock();
	test_ok(p.ctx, ops->fit(p.state, p.ctx, table, &grouping));
	test_plugin_done(&p);
	test_ok(p.ctx, ops->assign(p.state, p.ctx, table, id, NULL));
	double seconds = read_clock() - start;
	printf("%.6f %.9g\n", seconds,
		compute_inertia(table->x, id, table->n, table->dims, grouping.groups));
	free(id);
	test_plugin_close(&p);
}

int main(int argc, char **argv)
{
	if (argc < 5) {
		fprintf(stderr, "usage: %s FILE.npy K ALGORITHM SEED...\n", argv[0]);
		return 2;
	}
	int64_t shape[4];
	int rank;
	double *values = test_npy(argv[1], shape, &rank);
	size_t count = (size_t)(shape[0] * shape[1]);
	float *x = malloc(count * sizeof *x);
	if (rank != 2 || !x)
		return 1;
	for (size_t i = 0; i < count; i++)
		x[i] = (float)values[i];
	free(values);
	fv_grouper_input table = {.size = sizeof table,
		.n = (int32_t)shape[0],
		.dims = (int32_t)shape[1],
		.layers = 1,
		.x = x};
	for (int i = 4; i < argc; i++)
		run_kmeans(&table, argv[2], argv[3], argv[i]);
	free(x);
	return 0;
}
