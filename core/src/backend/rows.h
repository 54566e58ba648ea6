/* SPDX-License-Identifier: Apache-2.0 */
/* Row operations for one instruction set (SIMD_LANES, see simd.h): the end of a product, rounding
 * to bfloat16, GELU, layer norm, softmax, moments of columns. */
#ifndef CORE_BACKEND_ROWS_H
#define CORE_BACKEND_ROWS_H

#include "backend/kernels.h"
#include "backend/simd.h"

typedef uint16_t simd_short __attribute__((vector_size(2 * SIMD_LANES), aligned(2), may_alias));

SIMD_INLINE simd_v apply_activation(simd_v v, fv_activation activation)
{
	if (activation == FV_ACTIVATION_RELU)
		return v_max(v_set(0), v);
	return activation == FV_ACTIVATION_GELU ? v_gelu(v) : v;
}

SIMD_INLINE void finish_tile_as(const core_finish *job, bool add, fv_activation activation)
{
	int32_t whole = job->outputs / SIMD_LANES * SIMD_LANES, rest = job->outputs - whole;
	for (int32_t r = 0; r < job->rows; r++) {
		const float *sum = job->sum + r * job->width;
		float *y = job->y + r * job->stride_y;
		for (int32_t j = 0; j < whole; j += SIMD_LANES) {
			simd_v v = v_load(sum + j) + v_load(job->bias + j);
			v_store(y + j, apply_activation(add ? v + v_load(y + j) : v, activation));
		}
		if (!rest)
			continue;
		simd_v v = v_load(sum + whole) + v_load(job->bias + whole);
		v = add ? v + v_load_some(y + whole, rest) : v;
		v_store_some(y + whole, apply_activation(v, activation), rest);
	}
}

static void finish_tile(const core_finish *job)
{
	if (job->activation == FV_ACTIVATION_GELU)
		finish_tile_as(job, job->add, FV_ACTIVATION_GELU);
	else if (job->activation == FV_ACTIVATION_RELU)
		finish_tile_as(job, job->add, FV_ACTIVATION_RELU);
	else if (job->add)
		finish_tile_as(job, true, FV_ACTIVATION_NONE);
	else
		finish_tile_as(job, false, FV_ACTIVATION_NONE);
}

/* Rounds to bfloat16, the upper half of a float's bits: to nearest, ties to even. Valid for numbers
 * in bfloat16's range. */
