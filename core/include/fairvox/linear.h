/* SPDX-License-Identifier: Apache-2.0 */
/* A matrix of weights, prepared once for products with many rows: the one product that the blocks of
 * the encoders are made of. A convolution over time is one too, because rows may overlap: with x
 * stored [T,C], taps k and step s, row t of the product begins at x + t s C and has k C numbers.
 *
 * A prepared matrix is never written to: threads and worker processes share it.
 */
#ifndef FAIRVOX_LINEAR_H
#define FAIRVOX_LINEAR_H

#include <fairvox/abi.h>
#include <fairvox/context.h>

FV_BEGIN_DECLS

/* How products are computed; sums are float32 in all of them. Errors over the size of a result, with
 * hundreds of inputs: 3e-7, 4e-6, 2e-3. */
typedef enum fv_precision {
	FV_PRECISION_FP32,
	FV_PRECISION_BF16X3, /* operands as sums of two bfloat16 numbers, three products of them */
	FV_PRECISION_BF16,   /* operands rounded to bfloat16 */
} fv_precision;

typedef enum fv_activation {
	FV_ACTIVATION_NONE,
	FV_ACTIVATION_RELU,
	FV_ACTIVATION_GELU, /* exact: x Phi(x) */
} fv_activation;

typedef struct fv_linear fv_linear;

/* The instructions are the best that the machine has, or those that the environment variable FAIRVOX_CPU
 * names: amx, avx512_bf16, avx512, avx2 or portable. Another name, or one of another machine, is FV_CONFIG.
 *
 * weight [outputs,inputs], row-major; bias [outputs] or NULL; both are copied. Lives until the
 * plugin's state is closed. NULL on an error; the message is in the context. [run] */
fv_linear *fv_linear_open(fv_ctx *ctx, fv_precision precision, int64_t outputs, int64_t inputs,
	const float *weight, const float *bias);

/* Floats that fv_linear_apply needs for itself, for up to so many rows. */
size_t fv_linear_scratch(const fv_linear *linear, int64_t rows);

/* y_r = activation(add y_r + W x_r + bias) for each row r; row r of x begins at x + r stride_x, of y at
 * y + r stride_y. stride_x may be smaller than the number of inputs (overlapping rows), stride_y not
 * smaller than that of outputs. add: 0 (y is not read) or 1. x and y do not overlap. A row's result
 * depends on that row alone, not on how many there are. What is not finite in a row of x is not finite in
 * its results. [worker] */
void fv_linear_apply(const fv_linear *linear, int64_t rows, const float *x, int64_t stride_x,
	int32_t add, fv_activation activation, float *y, int64_t stride_y, float *scratch);

FV_END_DECLS

#endif
