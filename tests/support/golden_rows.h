/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the golden runs of heads: golden/training/head. */
#ifndef TEST_GOLDEN_ROWS_H
#define TEST_GOLDEN_ROWS_H

#include "train/batches.h"

enum { TEST_ROWS = 100, TEST_LAYERS = 13, TEST_DIMS = 24, TEST_CLASSES = 6 };

typedef struct test_rows {
	fv_ctx *ctx;
	float *x, *label, *orders;
	int32_t klass[TEST_ROWS], order[5 * TEST_ROWS]; /* of five epochs */
	const char *stem[TEST_ROWS];
	core_train_data data;
} test_rows;

/* fixed_order: every epoch has the order of the first. */
test_rows *test_golden_rows(bool fixed_order);
void test_golden_rows_free(test_rows *g);

/* Returns the n numbers of a golden .npy file. Memory of the context. */
float *test_golden_floats(fv_ctx *ctx, const char *path, int64_t *n);

#endif
