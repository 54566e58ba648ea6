/* SPDX-License-Identifier: Apache-2.0 */
/* Triangular mel bands, stored as the run of bins that each one covers. */
#include <fairvox/dsp.h>

#include <assert.h>
#include <math.h>

struct fv_mel {
	int32_t bands;
	int32_t *first, *count; /* [bands] bins */
	float *weight;          /* runs of all bands, one after the other */
};

static double mel_of(double hz)
{
	return 1127 * log(1 + hz / 700);
}

/* Weight of frequency `hz` in band b of `bands` between mel values low and high; <= 0 outside. */
static double triangle(double hz, int32_t b, double low, double width)
{
	double position = (mel_of(hz) - low) / width - b; /* 1 at the band's centre */
	return position < 1 ? position : 2 - position;
}

fv_mel *fv_mel_open(
	fv_ctx *ctx, int32_t fft_size, double rate_hz, int32_t bands, double low_hz, double high_hz)
{
	assert(fft_size > 0 && bands > 0 && low_hz >= 0 && low_hz < high_hz);
	assert(high_hz <= rate_hz / 2);
	int32_t bins = fft_size / 2 + 1;
	fv_mel *mel = fv_alloc(ctx, sizeof *mel);
	if (!mel)
		return NULL;
	mel->bands = bands;
	mel->first = fv_alloc(ctx, (size_t)bands * sizeof *mel->first);
	mel->count = fv_alloc(ctx, (size_t)bands * sizeof *mel->count);
	mel->weight = fv_alloc(ctx, 2 * (size_t)bins * sizeof *mel->weight); /* two bands a bin */
	if (!mel->first || !mel->count || !mel->weight)
		return NULL;
	double low = mel_of(low_hz), width = (mel_of(high_hz) - low) / (bands + 1);
	float *next = mel->weight;
	for (int32_t b = 0; b < bands; b++) {
		for (int32_t k = 0; k < bins; k++) {
			double weight = triangle(k * rate_hz / fft_size, b, low, width);
			if (weight <= 0)
				continue;
			if (!mel->count[b]++)
				mel->first[b] = k;
			*next++ = (float)weight;
		}
	}
	return mel;
}

void fv_mel_apply(const fv_mel *mel, const float *power, float *out)
{
	const float *weight = mel->weight;
	for (int32_t b = 0; b < mel->bands; b++) {
		out[b] = fv_dot(weight, power + mel->first[b], mel->count[b]);
		weight += mel->count[b];
	}
}
