/* SPDX-License-Identifier: Apache-2.0 */
/* Vectorised functions, computed with the widest registers of the machine. Data needs an alignment
 * of 4 bytes only. The stated errors, against exact results, hold on all instruction sets. */
#ifndef FAIRVOX_VECTOR_H
#define FAIRVOX_VECTOR_H

#include <fairvox/abi.h>

FV_BEGIN_DECLS

/* y [n] = x Phi(x), where Phi is the normal distribution function; y may be x. Absolute error below
 * 2e-7 times max(1, |x|). */
void fv_gelu(const float *x, float *y, int64_t n);

/* Layer norm of each row of x [rows,width]: y = (x - mean) / sqrt(variance + eps) * scale + offset,
 * with the population variance; y may be x. Sums are exact to float32 rounding. scale and offset
 * are [width], or both are NULL. */
void fv_layer_norm(const float *x, int64_t rows, int64_t width, const float *scale,
	const float *offset, float eps, float *y);

/* Softmax of each row of x [rows,width], in place; row r starts at x + r stride. Relative error
 * below 5e-7 + 6e-8 (largest - x). A number more than 87 below the largest of its row gives 0. */
void fv_softmax(float *x, int64_t rows, int64_t width, int64_t stride);

/* Weighted sums over the rows, for each column of x [rows,width]: sums [3,width] of w, w d and w
 * d^2 with d = x - centre [width]. w = exp(logit - peak), where logit is [rows,width] and no larger
 * than peak [width]; w = 1 if logit is NULL. Row r starts at x + r stride and at logit + r stride.
 * w has a relative error of up to 3e-7 and is 0 below exp(-87). Sums are float over sixteen rows
 * and double over those. */
void fv_column_moments(const float *x, const float *logit, int64_t rows, int64_t width,
	int64_t stride, const float *centre, const float *peak, double *sums);

FV_END_DECLS

#endif
