/* SPDX-License-Identifier: Apache-2.0 */
#include "golden_rows.h"

#include <stdlib.h>

#include "corpus/corpus.h"
#include "support.h"

enum { N = TEST_ROWS, C = TEST_CLASSES };

float *test_golden_floats(fv_ctx *ctx, const char *path, int64_t *n)
{
	int64_t dims[4] = {1, 1, 1, 1};
	int rank;
	double *values = test_npy(test_golden(path), dims, &rank);
	*n = dims[0] * (rank > 1 ? dims[1] : 1) * (rank > 2 ? dims[2] : 1);
	float *out = core_alloc(ctx, (size_t)*n, sizeof *out);
	for (int64_t i = 0; i < *n; i++)
		out[i] = (float)values[i];
	free(values);
	return out;
}

test_rows *test_golden_rows(bool fixed_order)
{
	int64_t n;
	test_rows *g = calloc(1, sizeof *g);
	g->ctx = test_ctx();
	g->x = test_golden_floats(g->ctx, "training/head/features.npy", &n);
	g->label = test_golden_floats(g->ctx, "training/head/labels.npy", &n);
	g->orders = test_golden_floats(g->ctx, "training/head/order.npy", &n);
	core_label_class(g->label, N, C, g->klass);
	for (int i = 0; i < N; i++)
		g->stem[i] = core_format(g->ctx, "clip%03d", i);
	for (int i = 0; i < 5 * N; i++)
		g->order[i] = (int32_t)g->orders[fixed_order ? i % N : i];
	g->data.x = g->x;
	g->data.rows = (fv_rows){.size = sizeof(fv_rows),
		.n = N,
		.classes = C,
		.label = g->label,
		.klass = g->klass,
		.stem = g->stem};
	return g;
}

void test_golden_rows_free(test_rows *g)
{
	core_ctx_free(g->ctx);
	free(g);
}
