/* SPDX-License-Identifier: Apache-2.0 */
/* Float32 products of many outputs, for processors whose multiply-add units wait for weights and for
 * instructions: weights are stored in the order in which they are read, those that are needed next are fetched
 * meanwhile, and rows are packed: with AVX-512 a number of x is then an operand of the multiply-add itself. The
 * sums are those of linear.c, to the last bit. */
#ifndef CORE_BACKEND_PACKED_H
#define CORE_BACKEND_PACKED_H

#include "backend/kernels.h"

/* A prepared matrix */
typedef struct core_packed_matrix {
	const core_packed *packed; /* NULL: the matrix is not of this kind */
	int64_t outputs, inputs;
	int64_t block; /* depth that is summed in registers */
	int64_t chunk; /* depth of packed rows, a multiple of block: a piece of them stays in L2 */
	float *weight; /* [chunks][panels][depth of the chunk][width of the panel] */
} core_packed_matrix;

/* Is a product worth it? Rows are packed once for all outputs. */
bool core_packed_suits(const core_kernels *kernels, fv_precision precision, int64_t outputs);

/* Copies weight [outputs,inputs]. Memory is the context's. Errors: FV_FAILED (memory). */
FV_NODISCARD fv_status core_packed_open(fv_ctx *ctx, const core_packed *packed, int64_t outputs,
	int64_t inputs, int64_t block, const float *weight, core_packed_matrix *out);

/* Floats of scratch memory, 64-byte aligned, that a product of up to `rows` rows needs. */
int64_t core_packed_scratch(const core_packed_matrix *matrix, int64_t rows);

/* One product: fv_linear_apply with a prepared matrix. */
typedef struct core_packed_product {
	const core_packed_matrix *matrix;
	void (*finish)(const core_finish *job);
	const float *bias; /* [outputs padded to full vectors] */
	int64_t rows;
	const float *x;
	int64_t stride_x;
	bool add;
	fv_activation activation;
	float *y;
	int64_t stride_y;
	float *scratch;
} core_packed_product;
void core_packed_multiply(const core_packed_product *o);

#endif
