/* SPDX-License-Identifier: Apache-2.0 */
/* The emotion classifier on pooled hidden states: softmax-weighted sum of the layers, a linear
 * projection, a linear output, nothing in between.
 *
 *     s = softmax(a)   h = sum_l s_l x_l   u = W1 h + b1   z = W2 u + b2
 *
 * Shapes: x [L,D] an utterance, a [L], W1 [H,D], b1 [H], W2 [C,H], b2 [C], z [C]; float32,
 * row-major. The parameters are one vector in that order (a, W1, b1, W2, b2), and so are gradients
 * and the optimiser's moments: clipping and Adam are single passes. Because mean pooling over
 * frames commutes with everything before the softmax, x is the mean over frames (s3prl's utterance
 * classifier projects first and pools after: the same numbers).
 *
 * There is nothing between the two linear layers, so for few classes their product M = W2 W1 [C,D]
 * carries the step: z = M h + W2 b1 + b2, and with G = sum_i dz_i h_i^T [C,D] the gradients are
 * dW1 = W2^T G, dW2 = G W1^T + (sum dz) b1^T, and the layers' gradients come from the products x_l M^T
 * (backend/collapse_kernels.h). Same numbers to rounding, a fifth of the arithmetic, and each large array is read
 * once. It is used for up to CORE_HEAD_COLLAPSE classes.
 *
 * A core_head is the workspace of one thread. OpenBLAS is set to one thread by core_head_new.
 */
#ifndef CORE_NN_HEAD_H
#define CORE_NN_HEAD_H

#include "base/context.h"

typedef struct core_head_shape {
	int32_t layers, dims, projection, classes; /* L, D, H, C; all at least 1 */
} core_head_shape;

#define CORE_HEAD_TENSORS 5

/* Where a tensor of model.safetensors lies in the vector. */
typedef struct core_head_tensor {
	const char *name; /* layer_mix, projection.weight, projection.bias, output.weight,
			     output.bias */
	int32_t rank;
	int64_t shape[2];
	int64_t offset, count;
} core_head_tensor;

int64_t core_head_count(const core_head_shape *shape); /* length of the vector */
void core_head_tensors(const core_head_shape *shape, core_head_tensor out[CORE_HEAD_TENSORS]);

/* Start values: a = 0, the rest as torch.nn.Linear, uniform in +-1/sqrt(fan_in). The draws of a
 * tensor are those of the stream ("init", branch, i), i = 1..4 for W1, b1, W2, b2, in storage
 * order. */
void core_head_init(fv_ctx *ctx, const core_head_shape *shape, int64_t branch, float *params);

typedef struct core_head core_head;

/* Makes a head for batches of up to `batch` rows. Errors: FV_FAILED (memory). */
#define CORE_HEAD_COLLAPSE 16
FV_NODISCARD fv_status core_head_new(
	fv_ctx *ctx, const core_head_shape *shape, int32_t batch, core_head **out);
void core_head_uncollapse(
	core_head *head);             /* computes layer by layer from now on, to compare the two */
void core_head_free(core_head *head); /* NULL is allowed */

/* Computes what depends on the parameters alone. Call it whenever they have changed. */
void core_head_prepare(core_head *head, const float *params);

/* x [n] pointers to [L,D] -> logits [n,C]. n <= batch. Keeps what backward needs. In batches of
 * CORE_HEAD_BLOCK rows the logits of a row do not depend on the other rows: fill the last one up.
 */
#define CORE_HEAD_BLOCK 32
void core_head_forward(
	core_head *head, const float *params, const float *const *x, int32_t n, float *logits);

/* dlogits [n,C], the gradient with respect to the logits of the last forward call (same params, x
 * and n) -> gradient, the whole vector, overwritten. */
void core_head_backward(core_head *head, const float *params, const float *const *x, int32_t n,
	const float *dlogits, float *gradient);

#endif
