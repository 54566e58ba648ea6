/* SPDX-License-Identifier: Apache-2.0 */
/* The parts that networks are put together from: the softmax-weighted sum of layers and the linear
 * layer, with their gradients. float32, row-major; products by OpenBLAS, sums over rows in double
 * in a fixed order.
 */
#ifndef CORE_NN_BLOCKS_H
#define CORE_NN_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/context.h"

/* Start values as torch.nn.Linear's: uniform in +-1/sqrt(fan_in), the draws of stream ("init",
 * branch, tensor) in storage order -> out [n] */
void core_linear_init(
	fv_ctx *ctx, int64_t branch, uint64_t tensor, int32_t fan_in, int64_t n, float *out);

/* out [m,n] = a b + beta out; a is [m,k], or stored transposed, [k,m], and b [k,n]. */
void core_multiply(bool turn_a, int32_t m, int32_t n, int32_t k, const float *a, const float *b,
	float beta, float *out);

/* s = softmax(a) -> share [L] */
void core_mix_share(const float *a, int32_t layers, float *share);

/* The mixes of up to CORE_MIX_MAX heads that read the same rows x [n] of [L,D]. The numbers of a mix do not depend
 * on the others. */
#define CORE_MIX_MAX 16
typedef struct core_mixes {
	int32_t count, layers, dims, n;
	const float *const *x;
	const float *share[CORE_MIX_MAX]; /* s [L] */
} core_mixes;

/* mixed[k] [n,D] = sum_l s_l x_l of each row */
void core_mix_forward(const core_mixes *mixes, float *const *mixed);

/* d_mixed[k] [n,D] -> gradient[k] of a [L]; sum[k] and row_dot[k] [L] are scratch. With one layer the
 * gradient is 0 and d_mixed is not read. */
void core_mix_backward(const core_mixes *mixes, const float *const *d_mixed, double *const *sum,
	float *const *row_dot, float *const *gradient);

/* ds = sum [L] -> gradient of a [L], da = s * (ds - s.ds); with one layer s is 1 whatever a is. */
void core_mix_gradient(const float *share, int32_t layers, const double *sum, float *gradient);

/* rows [n,out] = in [n,width] weight^T + bias */
void core_linear_forward(int32_t n, int32_t out, int32_t width, const float *in,
	const float *weight, const float *bias, float *rows);

/* out [width] = column sums of rows [n,width] + beta out; sum [width] is scratch */
void core_column_sums(
	int32_t n, int32_t width, const float *rows, double *sum, float beta, float *out);

bool core_all_finite(const float *x, int64_t n);

#endif
