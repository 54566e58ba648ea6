/* SPDX-License-Identifier: Apache-2.0 */
/* The arithmetic of a head whose two linear layers are replaced by their product M = W2 W1 [C,D],
 * for one instruction set (SIMD_LANES, see simd.h). Three passes read each large array once. Sums
 * are split into as many parts as a vector has lanes, so that instruction sets differ in rounding.
 *
 * As z_i = sum_l s_l (x_il . M) + const, the products of the layers with M give the logits and also
 * the gradient of the mix, ds_l = sum_i dz_i . (x_il M), without reading the features again.
 *
 * Classes are processed CLASS_BLOCK at a time. `classes` and `rows` of the inlined functions are
 * constants, so that their loops are unrolled and sums stay in registers. */
#ifndef CORE_BACKEND_COLLAPSE_KERNELS_H
#define CORE_BACKEND_COLLAPSE_KERNELS_H

#include <string.h>

#include "backend/kernels.h"
#include "backend/simd.h"

/* Layers, rows of W1 for both gradients, rows of W1 for that of W2 alone and vectors of the product that are
 * processed at once: as many as there are registers. keep(v) stops compilers from reading v from memory again at its next
 * use. */
#if SIMD_LANES == 16
enum { LAYER_ROWS = 3, WEIGHT_ROWS = 2, OUTPUT_ROWS = 4, PRODUCT_VECTORS = 4 };
#define keep(v) __asm__("" : "+v"(v))
#elif SIMD_LANES == 8
enum { LAYER_ROWS = 2, WEIGHT_ROWS = 1, OUTPUT_ROWS = 2, PRODUCT_VECTORS = 2 };
#define keep(v) __asm__("" : "+x"(v))
#else
enum { LAYER_ROWS = 1, WEIGHT_ROWS = 1, OUTPUT_ROWS = 1, PRODUCT_VECTORS = 1 };
#define keep(v) (void)(v)
#endif

/* PRODUCT_AHEAD: rows of W1 that are fetched before they are needed */
enum { CLASS_BLOCK = 6, PRODUCT_AHEAD = 16 };

