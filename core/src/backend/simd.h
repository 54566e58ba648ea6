/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors of float32 for one instruction set. The including file defines SIMD_LANES first: 16 for
 * AVX-512, 8 for AVX2 with FMA (and is compiled for that set), 4 for every machine. Unless noted, a
 * function works lane by lane and gives the same result in all sets, except v_fma, which rounds
 * twice with 4 lanes. */
#ifndef CORE_BACKEND_SIMD_H
#define CORE_BACKEND_SIMD_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if SIMD_LANES > 4
#include <immintrin.h>
#endif

#define SIMD_INLINE static inline __attribute__((always_inline, unused))

typedef float simd_v __attribute__((vector_size(4 * SIMD_LANES)));
typedef int32_t simd_i __attribute__((vector_size(4 * SIMD_LANES)));
typedef uint32_t simd_u __attribute__((vector_size(4 * SIMD_LANES)));
/* in memory, at any address */
typedef float simd_any __attribute__((vector_size(4 * SIMD_LANES), aligned(4), may_alias));
/* half the lanes, as double */
typedef double simd_d __attribute__((vector_size(4 * SIMD_LANES)));
typedef float simd_half __attribute__((vector_size(2 * SIMD_LANES), aligned(4), may_alias));

SIMD_INLINE simd_v v_set(float x)
{
	return x - (simd_v){0};
}

SIMD_INLINE simd_v v_load(const float *p)
{
	return *(const simd_any *)p;
}

SIMD_INLINE void v_store(float *p, simd_v v)
{
	*(simd_any *)p = v;
}

SIMD_INLINE simd_v v_fma(simd_v a, simd_v b, simd_v c)
{
#if SIMD_LANES == 16
	return (simd_v)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif SIMD_LANES == 8
	return (simd_v)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
	return a * b + c;
#endif
}

/* The square root of each lane, rounded as by sqrtf */
SIMD_INLINE simd_v v_sqrt(simd_v a)
{
#if SIMD_LANES == 16
	return (simd_v)_mm512_sqrt_ps((__m512)a);
#elif SIMD_LANES == 8
	return (simd_v)_mm256_sqrt_ps((__m256)a);
#else
	for (int i = 0; i < SIMD_LANES; i++)
		a[i] = sqrtf(a[i]);
	return a;
#endif
}

/* a in the lanes where `mask` is set, b elsewhere */
SIMD_INLINE simd_v v_choose(simd_i mask, simd_v a, simd_v b)
{
	return (simd_v)(((simd_i)a & mask) | ((simd_i)b & ~mask));
}

/* a > b ? a : b, which gives b when either is NaN */
SIMD_INLINE simd_v v_max(simd_v a, simd_v b)
{
#if SIMD_LANES == 16
	return (simd_v)_mm512_max_ps((__m512)a, (__m512)b);
#elif SIMD_LANES == 8
	return (simd_v)_mm256_max_ps((__m256)a, (__m256)b);
#else
	return v_choose(a > b, a, b);
#endif
}

/* a < b ? a : b */
SIMD_INLINE simd_v v_min(simd_v a, simd_v b)
{
	return -v_max(-a, -b);
}

SIMD_INLINE simd_v v_abs(simd_v a)
{
	return (simd_v)((simd_i)a & 0x7fffffff);
}

/* True when any lane of a comparison is true */
SIMD_INLINE bool i_any(simd_i mask)
{
#if SIMD_LANES == 16
	return _mm512_test_epi32_mask((__m512i)mask, (__m512i)mask) != 0;
#elif SIMD_LANES == 8
	return _mm256_movemask_ps((__m256)mask) != 0;
#else
	return (mask[0] | mask[1] | mask[2] | mask[3]) != 0;
#endif
}

/* Loads or stores only the first n < SIMD_LANES lanes; the others load as 0. */
SIMD_INLINE simd_v v_load_some(const float *p, int64_t n)
{
#if SIMD_LANES == 16
	return (simd_v)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#else
	simd_v v = {0};
	memcpy(&v, p, (size_t)n * sizeof *p);
	return v;
#endif
}

SIMD_INLINE void v_store_some(float *p, simd_v v, int64_t n)
{
#if SIMD_LANES == 16
	_mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#else
	memcpy(p, &v, (size_t)n * sizeof *p);
#endif
}

/* Loads or stores the first n lanes, or all if n >= SIMD_LANES. */
SIMD_INLINE simd_v v_load_first(const float *p, int64_t n)
{
	return n < SIMD_LANES ? v_load_some(p, n) : v_load(p);
}

SIMD_INLINE void v_store_first(float *p, simd_v v, int64_t n)
{
	if (n < SIMD_LANES)
		v_store_some(p, v, n);
	else
		v_store(p, v);
}

#if SIMD_LANES > 4
SIMD_INLINE float sum_eight(__m256 v)
{
	__m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
	__m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
	return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}
#endif