SIMD_INLINE simd_v round_to_bf16(simd_v v)
{
	simd_u bits = (simd_u)v;
	return (simd_v)((bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u);
}

/* Rounds v to bfloat16 and the remainder to bfloat16 in *rest. Beyond the range, bits are cut off
 * instead, so that the result stays finite, infinite or NaN; the remainder of a number that is not
 * finite is 0. */
SIMD_INLINE simd_v split_bf16(simd_v v, simd_v *rest)
{
	const int32_t size = 0x7fffffff, largest = 0x7f7f8000, infinite = 0x7f800000;
	simd_v near = round_to_bf16(v);
	simd_i sizes = (simd_i)v & size, beyond = sizes >= largest;
	if (!i_any(beyond)) {
		*rest = round_to_bf16(v - near);
		return near;
	}
	simd_i quiet = (sizes > infinite) & 0x00400000;
	simd_i cut = ((simd_i)v & (int32_t)0xffff0000) | quiet;
	near = (simd_v)(((simd_i)near & ~beyond) | (cut & beyond));
	*rest = round_to_bf16((simd_v)((simd_i)(v - near) & ~(sizes >= infinite)));
	return near;
}

static void split_row(const float *x, int64_t n, float *high, float *low)
{
	for (int64_t i = 0; i < n; i += SIMD_LANES) {
		simd_v rest, near = split_bf16(v_load_first(x + i, n - i), &rest);
		v_store_first(high + i, near, n - i);
		if (low)
			v_store_first(low + i, rest, n - i);
	}
}

SIMD_INLINE void store_as_bf16(uint16_t *p, simd_v v, int64_t n)
{
	typedef uint16_t halves __attribute__((vector_size(2 * SIMD_LANES)));
	halves h = __builtin_convertvector((simd_u)v >> 16, halves);
	if (n < SIMD_LANES)
		memcpy(p, &h, (size_t)n * sizeof *p);
	else
		*(simd_short *)p = h;
}

static void pack_row(const float *x, int64_t n, uint16_t *high, uint16_t *low)
{
	for (int64_t i = 0; i < n; i += SIMD_LANES) {
		simd_v rest, near = split_bf16(v_load_first(x + i, n - i), &rest);
		store_as_bf16(high + i, near, n - i);
		if (low)
			store_as_bf16(low + i, rest, n - i);
	}
}

static void apply_gelu(const float *x, float *y, int64_t n)
{
	int64_t i = 0;
	for (; i + SIMD_LANES <= n; i += SIMD_LANES)
		v_store(y + i, v_gelu(v_load(x + i)));
	if (i < n)
		v_store_some(y + i, v_gelu(v_load_some(x + i, n - i)), n - i);
}

enum { HALF = SIMD_LANES / 2 };

SIMD_INLINE simd_d load_wide(const float *x)
{
	return __builtin_convertvector(*(const simd_half *)x, simd_d);
}

/* Sums in double: first vectors of half the lanes, then the remaining numbers. */
static double sum_row(const float *x, int64_t n)
{
	simd_d sum = {0};
	double rest = 0;
	int64_t i = 0;
	for (; i + HALF <= n; i += HALF)
		sum += load_wide(x + i);
	for (; i < n; i++)
		rest += (double)x[i];
	return d_sum(sum) + rest;
}

static double sum_squares_about(const float *x, int64_t n, double mean)
{
	simd_d sum = {0};
	double rest = 0;
	int64_t i = 0;
	for (; i + HALF <= n; i += HALF) {
		simd_d d = load_wide(x + i) - mean;
		sum += d * d;
	}
	for (; i < n; i++)
		rest += ((double)x[i] - mean) * ((double)x[i] - mean);
	return d_sum(sum) + rest;
}

static void apply_layer_norm(const float *x, int64_t rows, int64_t width, const float *scale,
	const float *offset, float eps, float *y)
{
	typedef float half __attribute__((vector_size(2 * SIMD_LANES)));
	for (int64_t r = 0; r < rows; r++, x += width, y += width) {
		double mean = sum_row(x, width) / (double)width;
		double variance = sum_squares_about(x, width, mean) / (double)width;
		double factor = 1 / sqrt(variance + (double)eps);
		int64_t i = 0;
		for (; i + HALF <= width; i += HALF) {
			half z = __builtin_convertvector((load_wide(x + i) - mean) * factor, half);
			if (scale)
				z = z * *(const simd_half *)(scale + i) +
				    *(const simd_half *)(offset + i);
			*(simd_half *)(y + i) = z;
		}
		for (; i < width; i++) {
			float z = (float)(((double)x[i] - mean) * factor);
			y[i] = scale ? z * scale[i] + offset[i] : z;
		}
	}
}

/* Loads the last n < SIMD_LANES numbers of a row, padded with -inf, which adds nothing to a
 * softmax. */
SIMD_INLINE simd_v load_last(const float *x, int64_t n)
{
	float end[SIMD_LANES];
	for (int64_t i = 0; i < SIMD_LANES; i++)
		end[i] = i < n ? x[i] : -INFINITY;
	return v_load(end);
}

static void softmax_row(float *x, int64_t n)
{
	simd_v most = v_set(-INFINITY);
	int64_t i = 0, whole = n / SIMD_LANES * SIMD_LANES;
	for (; i < whole; i += SIMD_LANES)
		most = v_max(v_load(x + i), most);
	if (i < n)
		most = v_max(load_last(x + i, n - i), most);
	simd_v largest = v_set(v_largest(most));
	for (i = 0; i < whole; i += SIMD_LANES)
		v_store(x + i, v_exp(v_load(x + i) - largest));
	if (i < n)
		v_store_some(x + i, v_exp(load_last(x + i, n - i) - largest), n - i);
	float factor = (float)(1 / sum_row(x, n));
	for (i = 0; i < whole; i += SIMD_LANES)
		v_store(x + i, v_load(x + i) * factor);
	for (; i < n; i++)
		x[i] *= factor;
}

static void apply_softmax(float *x, int64_t rows, int64_t width, int64_t stride)
{
	for (int64_t r = 0; r < rows; r++)
		softmax_row(x + r * stride, width);
}

enum { MOMENT_COLUMNS = 256, MOMENT_ROWS = 16 }; /* processed at once */

/* Adds n columns of at most MOMENT_ROWS rows to the three parts of `sums`, which are `width`
 * apart. */
static void add_moments(const float *x, const float *logit, int64_t rows, int64_t n, int64_t stride,
	const float *centre, const float *peak, double *sums, int64_t width)
{
	float below[MOMENT_COLUMNS] = {0}, w[MOMENT_COLUMNS], sum[3][MOMENT_COLUMNS] = {{0}};
	for (int64_t c = 0; c < n; c++)
		w[c] = 1;
	for (int64_t r = 0; r < rows; r++, x += stride) {
		for (int64_t c = 0; c < n && logit; c++)
			below[c] = logit[r * stride + c] - peak[c];
		for (int64_t c = 0; c < n && logit; c += SIMD_LANES)
			v_store(w + c, v_exp(v_load(below + c)));
		for (int64_t c = 0; c < n; c++) {
			float d = x[c] - centre[c], product = w[c] * d;
			sum[0][c] += w[c];
			sum[1][c] += product;
			sum[2][c] += product * d;
		}
	}
	for (int64_t k = 0; k < 3; k++)
		for (int64_t c = 0; c < n; c++)
			sums[k * width + c] += (double)sum[k][c];
}

static void compute_column_moments(const float *x, const float *logit, int64_t rows, int64_t width,
	int64_t stride, const float *centre, const float *peak, double *sums)
{
	for (int64_t i = 0; i < 3 * width; i++)
		sums[i] = 0;
	for (int64_t r = 0; r < rows; r += MOMENT_ROWS)
		for (int64_t c = 0; c < width; c += MOMENT_COLUMNS)
			add_moments(x + r * stride + c, logit ? logit + r * stride + c : NULL,
				rows - r < MOMENT_ROWS ? rows - r : MOMENT_ROWS,
				width - c < MOMENT_COLUMNS ? width - c : MOMENT_COLUMNS, stride,
				centre + c, peak ? peak + c : NULL, sums + c, width);
}

#endif
