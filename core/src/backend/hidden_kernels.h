/* SPDX-License-Identifier: Apache-2.0 */
/* What follows the product of a hidden layer, and its gradient, for one instruction set (SIMD_LANES, see
 * simd.h). */
#ifndef CORE_BACKEND_HIDDEN_KERNELS_H
#define CORE_BACKEND_HIDDEN_KERNELS_H

#include "backend/kernels.h"
#include "backend/rows.h"
#include "backend/simd.h"

SIMD_INLINE void finish_hidden_row(fv_activation activation, bool drops, int64_t width,
	const float *bias, const float *keep, float *z, float *y)
{
	for (int64_t j = 0; j < width; j += SIMD_LANES) {
		int64_t left = width - j;
		simd_v v = v_load_first(z + j, left) + v_load_first(bias + j, left);
		simd_v out = apply_activation(v, activation);
		if (drops)
			out *= v_load_first(keep + j, left);
		v_store_first(z + j, v, left);
		v_store_first(y + j, out, left);
	}
}

SIMD_INLINE void finish_hidden(fv_activation activation, int64_t rows, int64_t width,
	const float *bias, const float *keep, float *z, float *y)
{
	for (int64_t i = 0; i < rows; i++)
		if (keep)
			finish_hidden_row(activation, true, width, bias, keep + i * width,
				z + i * width, y + i * width);
		else
			finish_hidden_row(
				activation, false, width, bias, NULL, z + i * width, y + i * width);
}

static void hidden_forward(fv_activation activation, int64_t rows, int64_t width, const float *bias,
	const float *keep, float *z, float *y)
{
	if (activation == FV_ACTIVATION_RELU)
		finish_hidden(FV_ACTIVATION_RELU, rows, width, bias, keep, z, y);
	else if (activation == FV_ACTIVATION_GELU)
		finish_hidden(FV_ACTIVATION_GELU, rows, width, bias, keep, z, y);
	else
		finish_hidden(FV_ACTIVATION_NONE, rows, width, bias, keep, z, y);
}

/* d times the derivative of the activation at z: of max(z, 0) it is 0 at 0, as in PyTorch; of GELU it is
 * Phi(z) + z phi(z). */
SIMD_INLINE simd_v multiply_by_slope(fv_activation activation, simd_v z, simd_v d)
{
	if (activation == FV_ACTIVATION_RELU)
		return (simd_v)((simd_i)d & (z > 0));
	if (activation == FV_ACTIVATION_NONE)
		return d;
	simd_v tail = v_gelu_tail(v_min(v_abs(z), v_set(6)));
	simd_v cumulated = v_choose(z > 0, 1 - tail, tail);
	simd_v density = v_exp(-0.5f * z * z) * 0.398942280401432678f;
	return d * v_fma(z, density, cumulated);
}

SIMD_INLINE void carry_hidden(fv_activation activation, bool drops, int64_t n, const float *keep,
	const float *z, float *d)
{
	for (int64_t i = 0; i < n; i += SIMD_LANES) {
		int64_t left = n - i;
		simd_v v = v_load_first(d + i, left);
		if (drops)
			v *= v_load_first(keep + i, left);
		v = multiply_by_slope(activation, v_load_first(z + i, left), v);
		v_store_first(d + i, v, left);
	}
}

SIMD_INLINE void carry_hidden_as(
	fv_activation activation, int64_t n, const float *keep, const float *z, float *d)
{
	if (keep)
		carry_hidden(activation, true, n, keep, z, d);
	else
		carry_hidden(activation, false, n, NULL, z, d);
}

static void hidden_backward(
	fv_activation activation, int64_t n, const float *keep, const float *z, float *d)
{
	if (activation == FV_ACTIVATION_RELU)
		carry_hidden_as(FV_ACTIVATION_RELU, n, keep, z, d);
	else if (activation == FV_ACTIVATION_GELU)
		carry_hidden_as(FV_ACTIVATION_GELU, n, keep, z, d);
	else
		carry_hidden_as(FV_ACTIVATION_NONE, n, keep, z, d);
}

#endif
