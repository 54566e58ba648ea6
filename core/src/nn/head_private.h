/* SPDX-License-Identifier: Apache-2.0 */
/* For the files head*.c: the workspace of a head. */
#ifndef CORE_NN_HEAD_PRIVATE_H
#define CORE_NN_HEAD_PRIVATE_H

#include <stdbool.h>

#include "backend/kernels.h"
#include "nn/head.h"

/* A linear layer, of a head that is computed layer by layer. */
typedef struct core_dense {
	int32_t in, out;
	const core_head_tensor *weight, *bias;
	bool hidden;  /* activation and dropout follow */
	float *z, *y; /* [batch,out] W x + b; what the next layer reads. One array unless hidden. */
	float *gradient; /* [batch,out] at z */
	float *keep;     /* [batch,out] factors of dropout; hidden layers only */
} core_dense;

struct core_head {
	core_head_shape shape;
	int32_t batch;
	bool collapsed, dropping;
	const core_kernels *kernels;
	core_head_tensor tensor[CORE_HEAD_TENSORS];
	int32_t n_tensors;
	core_dense dense[CORE_HEAD_HIDDEN + 2];
	int32_t n_dense;
	float *mixed;    /* h [batch,D] */
	float *d_mixed;  /* [batch,D] */
	float *dots;     /* x M^T [batch,L,C]; this and the next three: when collapsed */
	float *product;  /* M [C,D] */
	float *constant; /* W2 b1 + b2 [C] */
	float *outer;    /* G [C,D] */
	float *share;    /* s [L] */
	float *row_dot;  /* [L] */
	double *sum;     /* [max(L, widest layer)] */
};

/* Places an array of n numbers of `size` bytes at the next multiple of 64 bytes of one block of memory, sets *array
 * and moves *used past it, which is returned. base NULL: only counts. */
size_t core_head_carve(char *base, size_t *used, size_t n, size_t size, void *array);

/* head_collapse.c */
void core_head_collapse(core_head *head, const float *params);
void core_head_collapsed_forward(core_head *head, const float *const *x, int32_t n, float *logits);
void core_head_collapsed_backward(
	core_head *head, const float *params, int32_t n, const float *dlogits, float *gradient);

/* head_layers.c: from head->mixed to the result, and back to head->d_mixed. */
void core_head_layers_forward(core_head *head, const float *params, int32_t n, float *out);
void core_head_layers_backward(
	core_head *head, const float *params, int32_t n, const float *d_out, float *gradient);

#endif
