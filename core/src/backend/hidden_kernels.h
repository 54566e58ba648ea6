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
		int64_t some = width - j < SIMD_LANES ? width - j : 0;
		simd_v v = some ? v_load_some(z + j, some) + v_load_some(bias + j, some)
				: v_load(z + j) + v_load(bias + j);
		simd_v out = apply_activation(v, activation);
		if (drops)
			out *= some ? v_load_some(keep + j, some) : v_load(keep + j);
		if (some) {
			v_store_some(z + j, v, some);
			v_store_some(y + j, out, some);
		} else {
			v_store(z + j, v);
			v_store(y + j, out);
		}
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
	simd_i above = z > 0;
	simd_v cumulated = (simd_v)(((simd_i)(1 - tail) & above) | ((simd_i)tail & ~above));
	simd_v density = v_exp(-0.5f * z * z) * 0.398942280401432678f;
	return d * v_fma(z, density, cumulated);
}

SIMD_INLINE void carry_hidden(fv_activation activation, bool drops, int64_t n, const float *keep,
	const float *z, float *d)
{
	for (int64_t i = 0; i < n; i += SIMD_LANES) {
		int64_t some = n - i < SIMD_LANES ? n - i : 0;
		simd_v at = some ? v_load_some(z + i, some) : v_load(z + i);
		simd_v v = some ? v_load_some(d + i, some) : v_load(d + i);
		if (drops)
			v *= some ? v_load_some(keep + i, some) : v_load(keep + i);
		v = multiply_by_slope(activation, at, v);
		if (some)
			v_store_some(d + i, v, some);
		else
			v_store(d + i, v);
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
