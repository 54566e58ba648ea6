/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/collapse.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

enum { BLOCK = 6 };

/* The statement with K the number of classes of this block, a constant. */
#define SWITCH(left, ...)                                                                          \
	switch ((left) < BLOCK ? (left) : BLOCK) {                                                 \
		ONE(1, __VA_ARGS__)                                                                \
		ONE(2, __VA_ARGS__)                                                                \
		ONE(3, __VA_ARGS__)                                                                \
		ONE(4, __VA_ARGS__)                                                                \
		ONE(5, __VA_ARGS__)                                                                \
		ONE(6, __VA_ARGS__)                                                                \
	}
#define ONE(k, ...)                                                                                \
	case k: {                                                                                  \
		enum { K = k };                                                                    \
		__VA_ARGS__;                                                                       \
		break;                                                                             \
	}

#if defined(__x86_64__)
#define NAME(f) f##_avx512
#define TARGET __attribute__((target("avx512f")))
#define VEC __m512
#define LANES 16
#define ZERO() _mm512_setzero_ps()
#define SET1(f) _mm512_set1_ps(f)
#define LOAD(p) _mm512_loadu_ps(p)
#define STORE(p, v) _mm512_storeu_ps(p, v)
#define FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define SUM(v) _mm512_reduce_add_ps(v)
#define KEEP(v) __asm__("" : "+v"(v))
#define LAYER_ROWS 3
#define WEIGHT_ROWS 2
#define PRODUCT_ROWS 4
#include "nn/collapse_body.h"

static inline __attribute__((always_inline, target("avx2,fma"))) float sum_avx2(__m256 v)
{
	__m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
	half = _mm_add_ps(half, _mm_movehl_ps(half, half));
	return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

#define NAME(f) f##_avx2
#define TARGET __attribute__((target("avx2,fma")))
#define VEC __m256
#define LANES 8
#define ZERO() _mm256_setzero_ps()
#define SET1(f) _mm256_set1_ps(f)
#define LOAD(p) _mm256_loadu_ps(p)
#define STORE(p, v) _mm256_storeu_ps(p, v)
#define FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define SUM(v) sum_avx2(v)
#define KEEP(v) __asm__("" : "+x"(v))
#define LAYER_ROWS 2
#define WEIGHT_ROWS 1
#define PRODUCT_ROWS 2
#include "nn/collapse_body.h"
#endif

/* Four floats that compilers keep in a register where the machine has such; any alignment of 4. */
typedef float four __attribute__((vector_size(16), aligned(4), may_alias));

#define NAME(f) f##_portable
#define TARGET
#define VEC four
#define LANES 4
#define ZERO() ((four){0})
#define SET1(f) ((four){(f), (f), (f), (f)})
#define LOAD(p) (*(const four *)(const void *)(p))
#define STORE(p, v) (*(four *)(void *)(p) = (v))
#define FMA(a, b, c) ((a) * (b) + (c))
#define SUM(v) (((v)[0] + (v)[1]) + ((v)[2] + (v)[3]))
#define KEEP(v) (void)(v)
#define LAYER_ROWS 1
#define WEIGHT_ROWS 1
#define PRODUCT_ROWS 1
#include "nn/collapse_body.h"

size_t core_collapse_paths(core_collapse out[3])
{
	size_t n = 0;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("avx512f"))
		out[n++] = (core_collapse){"avx512", product_avx512, row_avx512, gradient_avx512};
	if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
		out[n++] = (core_collapse){"avx2", product_avx2, row_avx2, gradient_avx2};
#endif
	out[n++] = (core_collapse){"portable", product_portable, row_portable, gradient_portable};
	return n;
}
