/* SPDX-License-Identifier: Apache-2.0 */
/* One step of Adam, one of SGD, and a sum of squares, for one instruction set (SIMD_LANES, see simd.h).
 * Multiplication, addition, division and square root round alike in every set, and no product and
 * sum are contracted, so that all sets give the same bits. */
#ifndef CORE_BACKEND_OPTIMIZER_KERNELS_H
#define CORE_BACKEND_OPTIMIZER_KERNELS_H

#include "backend/kernels.h"
#include "backend/simd.h"

static void adam_step(const core_adam_scalars *s, int64_t n, float *param, const float *gradient,
	float *m, float *v)
{
	int64_t i = 0;
	for (; i + SIMD_LANES <= n; i += SIMD_LANES) {
		simd_v p = v_load(param + i), old = v_load(m + i);
		simd_v g = v_load(gradient + i) * s->scale + s->l2 * p;
		simd_v first = old + s->one_beta1 * (g - old);
		simd_v second = s->beta2 * v_load(v + i) + s->one_beta2 * (g * g);
		v_store(m + i, first);
		v_store(v + i, second);
		v_store(param + i,
			s->keep * p - s->rate * (first / (v_sqrt(second) * s->root + s->eps)));
	}
	for (; i < n; i++) {
		float p = param[i], g = gradient[i] * s->scale + s->l2 * p;
		float first = m[i] + s->one_beta1 * (g - m[i]);
		float second = s->beta2 * v[i] + s->one_beta2 * (g * g);
		m[i] = first;
		v[i] = second;
		param[i] = s->keep * p - s->rate * (first / (sqrtf(second) * s->root + s->eps));
	}
}

static void sgd_step(
	const core_sgd_scalars *s, int64_t n, float *param, const float *gradient, float *velocity)
{
	int64_t i = 0;
	for (; i + SIMD_LANES <= n; i += SIMD_LANES) {
		simd_v p = v_load(param + i);
		simd_v g = v_load(gradient + i) * s->scale + s->l2 * p;
		if (velocity) {
			g = s->momentum * v_load(velocity + i) + g;
			v_store(velocity + i, g);
		}
		v_store(param + i, p - s->rate * g);
	}
	for (; i < n; i++) {
		float g = gradient[i] * s->scale + s->l2 * param[i];
		if (velocity)
			g = velocity[i] = s->momentum * velocity[i] + g;
		param[i] = param[i] - s->rate * g;
	}
}

/* Uses sixteen running sums, added at the end, so that every vector length gives the same bits. The
 * square of a float32 is exact in double. */
static double sum_squares(const float *x, int64_t n)
{
	enum { SUMS = 16 };
	double sum[SUMS] = {0};
	int64_t i = 0;
	for (; i + SUMS <= n; i += SUMS)
		for (int j = 0; j < SUMS; j++)
			sum[j] += (double)x[i + j] * (double)x[i + j];
	for (int j = 0; i < n; i++, j++)
		sum[j] += (double)x[i] * (double)x[i];
	for (int half = SUMS / 2; half > 0; half /= 2)
		for (int j = 0; j < half; j++)
			sum[j] += sum[j + half];
	return sum[0];
}

#endif
