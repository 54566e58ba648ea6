/* SPDX-License-Identifier: Apache-2.0 */
#include "dsp/sinc.h"

#include <math.h>

#include <fairvox/dsp.h>

#define PHASES 8
#define TAPS (2 * CORE_SINC_HALF)

struct core_sinc {
	float tap[PHASES][TAPS]; /* phase p interpolates at p/PHASES after the middle sample */
};

const core_sinc *core_sinc_open(fv_ctx *ctx)
{
	core_sinc *sinc = fv_alloc(ctx, sizeof *sinc);
	for (int p = 0; sinc && p < PHASES; p++) {
		for (int i = 0; i < TAPS; i++) {
			double x = (double)p / PHASES - (i - CORE_SINC_HALF + 1);
			double taper = 0.5 + 0.5 * cos(M_PI * x / (CORE_SINC_HALF + 0.5));
			double value = x == 0 ? 1 : sin(M_PI * x) / (M_PI * x);
			sinc->tap[p][i] = (float)(value * taper);
		}
	}
	return sinc;
}

/* Interpolates y at `at` + step / PHASES, with step from -PHASES to PHASES. */
static float interpolate_at(const core_sinc *sinc, const float *y, int32_t at, int32_t step)
{
	int32_t whole = at + (step < 0 ? -1 : step / PHASES);
	const float *tap = sinc->tap[(step + PHASES) % PHASES];
	return fv_dot(tap, y + whole - CORE_SINC_HALF + 1, TAPS);
}

/* Position of the vertex of a parabola through three equidistant values, relative to the middle
 * one. */
static float find_vertex(float left, float middle, float right, float *height)
{
	float bend = left - 2 * middle + right, slope = right - left;
	float at = bend < 0 ? -0.5f * slope / bend : 0;
	*height = middle + 0.25f * slope * at;
	return at;
}

float core_sinc_peak(const core_sinc *sinc, const float *y, int32_t at, float *height)
{
	float rough = find_vertex(y[at - 1], y[at], y[at + 1], height);
	int32_t step = (int32_t)lrintf(rough * PHASES);
	float middle = interpolate_at(sinc, y, at, step);
	float left = interpolate_at(sinc, y, at, step - 1),
	      right = interpolate_at(sinc, y, at, step + 1);
	while (right > middle && step < PHASES - 1) {
		left = middle, middle = right;
		right = interpolate_at(sinc, y, at, ++step + 1);
	}
	while (left > middle && step > 1 - PHASES) {
		right = middle, middle = left;
		left = interpolate_at(sinc, y, at, --step - 1);
	}
	return (float)at + ((float)step + find_vertex(left, middle, right, height)) / PHASES;
}
