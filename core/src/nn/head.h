/* SPDX-License-Identifier: Apache-2.0 */
/* The emotion classifier on pooled hidden states: softmax-weighted sum of the layers, a linear projection
 * (unless the shape has none), hidden layers (unless there are none), a linear output.
 *
 *     s = softmax(a)   h = sum_l s_l x_l   u_0 = W1 h + b1   u_j = dropout(f(V_j u_j-1 + c_j))   z = W2 u + b2
 *
 * Shapes: x [L,D] an utterance, a [L], W1 [H,D], b1 [H], V_j [H_j,H_j-1], c_j [H_j], W2 [C,.], b2 [C], z [C];
 * float32, row-major. Activation f and dropout belong to the hidden layers only: nothing follows the
 * projection. The parameters are one vector in the order a, W1, b1, V_1, c_1, ..., W2, b2, and so are
 * gradients and the optimiser's moments: clipping and Adam are single passes. Because mean pooling over frames
 * commutes with everything before the first activation, x is the mean over frames (s3prl's utterance
 * classifier projects first and pools after: the same numbers).
 *
 * Without hidden layers nothing lies between the two linear layers, so for few classes their product
 * M = W2 W1 [C,D] carries the step: z = M h + W2 b1 + b2, and with G = sum_i dz_i h_i^T [C,D] the gradients are
 * dW1 = W2^T G, dW2 = G W1^T + (sum dz) b1^T, and the layers' gradients come from the products x_l M^T
 * (backend/collapse_kernels.h). Same numbers to rounding, a fifth of the arithmetic, and each large array is read
 * once. It is used for up to CORE_HEAD_COLLAPSE classes (head_collapse.c); without projection M is W2. All other
 * heads are computed layer by layer (head_layers.c).
 *
 * Dropout is inverted: in a training step a hidden unit is 0 with probability p, else it is multiplied by
 * 1/(1-p).
 *
 * A core_head is the workspace of one thread. OpenBLAS is set to one thread by core_head_new.
 */
#ifndef CORE_NN_HEAD_H
#define CORE_NN_HEAD_H

#include <fairvox/linear.h>

#include "base/context.h"

#define CORE_HEAD_HIDDEN 8 /* hidden layers at most */

typedef struct core_head_shape {
	int32_t layers, dims; /* L, D; at least 1 */
	int32_t projection;   /* H; 0: none */
	int32_t classes; /* C; 0: no output layer, so that the last layer before it is the result */
	int32_t n_hidden, hidden[CORE_HEAD_HIDDEN]; /* H_1, H_2, ... */
	fv_activation activation;
	double dropout; /* p in [0,1) */
} core_head_shape;

#define CORE_HEAD_TENSORS (5 + 2 * CORE_HEAD_HIDDEN)

/* Where a tensor of model.safetensors lies in the vector. */
typedef struct core_head_tensor {
	/* layer_mix, projection.weight, projection.bias, hidden.0.weight, hidden.0.bias, ...,
	 * output.weight, output.bias */
	const char *name;
	int32_t rank;
	int64_t shape[2];
	int64_t offset, count;
	/* Start values: stream ("init", branch, draw) and bound 1/sqrt(fan_in); draw 0: zeros. */
	uint64_t draw;
	int32_t fan_in;
} core_head_tensor;

int64_t core_head_count(const core_head_shape *shape); /* length of the vector */
/* Lists the tensors and returns their number. */
int32_t core_head_tensors(const core_head_shape *shape, core_head_tensor out[CORE_HEAD_TENSORS]);
/* Returns the width of what the output layer reads: of the last hidden layer, else the projection, else D. */
int32_t core_head_width(const core_head_shape *shape);

/* Start values: a = 0, the rest as torch.nn.Linear, uniform in +-1/sqrt(fan_in). The draws of a
 * tensor are those of the stream ("init", branch, i) in storage order, i = 1..4 for W1, b1, W2, b2,
 * 5, 6 for V_1, c_1, and so on, whatever other tensors there are. */
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

/* What the dropout of a training step is drawn by. The units of row i, layer by layer, are the draws of
 * stream ("dropout", epoch, hash of stem[i] + copy[i] + branch). */
typedef struct core_dropout {
	fv_ctx *ctx;
	int64_t epoch;
	const char *const *stem; /* [n] */
	const int32_t *copy;     /* [n] how often the recording occurred earlier in the epoch */
} core_dropout;

/* Draws dropout for the next forward and backward calls; NULL: none, as in a new head. branch: of the
 * network, as in core_head_init. */
void core_head_set_dropout(core_head *head, const core_dropout *drop, int64_t branch, int32_t n);

/* x [n] pointers to [L,D] -> logits [n,C] (without output layer [n,width]). n <= batch. Keeps what backward
 * needs. The logits of a row do not depend on the other rows, nor on its place among them. */
void core_head_forward(
	core_head *head, const float *params, const float *const *x, int32_t n, float *logits);

/* dlogits [n,C], the gradient with respect to the logits of the last forward call (same params, x
 * and n) -> gradient, the whole vector, overwritten. */
void core_head_backward(core_head *head, const float *params, const float *const *x, int32_t n,
	const float *dlogits, float *gradient);

/* True for an encoder without hidden layers, whose rows are u = W1 h + b1: a linear layer behind it needs only
 * their product (nn/product.h). */
bool core_head_is_linear(const core_head *head);

/* Mixes the layers of x [n] for up to CORE_PLAN_NETS prepared heads of the same shape, in one pass over x. */
void core_heads_mix(core_head *const *heads, int32_t count, const float *const *x, int32_t n);
/* Computes the rows [n,width] of an encoder that has mixed. */
void core_head_project(core_head *head, const float *params, int32_t n, float *out);
/* Computes the gradients of the mixes from those of the mixed rows. gradient [count]: the heads' vectors */
void core_heads_mix_backward(core_head *const *heads, int32_t count, const float *const *x,
	int32_t n, float *const *gradient);

#endif
