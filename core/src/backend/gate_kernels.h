/* SPDX-License-Identifier: Apache-2.0 */
/* Sigmoid, hyperbolic tangent and the cell of an LSTM made of them, for one instruction set (SIMD_LANES, see
 * simd.h). */
#ifndef CORE_BACKEND_GATE_KERNELS_H
#define CORE_BACKEND_GATE_KERNELS_H

#include "backend/kernels.h"
#include "backend/simd.h"

/* 1 / (1 + e^-x), from e^-|x|, which cannot overflow; 0 below -87 */
SIMD_INLINE simd_v v_sigmoid(simd_v x)
{
	simd_v e = v_exp(-v_abs(x));
	return v_choose(x < 0, e, v_set(1)) / (1 + e);
}

/* Below 0.625 an odd polynomial of Moshier's Cephes library (tanhf), since 1 - e^-2|x| would lose digits */
SIMD_INLINE simd_v v_tanh(simd_v x)
{
	simd_v size = v_abs(x), e = v_exp(-2 * size), square = x * x;
	simd_v p = v_set(-5.70498872745e-3f);
	p = v_fma(p, square, v_set(2.06390887954e-2f));
	p = v_fma(p, square, v_set(-5.37397155531e-2f));
	p = v_fma(p, square, v_set(1.33314422036e-1f));
	p = v_fma(p, square, v_set(-3.33332819422e-1f));
	simd_v large = (1 - e) / (1 + e);
	simd_i sign = (simd_i)x & INT32_MIN;
	return v_choose(size < 0.625f, v_fma(p * square, x, x), (simd_v)((simd_i)large | sign));
}

static void apply_sigmoid(const float *x, float *y, int64_t n)
{
	for (int64_t i = 0; i < n; i += SIMD_LANES)
		v_store_first(y + i, v_sigmoid(v_load_first(x + i, n - i)), n - i);
}

static void step_lstm(
	int64_t sequences, int64_t hidden, const float *gates, float *cell, float *out)
{
	for (int64_t p = 0; p < sequences; p++, gates += 4 * hidden, cell += hidden, out += hidden)
		for (int64_t k = 0; k < hidden; k += SIMD_LANES) {
			int64_t n = hidden - k;
			simd_v in = v_sigmoid(v_load_first(gates + k, n));
			simd_v forget = v_sigmoid(v_load_first(gates + hidden + k, n));
			simd_v candidate = v_tanh(v_load_first(gates + 2 * hidden + k, n));
			simd_v open = v_sigmoid(v_load_first(gates + 3 * hidden + k, n));
			simd_v c = v_fma(forget, v_load_first(cell + k, n), in * candidate);
			v_store_first(cell + k, c, n);
			v_store_first(out + k, open * v_tanh(c), n);
		}
}

#endif