/* Executes a statement with K, a constant, as the number of classes in this block. */
#define SWITCH(left, ...)                                                                          \
	switch ((left) < CLASS_BLOCK ? (left) : CLASS_BLOCK) {                                     \
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

SIMD_INLINE void dot_layers(int rows, int classes, int64_t dims, const float *x, const float *next,
	const float *product, const float *share, float *dots, int64_t stride, float *mixed)
{
	simd_v sum[LAYER_ROWS][CLASS_BLOCK], s[LAYER_ROWS];
	float rest[LAYER_ROWS][CLASS_BLOCK] = {{0}};
	int64_t j = 0;
	for (int r = 0; r < rows; r++) {
		s[r] = v_set(share[r]);
		for (int c = 0; c < classes; c++)
			sum[r][c] = (simd_v){0};
	}
	for (; j + SIMD_LANES <= dims; j += SIMD_LANES) {
		simd_v a[LAYER_ROWS];
		for (int r = 0; r < rows; r++) {
			a[r] = v_load(x + r * dims + j);
			__builtin_prefetch(next + r * dims + j, 0, 2);
		}
		if (mixed) {
			simd_v h = v_load(mixed + j);
			for (int r = 0; r < rows; r++)
				h = v_fma(s[r], a[r], h);
			v_store(mixed + j, h);
		}
		for (int c = 0; c < classes; c++) {
			simd_v m = v_load(product + c * dims + j);
			keep(m);
			for (int r = 0; r < rows; r++)
				sum[r][c] = v_fma(a[r], m, sum[r][c]);
		}
	}
	for (; j < dims; j++)
		for (int r = 0; r < rows; r++) {
			float a = x[r * dims + j];
			if (mixed)
				mixed[j] += share[r] * a;
			for (int c = 0; c < classes; c++)
				rest[r][c] += a * product[c * dims + j];
		}
	for (int r = 0; r < rows; r++)
		for (int c = 0; c < classes; c++)
			dots[r * stride + c] = v_sum(sum[r][c]) + rest[r][c];
}

SIMD_INLINE void dot_row(int classes, int64_t layers, int64_t dims, const float *x,
	const float *next, const float *product, const float *share, float *dots, int64_t stride,
	float *mixed)
{
	int64_t l = 0;
	for (; l + LAYER_ROWS <= layers; l += LAYER_ROWS)
		dot_layers(LAYER_ROWS, classes, dims, x + l * dims, next + l * dims, product,
			share + l, dots + l * stride, stride, mixed);
	for (; l < layers; l++)
		dot_layers(1, classes, dims, x + l * dims, next + l * dims, product, share + l,
			dots + l * stride, stride, mixed);
}

static void collapse_row(int32_t classes, int32_t layers, int32_t dims, const float *x,
	const float *next, const float *product, const float *share, float *dots, float *mixed)
{
	memset(mixed, 0, (size_t)dims * sizeof *mixed);
	for (int32_t c = 0; c < classes; c += CLASS_BLOCK) {
		const float *m = product + (int64_t)c * dims;
		float *to = c ? NULL : mixed;
		SWITCH(classes - c,
			dot_row(K, layers, dims, x, next, m, share, dots + c, classes, to))
	}
}

SIMD_INLINE void differentiate_weights(int rows, int classes, int64_t dims, const float *output,
	int64_t stride, const float *weight, const float *outer, int more, float *d_weight,
	float *d_output)
{
	simd_v sum[WEIGHT_ROWS][CLASS_BLOCK], w[WEIGHT_ROWS][CLASS_BLOCK];
	float rest[WEIGHT_ROWS][CLASS_BLOCK] = {{0}};
	int64_t j = 0;
	for (int r = 0; r < rows; r++)
		for (int c = 0; c < classes; c++) {
			w[r][c] = v_set(output[c * stride + r]);
			sum[r][c] = (simd_v){0};
		}
	for (; j + SIMD_LANES <= dims; j += SIMD_LANES) {
		simd_v a[WEIGHT_ROWS], d[WEIGHT_ROWS];
		for (int r = 0; r < rows; r++) {
			a[r] = v_load(weight + r * dims + j);
			d[r] = more ? v_load(d_weight + r * dims + j) : (simd_v){0};
		}
		for (int c = 0; c < classes; c++) {
			simd_v g = v_load(outer + c * dims + j);
			keep(g);
			for (int r = 0; r < rows; r++) {
				sum[r][c] = v_fma(a[r], g, sum[r][c]);
				d[r] = v_fma(w[r][c], g, d[r]);
			}
		}
		for (int r = 0; r < rows; r++)
			v_store(d_weight + r * dims + j, d[r]);
	}
	for (; j < dims; j++)
		for (int r = 0; r < rows; r++) {
			float d = more ? d_weight[r * dims + j] : 0;
			for (int c = 0; c < classes; c++) {
				rest[r][c] += weight[r * dims + j] * outer[c * dims + j];
				d += output[c * stride + r] * outer[c * dims + j];
			}
			d_weight[r * dims + j] = d;
		}
	for (int r = 0; r < rows; r++)
		for (int c = 0; c < classes; c++)
			d_output[c * stride + r] += v_sum(sum[r][c]) + rest[r][c];
}

static void collapse_gradient(int32_t classes, int32_t projection, int32_t dims,
	const float *output, const float *weight, const float *outer, bool more, float *d_weight,
	float *d_output)
{
	for (int32_t c = 0; c < classes; c += CLASS_BLOCK) {
		const float *out = output + (int64_t)c * projection, *g = outer + (int64_t)c * dims;
		float *d_out = d_output + (int64_t)c * projection;
		int32_t h = 0;
		for (; h + WEIGHT_ROWS <= projection; h += WEIGHT_ROWS)
			SWITCH(classes - c,
				differentiate_weights(WEIGHT_ROWS, K, dims, out + h, projection,
					weight + (int64_t)h * dims, g, more || c > 0,
					d_weight + (int64_t)h * dims, d_out + h))
		for (; h < projection; h++)
			SWITCH(classes - c, differentiate_weights(1, K, dims, out + h, projection,
						    weight + (int64_t)h * dims, g, more || c > 0,
						    d_weight + (int64_t)h * dims, d_out + h))
	}
}

SIMD_INLINE void dot_weights(int rows, int classes, int64_t dims, const float *weight,
	const float *outer, int64_t stride, float *d_output)
{
	simd_v sum[OUTPUT_ROWS][CLASS_BLOCK] = {{{0}}};
	float rest[OUTPUT_ROWS][CLASS_BLOCK] = {{0}};
	int64_t j = 0;
	for (; j + SIMD_LANES <= dims; j += SIMD_LANES) {
		simd_v a[OUTPUT_ROWS];
		for (int r = 0; r < rows; r++)
			a[r] = v_load(weight + r * dims + j);
		for (int c = 0; c < classes; c++) {
			simd_v g = v_load(outer + c * dims + j);
			keep(g);
			for (int r = 0; r < rows; r++)
				sum[r][c] = v_fma(a[r], g, sum[r][c]);
		}
	}
	for (; j < dims; j++)
		for (int r = 0; r < rows; r++)
			for (int c = 0; c < classes; c++)
				rest[r][c] += weight[r * dims + j] * outer[c * dims + j];
	for (int r = 0; r < rows; r++)
		for (int c = 0; c < classes; c++)
			d_output[c * stride + r] += v_sum(sum[r][c]) + rest[r][c];
}

static void collapse_output_gradient(int32_t classes, int32_t projection, int32_t dims,
	const float *weight, const float *outer, float *d_output)
{
	for (int32_t c = 0; c < classes; c += CLASS_BLOCK) {
		const float *g = outer + (int64_t)c * dims;
		float *d_out = d_output + (int64_t)c * projection;
		int32_t h = 0;
		for (; h + OUTPUT_ROWS <= projection; h += OUTPUT_ROWS)
			SWITCH(classes - c,
				dot_weights(OUTPUT_ROWS, K, dims, weight + (int64_t)h * dims, g,
					projection, d_out + h))
		for (; h < projection; h++)
			SWITCH(classes - c, dot_weights(1, K, dims, weight + (int64_t)h * dims, g,
						    projection, d_out + h))
	}
}

/* Columns [at, at + vectors * SIMD_LANES) of the product, whose sums stay in registers */
SIMD_INLINE void multiply_columns(int vectors, int classes, int64_t projection, int64_t dims,
	int64_t at, const float *output, const float *weight, float *product)
{
	simd_v sum[CLASS_BLOCK][PRODUCT_VECTORS] = {{{0}}};
	for (int64_t h = 0; h < projection; h++) {
		simd_v a[PRODUCT_VECTORS];
		const float *row = weight + h * dims + at;
		for (int v = 0; v < vectors; v++)
			a[v] = v_load(row + v * SIMD_LANES);
		for (int v = 0; v < vectors * SIMD_LANES; v += 16)
			__builtin_prefetch(row + PRODUCT_AHEAD * dims + v);
		for (int c = 0; c < classes; c++) {
			simd_v w = v_set(output[c * projection + h]);
			for (int v = 0; v < vectors; v++)
				sum[c][v] = v_fma(w, a[v], sum[c][v]);
		}
	}
	for (int c = 0; c < classes; c++)
		for (int v = 0; v < vectors; v++)
			v_store(product + c * dims + at + v * SIMD_LANES, sum[c][v]);
}

SIMD_INLINE void multiply_block(int classes, int64_t projection, int64_t dims, const float *output,
	const float *weight, float *product)
{
	int64_t at = 0;
	for (; at + PRODUCT_VECTORS * SIMD_LANES <= dims; at += PRODUCT_VECTORS * SIMD_LANES)
		multiply_columns(
			PRODUCT_VECTORS, classes, projection, dims, at, output, weight, product);
	for (; at + SIMD_LANES <= dims; at += SIMD_LANES)
		multiply_columns(1, classes, projection, dims, at, output, weight, product);
	for (; at < dims; at++)
		for (int c = 0; c < classes; c++) {
			float sum = 0;
			for (int64_t h = 0; h < projection; h++)
				sum += output[c * projection + h] * weight[h * dims + at];
			product[c * dims + at] = sum;
		}
}

static void collapse_product(int32_t classes, int32_t projection, int32_t dims, const float *output,
	const float *weight, float *product)
{
	for (int32_t c = 0; c < classes; c += CLASS_BLOCK)
		SWITCH(classes - c,
			multiply_block(K, projection, dims, output + (int64_t)c * projection,
				weight, product + (int64_t)c * dims))
}

#undef keep
#undef SWITCH
#undef ONE

#endif
