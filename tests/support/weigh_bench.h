/* SPDX-License-Identifier: Apache-2.0 */
/* A loss that weights samples, opened with given counts outside a trainer, and the losses of golden/training/objectives. */
#ifndef TEST_WEIGH_BENCH_H
#define TEST_WEIGH_BENCH_H

#include "losses.h"

typedef struct test_bench {
	fv_ctx *ctx;
	const fv_loss_ops *ops;
	void *state;
	fv_rows rows;
	fv_counts count;
	fv_loss_setup setup;
} test_bench;

/* A golden variant's option as text, its plugin, and the parameters that correspond to its options. */
const char *test_golden_option(const json_t *options, const char *key);
const fv_descriptor *test_golden_loss(const json_t *options);
void *test_golden_state(fv_ctx *ctx, const fv_descriptor *loss, const json_t *options);

/* Opens the loss. cg [C,G] counts; unknown [C] or NULL; g_soft [G]: with memberships that sum to these, or NULL */
void test_bench_open(test_bench *b, const fv_descriptor *loss, void *state, int32_t classes,
	int32_t groups, const double *cg, const double *unknown);
void test_bench_open_soft(test_bench *b, const fv_descriptor *loss, void *state, int32_t classes,
	int32_t groups, const double *cg, const double *g_soft, const double *unknown);

/* Sets the group weights q [n] of a group objective. */
void test_bench_set_q(fv_ctx *ctx, const double *q, size_t n);

#endif
