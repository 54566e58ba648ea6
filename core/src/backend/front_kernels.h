/* SPDX-License-Identifier: Apache-2.0 */
/* The first convolution over a wave, for one instruction set (SIMD_LANES, see simd.h). Products and sums are
 * rounded separately and added tap by tap, so that all sets give the same bits. */
#ifndef CORE_BACKEND_FRONT_KERNELS_H
#define CORE_BACKEND_FRONT_KERNELS_H

#include "backend/kernels.h"
#include "backend/simd.h"

enum { WAVE_ROWS = 4, WAVE_VECTORS = 2 };

/* `rows` outputs of the channels [c, c + vectors * lanes), summed in registers */
SIMD_INLINE void convolve_wave_tile(
	int rows, int vectors, const core_first_rows *o, int64_t c, const float *x, float *y)
{
	simd_v sum[WAVE_ROWS][WAVE_VECTORS];
	for (int r = 0; r < rows; r++)
		for (int v = 0; v < vectors; v++)
			sum[r][v] = v_load(o->offset + c + v * SIMD_LANES);
	for (int64_t k = 0; k < o->taps; k++) {
		const float *w = o->weight + k * o->channels + c;
		for (int r = 0; r < rows; r++)
			for (int v = 0; v < vectors; v++)
				sum[r][v] += v_load(w + v * SIMD_LANES) * x[r * o->step + k];
	}
	for (int r = 0; r < rows; r++)
		for (int v = 0; v < vectors; v++)
			v_store(y + r * o->channels + c + v * SIMD_LANES, sum[r][v]);
}

SIMD_INLINE void convolve_wave_channels(
	int rows, const core_first_rows *o, const float *x, float *y)
{
	int64_t c = 0;
	for (; c + WAVE_VECTORS * SIMD_LANES <= o->channels; c += WAVE_VECTORS * SIMD_LANES)
		convolve_wave_tile(rows, WAVE_VECTORS, o, c, x, y);
	for (; c + SIMD_LANES <= o->channels; c += SIMD_LANES)
		convolve_wave_tile(rows, 1, o, c, x, y);
	for (; c < o->channels; c++)
		for (int r = 0; r < rows; r++) {
			float sum = o->offset[c];
			for (int64_t k = 0; k < o->taps; k++)
				sum += o->weight[k * o->channels + c] * x[r * o->step + k];
			y[r * o->channels + c] = sum;
		}
}

static void convolve_wave_rows(const core_first_rows *o)
{
	int64_t r = 0;
	for (; r + WAVE_ROWS <= o->rows; r += WAVE_ROWS)
		convolve_wave_channels(WAVE_ROWS, o, o->x + r * o->step, o->y + r * o->channels);
	for (; r < o->rows; r++)
		convolve_wave_channels(1, o, o->x + r * o->step, o->y + r * o->channels);
}

#endif
