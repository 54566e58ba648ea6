/* SPDX-License-Identifier: Apache-2.0 */
/* Polynomials of Moshier's Cephes library (expf, tanhf), written without branches, so that
 * compilers make vector instructions of the loops; no operation depends on the instruction set. */
#include "backend/gates.h"

#include <string.h>

static inline __attribute__((always_inline)) float compute_exp(float x)
{
	const float magic = 12582912.0f; /* 1.5 2^23: adding it rounds to an integer */
	x = x < -87.0f ? -87.0f : x;
	x = x > 88.0f ? 88.0f : x;
	float rounded = x * 1.44269504088896341f + magic;
	int32_t bits;
	memcpy(&bits, &rounded, sizeof bits);
	float n = rounded - magic;
	float r = x - n * 0.693359375f + n * 2.12194440e-4f;
	float p = 1.9875691500e-4f;
	p = p * r + 1.3981999507e-3f;
	p = p * r + 8.3334519073e-3f;
	p = p * r + 4.1665795894e-2f;
	p = p * r + 1.6666665459e-1f;
	p = p * r + 5.0000001201e-1f;
	p = p * (r * r) + r + 1.0f;
	uint32_t power = ((uint32_t)bits - 0x4b400000u + 127u) << 23; /* 2^n */
	float scale;
	memcpy(&scale, &power, sizeof scale);
	return p * scale;
}

static inline __attribute__((always_inline)) float compute_sigmoid(float x)
{
	return 1.0f / (1.0f + compute_exp(-x));
}

static inline __attribute__((always_inline)) float compute_tanh(float x)
{
	float size = x < 0 ? -x : x, z = x * x;
	float p = -5.70498872745e-3f;
	p = p * z + 2.06390887954e-2f;
	p = p * z - 5.37397155531e-2f;
	p = p * z + 1.33314422036e-1f;
	p = p * z - 3.33332819422e-1f;
	float small = p * z * x + x;
	float large = 1.0f - 2.0f / (compute_exp(2.0f * size) + 1.0f);
	large = x < 0 ? -large : large;
	return size < 0.625f ? small : large;
}

CORE_LANES_FAST void core_sigmoid(const float *x, float *y, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = compute_sigmoid(x[i]);
}

CORE_LANES_FAST void core_tanh(const float *x, float *y, int64_t n)
{
	for (int64_t i = 0; i < n; i++)
		y[i] = compute_tanh(x[i]);
}

CORE_LANES_FAST static void update_variant(const float *gate, int32_t hidden, float *cell)
{
	const float *in = gate, *forget = gate + hidden, *candidate = gate + 2 * hidden;
	for (int32_t k = 0; k < hidden; k++)
		cell[k] = forget[k] * cell[k] + in[k] * candidate[k];
}

CORE_LANES_FAST static void multiply_recurrent(const float *x, int32_t n, float *y)
{
	for (int32_t k = 0; k < n; k++)
		y[k] *= x[k];
}

void core_lstm_step(float *gates, int64_t sequences, int32_t hidden, float *cell, float *out)
{
	for (int64_t p = 0; p < sequences; p++) {
		float *gate = gates + p * 4 * hidden;
		core_sigmoid(gate, gate, 2 * hidden);
		core_tanh(gate + 2 * hidden, gate + 2 * hidden, hidden);
		core_sigmoid(gate + 3 * hidden, gate + 3 * hidden, hidden);
		update_variant(gate, hidden, cell + p * hidden);
		core_tanh(cell + p * hidden, out + p * hidden, hidden);
		multiply_recurrent(gate + 3 * hidden, hidden, out + p * hidden);
	}
}
