/* SPDX-License-Identifier: Apache-2.0 */
/* A linear layer behind an encoder without hidden layers, both replaced by their product, as a head's two layers
 * are (nn/head.h). With u = W1 h + b1 of the encoder and the layer's columns W that read u:
 *
 *     W u = M h + W b1,  M = W W1 [C,D]
 *
 * and with d [n,C], the gradient at W u, and G = sum_i d_i h_i^T [C,D]:
 *
 *     dW = G W1^T + (sum d) b1^T   dW1 = W^T F   db1 = W^T sum f   dh_i = M^T f_i
 *
 * where f_i, and F with it, is d_i times the factor of the gradient that flows into the encoder
 * (fv_net_scale_gradient; 0: the encoder is held). The rows u [n,H] are not computed: a fifth of the arithmetic for
 * few outputs.
 */
#ifndef CORE_NN_PRODUCT_H
#define CORE_NN_PRODUCT_H

#include "nn/head.h"

typedef struct core_product core_product;

/* Makes room for products of the encoder with layers of up to CORE_HEAD_COLLAPSE outputs. Errors: FV_FAILED
 * (memory). Free with core_product_free, NULL is allowed. */
FV_NODISCARD fv_status core_product_new(fv_ctx *ctx, const core_head *encoder, core_product **out);
void core_product_free(core_product *product);

/* Computes M and W b1. params: the encoder's. weight [outputs,H]: rows `stride` numbers apart. */
void core_product_prepare(core_product *product, const core_head *encoder, const float *params,
	int32_t outputs, const float *weight, int64_t stride);

/* Returns W u [n,C] for the rows that the encoder has mixed; valid until the next call. Sets their gradient to
 * zero. */
const float *core_product_forward(core_product *product, const core_head *encoder, int32_t n);

/* Adds d [n,C] to the gradient; row i to that of row permutation[i] (NULL: i). factor: of what flows into the
 * encoder. */
void core_product_add_gradient(core_product *product, int32_t n, const float *d,
	const int32_t *permutation, double factor);
/* Returns true if a part of the gradient flows into the encoder. */
bool core_product_flows(const core_product *product);

/* Adds dW to d_weight (rows `stride` apart) and, if the gradient flows, dW1 and db1 to the encoder's gradient and
 * dh to that of its mixed rows; overwrites these three unless `more`. */
void core_product_backward(core_product *product, core_head *encoder, const float *params,
	int32_t n, bool more, float *gradient, float *d_weight, int64_t stride);

/* Adds dW to d_weight and W^T f to d_rows [n,H], the gradient of the encoder's rows: for an encoder whose rows
 * are used elsewhere too. */
void core_product_backward_rows(core_product *product, const core_head *encoder,
	const float *params, int32_t n, float *d_rows, float *d_weight, int64_t stride);

#endif
