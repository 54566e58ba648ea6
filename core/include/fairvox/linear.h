/* SPDX-License-Identifier: Apache-2.0 */
/* Linear layers: a weight matrix that is prepared once and then multiplied with many rows.
 *
 * The encoders' blocks compute all their matrix products with it. A convolution over time is also
 * such a product, because rows may overlap: with x stored as [T,C], k taps and step s, row t starts
 * at x + t s C and has k C numbers.
 *
 * A prepared matrix is never written to, so threads and worker processes share it.
 *
 * In an encoder with the op batch, open() makes the matrix on the device where the encoder computes, and only
 * the functions of pack.h use it; fv_linear_apply is for the ops that run on the CPU.
 */
#ifndef FAIRVOX_LINEAR_H
#define FAIRVOX_LINEAR_H

#include <fairvox/abi.h>
#include <fairvox/context.h>

FV_BEGIN_DECLS

/* Precision of the products; sums are always float32. With hundreds of inputs, errors relative to
 * the size of a result are 3e-7, 4e-6, 2e-3 and 3e-4. */
typedef enum fv_precision {
	FV_PRECISION_FP32,
	FV_PRECISION_BF16X3, /* operands as sums of two bfloat16 numbers; three products of those */
	FV_PRECISION_BF16,   /* operands rounded to bfloat16 */
	FV_PRECISION_TF32,   /* operands rounded to TensorFloat-32, on GPUs only */
} fv_precision;

typedef enum fv_activation {
	FV_ACTIVATION_NONE,
	FV_ACTIVATION_RELU,
	FV_ACTIVATION_GELU, /* exact: x Phi(x) */
} fv_activation;

typedef struct fv_linear fv_linear;

/* Prepares weight [outputs,inputs], row-major, and bias [outputs] or NULL. Both are copied. The
 * result lives until the plugin's state is closed; NULL on an error, with a message.
 *
 * Uses the best instruction set of the machine, or the one that the environment variable
 * FAIRVOX_CPU names: amx, avx512_bf16, avx512, avx2 or portable. An unknown name, or one the
 * machine does not have, is an FV_CONFIG error, and so is FV_PRECISION_TF32 on the CPU. [run] */
fv_linear *fv_linear_open(fv_ctx *ctx, fv_precision precision, int64_t outputs, int64_t inputs,
	const float *weight, const float *bias);

/* Number of floats of scratch memory that fv_linear_apply needs for up to `rows` rows. */
size_t fv_linear_scratch(const fv_linear *linear, int64_t rows);

/* Computes y_r = activation(add y_r + W x_r + bias) for each row r. Row r of x starts at x + r
 * stride_x, row r of y at y + r stride_y. stride_x may be smaller than the number of inputs (rows
 * overlap); stride_y must be at least the number of outputs. add: 0 (y is not read) or 1. x and y
 * must not overlap. A row's result depends on that row alone, not on the number of rows. A number
 * in x that is not finite makes the results of its row not finite. [worker] */
void fv_linear_apply(const fv_linear *linear, int64_t rows, const float *x, int64_t stride_x,
	int32_t add, fv_activation activation, float *y, int64_t stride_y, float *scratch);

FV_END_DECLS

#endif
