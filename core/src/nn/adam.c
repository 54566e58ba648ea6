/* SPDX-License-Identifier: Apache-2.0 */
/* Multiplication, addition, division and square root are rounded alike in every instruction set,
 * and no path contracts a product and a sum, so the paths agree bit by bit. */
#include "nn/adam.h"

#include <math.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define BETA1 0.9
#define BETA2 0.999
#define EPSILON 1e-8

core_adam_scalars core_adam_prepare(const core_adam *adam, int64_t step, double scale)
{
	double correct1 = 1 - pow(BETA1, (double)step), correct2 = 1 - pow(BETA2, (double)step);
	double decay = adam->learning_rate * adam->weight_decay;
	return (core_adam_scalars){
		.scale = (float)scale,
		.l2 = adam->decoupled ? 0 : (float)adam->weight_decay,
		.keep = adam->decoupled ? (float)(1 - decay) : 1,
		.one_beta1 = (float)(1 - BETA1),
		.beta2 = (float)BETA2,
		.one_beta2 = (float)(1 - BETA2),
		.rate = (float)(adam->learning_rate / correct1),
		.root = (float)(1 / sqrt(correct2)),
		.eps = (float)EPSILON,
	};
}

static void step_portable(const core_adam_scalars *s, int64_t n, float *param,
	const float *gradient, float *m, float *v)
{
	for (int64_t i = 0; i < n; i++) {
		float p = param[i], g = gradient[i] * s->scale + s->l2 * p;
		float first = m[i] + s->one_beta1 * (g - m[i]);
		float second = s->beta2 * v[i] + s->one_beta2 * (g * g);
		m[i] = first;
		v[i] = second;
		param[i] = s->keep * p - s->rate * (first / (sqrtf(second) * s->root + s->eps));
	}
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static void step_avx2(const core_adam_scalars *s, int64_t n,
	float *param, const float *gradient, float *m, float *v)
{
	const __m256 scale = _mm256_set1_ps(s->scale), l2 = _mm256_set1_ps(s->l2);
	const __m256 keep = _mm256_set1_ps(s->keep), one_beta1 = _mm256_set1_ps(s->one_beta1);
	const __m256 beta2 = _mm256_set1_ps(s->beta2), one_beta2 = _mm256_set1_ps(s->one_beta2);
	const __m256 rate = _mm256_set1_ps(s->rate), root = _mm256_set1_ps(s->root);
	const __m256 eps = _mm256_set1_ps(s->eps);
	int64_t i = 0;
	for (; i + 8 <= n; i += 8) {
		__m256 p = _mm256_loadu_ps(param + i), old = _mm256_loadu_ps(m + i);
		__m256 g = _mm256_add_ps(
			_mm256_mul_ps(_mm256_loadu_ps(gradient + i), scale), _mm256_mul_ps(l2, p));
		__m256 first = _mm256_add_ps(old, _mm256_mul_ps(one_beta1, _mm256_sub_ps(g, old)));
		__m256 second = _mm256_add_ps(_mm256_mul_ps(beta2, _mm256_loadu_ps(v + i)),
			_mm256_mul_ps(one_beta2, _mm256_mul_ps(g, g)));
		__m256 below = _mm256_add_ps(_mm256_mul_ps(_mm256_sqrt_ps(second), root), eps);
		_mm256_storeu_ps(m + i, first);
		_mm256_storeu_ps(v + i, second);
		_mm256_storeu_ps(
			param + i, _mm256_sub_ps(_mm256_mul_ps(keep, p),
					   _mm256_mul_ps(rate, _mm256_div_ps(first, below))));
	}
	step_portable(s, n - i, param + i, gradient + i, m + i, v + i);
}

__attribute__((target("avx512f"))) static void step_avx512(const core_adam_scalars *s, int64_t n,
	float *param, const float *gradient, float *m, float *v)
{
	const __m512 scale = _mm512_set1_ps(s->scale), l2 = _mm512_set1_ps(s->l2);
	const __m512 keep = _mm512_set1_ps(s->keep), one_beta1 = _mm512_set1_ps(s->one_beta1);
	const __m512 beta2 = _mm512_set1_ps(s->beta2), one_beta2 = _mm512_set1_ps(s->one_beta2);
	const __m512 rate = _mm512_set1_ps(s->rate), root = _mm512_set1_ps(s->root);
	const __m512 eps = _mm512_set1_ps(s->eps);
	int64_t i = 0;
	for (; i + 16 <= n; i += 16) {
		__m512 p = _mm512_loadu_ps(param + i), old = _mm512_loadu_ps(m + i);
		__m512 g = _mm512_add_ps(
			_mm512_mul_ps(_mm512_loadu_ps(gradient + i), scale), _mm512_mul_ps(l2, p));
		__m512 first = _mm512_add_ps(old, _mm512_mul_ps(one_beta1, _mm512_sub_ps(g, old)));
		__m512 second = _mm512_add_ps(_mm512_mul_ps(beta2, _mm512_loadu_ps(v + i)),
			_mm512_mul_ps(one_beta2, _mm512_mul_ps(g, g)));
		__m512 below = _mm512_add_ps(_mm512_mul_ps(_mm512_sqrt_ps(second), root), eps);
		_mm512_storeu_ps(m + i, first);
		_mm512_storeu_ps(v + i, second);
		_mm512_storeu_ps(
			param + i, _mm512_sub_ps(_mm512_mul_ps(keep, p),
					   _mm512_mul_ps(rate, _mm512_div_ps(first, below))));
	}
	step_portable(s, n - i, param + i, gradient + i, m + i, v + i);
}
#endif

/* Sixteen running sums, so that any vector length gives the same bits, added up at the end. The
 * square of a float32 is exact in double. */
static inline __attribute__((always_inline)) double sum_squares(const float *x, int64_t n)
{
	enum { LANES = 16 };
	double sum[LANES] = {0};
	int64_t i = 0;
	for (; i + LANES <= n; i += LANES)
		for (int j = 0; j < LANES; j++)
			sum[j] += (double)x[i + j] * (double)x[i + j];
	for (int j = 0; i < n; i++, j++)
		sum[j] += (double)x[i] * (double)x[i];
	for (int half = LANES / 2; half > 0; half /= 2)
		for (int j = 0; j < half; j++)
			sum[j] += sum[j + half];
	return sum[0];
}

static double squares_portable(const float *x, int64_t n)
{
	return sum_squares(x, n);
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) static double squares_avx2(const float *x, int64_t n)
{
	return sum_squares(x, n);
}

__attribute__((target("avx512f"))) static double squares_avx512(const float *x, int64_t n)
{
	return sum_squares(x, n);
}
#endif

size_t core_adam_paths(core_adam_path out[3])
{
	size_t n = 0;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f"))
		out[n++] = (core_adam_path){"avx512", step_avx512, squares_avx512};
	if (__builtin_cpu_supports("avx2"))
		out[n++] = (core_adam_path){"avx2", step_avx2, squares_avx2};
#endif
	out[n++] = (core_adam_path){"portable", step_portable, squares_portable};
	return n;
}

void core_adam_step(const core_adam *adam, int64_t step, double scale, int64_t n, float *param,
	const float *gradient, float *m, float *v)
{
	core_adam_path path[3];
	core_adam_paths(path);
	core_adam_scalars scalars = core_adam_prepare(adam, step, scale);
	path[0].step(&scalars, n, param, gradient, m, v);
}

double core_norm(const float *x, int64_t n)
{
	core_adam_path path[3];
	core_adam_paths(path);
	return sqrt(path[0].squares(x, n));
}

double core_clip_scale(double norm, double clip)
{
	double scale = clip > 0 ? clip / (norm + 1e-6) : 1;
	return scale < 1 ? scale : 1;
}