/* The sum of all lanes, by repeated halving; four lanes by pairs of neighbours */
SIMD_INLINE float v_sum(simd_v v)
{
#if SIMD_LANES == 16
	return sum_eight(_mm256_add_ps(
		_mm512_castps512_ps256((__m512)v), _mm512_extractf32x8_ps((__m512)v, 1)));
#elif SIMD_LANES == 8
	return sum_eight((__m256)v);
#else
	return (v[0] + v[1]) + (v[2] + v[3]);
#endif
}

SIMD_INLINE double d_sum(simd_d v)
{
	double sum = 0;
	for (int i = 0; i < SIMD_LANES / 2; i++)
		sum += v[i];
	return sum;
}

/* The largest lane, ignoring NaN */
SIMD_INLINE float v_largest(simd_v v)
{
	float most = -INFINITY;
	for (int i = 0; i < SIMD_LANES; i++)
		most = v[i] > most ? v[i] : most;
	return most;
}

/* e^x for x <= 0 with relative error 3e-7, 0 below -87, NaN for NaN. Computed as 2^n e^r: 2^n is
 * set in the exponent bits, e^r on |r| <= log(2) / 2 is a polynomial. */
SIMD_INLINE simd_v v_exp(simd_v x)
{
	const float whole = 12582912; /* 1.5 * 2^23: adding it rounds to a whole number */
	simd_v t = v_fma(x, v_set(1.44269504f), v_set(whole)), n = t - whole;
	simd_v r = v_fma(n, v_set(-0.693359375f), x);
	r = v_fma(n, v_set(2.12194440e-4f), r);
	simd_v p = v_set(1.38888889e-3f);
	p = v_fma(p, r, v_set(8.33333333e-3f));
	p = v_fma(p, r, v_set(4.16666667e-2f));
	p = v_fma(p, r, v_set(1.66666667e-1f));
	p = v_fma(p, r, v_set(0.5f));
	p = v_fma(p * r, r, r) + 1;
	simd_i y = (simd_i)p + ((simd_i)t << 23), lost = x < -87;
	simd_i nan = x != x; /* NOLINT(misc-redundant-expression): only a NaN differs from itself */
	return (simd_v)((y & ~lost & ~nan) | ((simd_i)x & nan));
}

/* 1 / x for x in [1, 2^120], with relative error 2e-7; 4 lanes divide. The others negate the
 * exponent by subtracting bits, which has an error of 1/8, and take three steps of Newton's method. They
 * do not use the processor's estimate, because its bits depend on the manufacturer. */
SIMD_INLINE simd_v v_reciprocal(simd_v x)
{
#if SIMD_LANES > 4
	simd_v y = (simd_v)(0x7ef311c7 - (simd_i)x);
	for (int step = 0; step < 3; step++)
		y = v_fma(y, v_fma(-x, y, v_set(1)), y);
	return y;
#else
	return 1 / x;
#endif
}

/* log x for finite x >= 1, with relative error 2e-7: log(2^n m) for m within a factor sqrt(2) of 1, whose
 * logarithm is a polynomial in f = m - 1 (least squares, error below 2e-8). */
SIMD_INLINE simd_v v_log(simd_v x)
{
	const int32_t root_half = 0x3f3504f3; /* the bits of sqrt(1/2) */
	simd_i n = ((simd_i)x - root_half) >> 23;
	simd_v f = (simd_v)((simd_i)x - (n << 23)) - 1;
	simd_v p = v_set(0.0865427523f);
	p = v_fma(p, f, v_set(-0.142544761f));
	p = v_fma(p, f, v_set(0.149258828f));
	p = v_fma(p, f, v_set(-0.165798135f));
	p = v_fma(p, f, v_set(0.199621322f));
	p = v_fma(p, f, v_set(-0.250012445f));
	p = v_fma(p, f, v_set(0.333339373f));
	p = v_fma(p, f, v_set(-0.5f));
	return v_fma(__builtin_convertvector(n, simd_v), v_set(0.693147181f), v_fma(p, f * f, f));
}

/* The upper tail Q(t) of the normal distribution for t in [0,6]. Its fourth root is a polynomial in
 * t/3 - 1 (minimax, weighted so that t Q(t) has an error within 3e-9). */
SIMD_INLINE simd_v v_gelu_tail(simd_v t)
{
	static const float c[] = {-0.0013193096f, -0.000837943376f, 0.00965446489f, -0.00184753117f,
		-0.0376993528f, 0.043041208f, 0.0739247921f, -0.189436703f, 0.00977095241f,
		0.380653197f, -0.471976399f, 0.191679339f};
	simd_v z = v_fma(t, v_set(1.f / 3), v_set(-1));
	simd_v root = v_set(c[0]);
	for (size_t i = 1; i < sizeof c / sizeof *c; i++)
		root = v_fma(root, z, v_set(c[i]));
	root *= root;
	return root * root;
}

/* GELU: x Phi(x) = max(x, 0) - t Q(t) for t = |x|; beyond 6, t Q(t) is below 6e-9. */
SIMD_INLINE simd_v v_gelu(simd_v x)
{
	simd_v t = v_min(v_abs(x), v_set(6));
	return v_fma(-t, v_gelu_tail(t), v_max(v_set(0), x));
}

#endif
