/* SPDX-License-Identifier: Apache-2.0 */
/* Polynomials of Moshier's Cephes library (expf, tanhf) on eight numbers at once, written without branches: compilers
 * make no vectors of comparisons in loops, which may trap. No operation depends on the instruction set. */
#include "backend/gates.h"

#include <string.h>

enum { LANES = 8 };

#define LANES_INLINE static inline __attribute__((always_inline))
typedef int32_t lane_bits __attribute__((vector_size(LANES * sizeof(int32_t)), may_alias));
typedef uint32_t lane_words __attribute__((vector_size(LANES * sizeof(uint32_t)), may_alias));

/* a where the bits of `mask` are set, b elsewhere */
#define SELECT(mask, a, b) ((core_lanes)(((mask) & (lane_bits)(a)) | (~(mask) & (lane_bits)(b))))
/* A vector of a constant */
#define ALL(value) ((core_lanes){0} + (value))

LANES_INLINE void compute_exp(core_lanes *of)
{
	const core_lanes magic = ALL(12582912.0f); /* 1.5 2^23: adding it rounds to an integer */
	core_lanes x = *of;
	x = SELECT(x < -87.0f, ALL(-87.0f), x);
	x = SELECT(x > 88.0f, ALL(88.0f), x);
	core_lanes rounded = x * 1.44269504088896341f + magic;
	core_lanes n = rounded - magic;
	core_lanes r = x - n * 0.693359375f + n * 2.12194440e-4f;
	core_lanes p = ALL(1.9875691500e-4f);
	p = p * r + 1.3981999507e-3f;
	p = p * r + 8.3334519073e-3f;
	p = p * r + 4.1665795894e-2f;
	p = p * r + 1.6666665459e-1f;
	p = p * r + 5.0000001201e-1f;
	p = p * (r * r) + r + 1.0f;
	lane_words power = ((lane_words)rounded - 0x4b400000u + 127u) << 23; /* 2^n */
	*of = p * (core_lanes)power;
}

LANES_INLINE void compute_sigmoid(core_lanes *x)
{
	core_lanes e = -*x;
	compute_exp(&e);
	*x = 1.0f / (1.0f + e);
}

LANES_INLINE void compute_tanh(core_lanes *of)
{
	core_lanes x = *of, z = x * x;
	core_lanes size = SELECT(x < 0.0f, -x, x);
	core_lanes p = ALL(-5.70498872745e-3f);
	p = p * z + 2.06390887954e-2f;
	p = p * z - 5.37397155531e-2f;
	p = p * z + 1.33314422036e-1f;
	p = p * z - 3.33332819422e-1f;
	core_lanes small = p * z * x + x;
	core_lanes e = 2.0f * size;
	compute_exp(&e);
	core_lanes large = 1.0f - 2.0f / (e + 1.0f);
	large = SELECT(x < 0.0f, -large, large);
	*of = SELECT(size < 0.625f, small, large);
}

/* Applies a function of eight numbers to x [n]. */
#define APPLY(function, x, y, n)                                                                   \
	do {                                                                                       \
		core_lanes v = {0};                                                                \
		int64_t i = 0;                                                                     \
		for (; i + LANES <= (n); i += LANES) {                                             \
			memcpy(&v, (x) + i, sizeof v);                                             \
			function(&v);                                                              \
			memcpy((y) + i, &v, sizeof v);                                             \
		}                                                                                  \
		size_t rest = sizeof(float) * (size_t)((n)-i);                                     \
		memcpy(&v, (x) + i, rest);                                                         \
		function(&v);                                                                      \
		memcpy((y) + i, &v, rest);                                                         \
	} while (0)

CORE_LANES_FAST void core_sigmoid(const float *x, float *y, int64_t n)
{
	APPLY(compute_sigmoid, x, y, n);
}

CORE_LANES_FAST void core_tanh(const float *x, float *y, int64_t n)
{
	APPLY(compute_tanh, x, y, n);
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
