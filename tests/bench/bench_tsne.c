/* SPDX-License-Identifier: Apache-2.0 */
/* bench_tsne IN.npy OUT.f32 THREADS [PERPLEXITY [METHOD]]: maps the rows of a float array; METHOD is auto, exact or
 * barnes_hut. Prints seconds, KL and iterations and writes the map as raw float32. Called by tsne_sklearn.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

#include "base/clock.h"
#include "embedding/tsne.h"

static float *read_rows(const char *path, int64_t shape[4])
{
	int rank;
	double *values = test_npy(path, shape, &rank);
	size_t count = (size_t)(shape[0] * shape[1]);
	float *x = malloc(count * sizeof *x);
	assert_non_null(x);
	assert_int_equal(rank, 2);
	for (size_t i = 0; i < count; i++)
		x[i] = (float)values[i];
	free(values);
	return x;
}

int main(int argc, char **argv)
{
	if (argc < 4) {
		fprintf(stderr, "usage: %s IN.npy OUT.f32 THREADS [PERPLEXITY [METHOD]]\n",
			argv[0]);
		return 2;
	}
	int64_t shape[4];
	float *x = read_rows(argv[1], shape);
	float *map = malloc((size_t)shape[0] * 2 * sizeof *map);
	assert_non_null(map);
	core_tsne_options options = core_tsne_defaults();
	options.threads = (int)strtol(argv[3], NULL, 10);
	if (argc > 4)
		options.perplexity = strtod(argv[4], NULL);
	if (argc > 5)
		options.method = !strcmp(argv[5], "exact")        ? CORE_TSNE_EXACT
				 : !strcmp(argv[5], "barnes_hut") ? CORE_TSNE_BARNES_HUT
								  : CORE_TSNE_AUTO;
	core_tsne_result result;
	fv_ctx *ctx = test_ctx();
	double begin_s = core_clock_s();
	test_ok(ctx, core_tsne(ctx, x, shape[0], shape[1], &options, map, &result));
	printf("%.6f %.9g %lld\n", core_clock_s() - begin_s, result.kl,
		(long long)result.iterations);
	FILE *out = fopen(argv[2], "wb");
	assert_non_null(out);
	assert_int_equal(fwrite(map, 2 * sizeof *map, (size_t)shape[0], out), shape[0]);
	assert_int_equal(fclose(out), 0);
	core_ctx_free(ctx);
	free(map);
	free(x);
	return 0;
}
