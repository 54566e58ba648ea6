/* SPDX-License-Identifier: Apache-2.0 */
/* Functions of many numbers at once, in the widest registers of the machine. Any alignment of 4. All
 * instruction sets give results within the stated errors of the exact ones. */
#ifndef FAIRVOX_VECTOR_H
#define FAIRVOX_VECTOR_H

#include <fairvox/abi.h>

FV_BEGIN_DECLS

/* x Phi(x), Phi the normal distribution function -> y [n]; y may be x. Absolute error below 2e-7 times
 * max(1, |x|). */
void fv_gelu(const float *x, float *y, int64_t n);

/* Each row of x [rows,width] less its mean, over sqrt(variance + eps), times scale plus offset -> y
 * [rows,width]; y may be x. Variance is the population's; sums are exact to float32 rounding. scale and
 * offset [width], both or neither NULL. */
void fv_layer_norm(const float *x, int64_t rows, int64_t width, const float *scale,
	const float *offset, float eps, float *y);

/* Each row of x [rows,width] -> its softmax, in place; row r begins at x + r stride. Relative error
 * below 5e-7 + 6e-8 (largest - x); what is more than 87 below the largest weighs 0. */
void fv_softmax(float *x, int64_t rows, int64_t width, int64_t stride);

/* For each column of x [rows,width], with d = x - centre [width]: the sums over the rows of w, w d and w d^2
 * -> sums [3,width]. w = exp(logit - peak), logit [rows,width] and no larger than peak [width]; 1 where
 * logit is NULL. Row r begins at x + r stride and logit + r stride. w is within 3e-7 of itself, 0 below
 * exp(-87); sums are in float over sixteen rows and in double over those. */
void fv_column_moments(const float *x, const float *logit, int64_t rows, int64_t width,
	int64_t stride, const float *centre, const float *peak, double *sums);

FV_END_DECLS

#endif
