/* SPDX-License-Identifier: Apache-2.0 */
/* Linear layers on a device: a product has a fixed number of rows, so that a row's numbers do not depend on how many
 * there are. Rows are copied into a matrix of that many, in the product's own precision; the product is finished (bias,
 * activation) into the result's rows. */
#ifndef CORE_BACKEND_CUDA_LINEAR_HPP
#define CORE_BACKEND_CUDA_LINEAR_HPP

#include "device.hpp"

struct fv_linear {
	gpu::number type;
	bool tf32;                       /* floats are rounded in products */
	int planes;                      /* of bfloat16: 2 for bf16x3 */
	int64_t outputs, inputs, stride; /* numbers between two rows of weights */
	const void *weight[2];           /* [outputs,stride] of each plane */
	const float *bias;               /* [outputs] or nullptr */
};

namespace gpu
{

/* A matrix [count] of numbers that a layer reads, `stride` numbers a row. at: nullptr if the queue has failed */
target allocate_target(queue *q, const fv_linear *layer, int64_t count, int64_t stride);
/* Where a layer's number n of such a matrix is */
target skip_numbers(target t, int64_t n);

/* c = a W', for all planes; `shape` says m, lda, ldc, batch and strides. */
void run_product(queue *q, const fv_linear *layer, const target &a, gemm shape, float *c);

/* Of a matrix that rows are copied into: inputs, rounded up */
int64_t find_stride(const fv_linear *layer);
/* The product of ROWS rows of a -> c [ROWS, outputs] */
void multiply_rows(queue *q, const fv_linear *layer, const target &a, float *c);

} // namespace gpu

#endif
