/* SPDX-License-Identifier: Apache-2.0 */
/* Triangular mel bands; each is stored as the run of bins it covers. */
#include <fairvox/dsp.h>

#include <math.h>
#include <stdbool.h>

#include "dsp/stft.h"

struct fv_mel {
	int32_t bands, bins;
	int32_t *first, *count; /* [bands] first bin and number of bins */
	float *weight;          /* weights of all bands, one after the other */
};

/* Weight of frequency `hz` in band b, whose centre is at low + (b + 1) width on the mel scale
 * used; <= 0 outside the band. */
typedef double triangle(double hz, int32_t b, double low, double width);

static fv_mel *alloc_bands(fv_ctx *ctx, int32_t bands, int32_t bins)
{
	fv_mel *mel = fv_alloc(ctx, sizeof *mel);
	if (!mel)
		return NULL;
	mel->bands = bands;
	mel->bins = bins;
	mel->first = fv_alloc(ctx, (size_t)bands * sizeof *mel->first);
	mel->count = fv_alloc(ctx, (size_t)bands * sizeof *mel->count);
	mel->weight = fv_alloc(
		ctx, 2 * (size_t)bins * sizeof *mel->weight); /* at most two bands per bin */
	return mel->first && mel->count && mel->weight ? mel : NULL;
}

/* Appends a weight; bins must come band by band in rising order. */
static void append_weight(fv_mel *mel, int32_t band, int32_t bin, double weight, float **next)
{
	if (weight <= 0)
		return;
	if (!mel->count[band]++)
		mel->first[band] = bin;
	*(*next)++ = (float)weight;
}

/* Returns true if there are such bands. */
static bool check_bands(
	fv_ctx *ctx, int32_t fft_size, double rate_hz, int32_t bands, double low_hz, double high_hz)
{
	if (fft_size < 1 || bands < 1)
		(void)fv_fail(ctx, FV_CONFIG,
			"%d mel bands of frames of %d samples: at least one of each is needed",
			(int)bands, (int)fft_size);
	else if (!(low_hz >= 0 && low_hz < high_hz && high_hz <= rate_hz / 2))
		(void)fv_fail(ctx, FV_CONFIG,
			"mel bands from %g to %g Hz: the first is from 0 up to below the second, "
			"and that at "
			"most half the rate of %g Hz",
			low_hz, high_hz, rate_hz);
	else
		return true;
	return false;
}

static fv_mel *open_bands(fv_ctx *ctx, int32_t fft_size, double rate_hz, int32_t bands, double low,
	double high, triangle *weight)
{
	int32_t bins = fft_size / 2 + 1;
	fv_mel *mel = alloc_bands(ctx, bands, bins);
	if (!mel)
		return NULL;
	double width = (high - low) / (bands + 1);
	float *next = mel->weight;
	for (int32_t b = 0; b < bands; b++)
		for (int32_t k = 0; k < bins; k++)
			append_weight(
				mel, b, k, weight(k * rate_hz / fft_size, b, low, width), &next);
	return mel;
}

/* --- mel scale of the HTK Book --- */

static double mel_from_hz(double hz)
{
	return 1127 * log(1 + hz / 700);
}

static double hz_from_mel(double mel)
{
	return 700 * (exp(mel / 1127) - 1);
}

static double weigh_linear_in_mel(double hz, int32_t b, double low, double width)
{
	double position = (mel_from_hz(hz) - low) / width - b; /* 1 at the centre of the band */
	return position < 1 ? position : 2 - position;
}

fv_mel *fv_mel_open(
	fv_ctx *ctx, int32_t fft_size, double rate_hz, int32_t bands, double low_hz, double high_hz)
{
	if (!check_bands(ctx, fft_size, rate_hz, bands, low_hz, high_hz))
		return NULL;
	return open_bands(ctx, fft_size, rate_hz, bands, mel_from_hz(low_hz), mel_from_hz(high_hz),
		weigh_linear_in_mel);
}

static double weigh_symmetric(double hz, int32_t b, double low, double width)
{
	double below = hz_from_mel(low + b * width), centre = hz_from_mel(low + (b + 1) * width);
	return 1 - fabs(hz - centre) / (centre - below);
}

fv_mel *fv_mel_open_symmetric(
	fv_ctx *ctx, int32_t fft_size, double rate_hz, int32_t bands, double low_hz, double high_hz)
{
	if (!check_bands(ctx, fft_size, rate_hz, bands, low_hz, high_hz))
		return NULL;
	return open_bands(ctx, fft_size, rate_hz, bands, mel_from_hz(low_hz), mel_from_hz(high_hz),
		weigh_symmetric);
}

/* --- mel scale of Slaney --- */

#define LINEAR_HZ (200.0 / 3) /* Hz per mel below 1000 Hz */
#define LINEAR_TOP 15.0       /* mel at 1000 Hz */

static double slaney_from_hz(double hz)
{
	return hz < 1000 ? hz / LINEAR_HZ : LINEAR_TOP + log(hz / 1000) * 27 / log(6.4);
}

static double hz_from_slaney(double mel)
{
	return mel < LINEAR_TOP ? mel * LINEAR_HZ : 1000 * exp((mel - LINEAR_TOP) * log(6.4) / 27);
}

static double weigh_unit_area(double hz, int32_t b, double low, double width)
{
	double below = hz_from_slaney(low + b * width),
	       centre = hz_from_slaney(low + (b + 1) * width),
	       above = hz_from_slaney(low + (b + 2) * width);
	double up = (hz - below) / (centre - below), down = (above - hz) / (above - centre);
	return (up < down ? up : down) * 2 / (above - below);
}

fv_mel *fv_mel_open_slaney(
	fv_ctx *ctx, int32_t fft_size, double rate_hz, int32_t bands, double low_hz, double high_hz)
{
	if (!check_bands(ctx, fft_size, rate_hz, bands, low_hz, high_hz))
		return NULL;
	return open_bands(ctx, fft_size, rate_hz, bands, slaney_from_hz(low_hz),
		slaney_from_hz(high_hz), weigh_unit_area);
}

/* --- applying the bands --- */

void fv_mel_apply_double(const fv_mel *mel, const double *power, float *out)
{
	const float *weight = mel->weight;
	for (int32_t b = 0; b < mel->bands; b++) {
		double sum = 0;
		for (int32_t k = 0; k < mel->count[b]; k++)
			sum += (double)weight[k] * power[mel->first[b] + k];
		out[b] = (float)sum;
		weight += mel->count[b];
	}
}

void fv_mel_apply(const fv_mel *mel, const float *power, float *out)
{
	const float *weight = mel->weight;
	for (int32_t b = 0; b < mel->bands; b++) {
		out[b] = fv_dot(weight, power + mel->first[b], mel->count[b]);
		weight += mel->count[b];
	}
}

fv_status fv_mel_spectrum(const fv_mel *mel, const fv_stft *stft, fv_ctx *worker, const float *wave,
	int64_t n, int64_t frames, float *out)
{
	enum { BLOCK = 64 }; /* frames per block */
	if (core_stft_bins(stft) != mel->bins)
		return fv_fail(worker, FV_FAILED,
			"mel bands for spectra of %d numbers and frames whose spectra have %d: "
			"both are "
			"opened with the same number of samples",
			(int)mel->bins, (int)core_stft_bins(stft));
	double *power = fv_scratch(worker, BLOCK * (size_t)mel->bins * sizeof *power);
	double *own = fv_scratch(worker, fv_stft_scratch(stft) * sizeof *own);
	if (!power || !own)
		return FV_FAILED;
	for (int64_t t = 0; t < frames; t += BLOCK) {
		int64_t rows = frames - t < BLOCK ? frames - t : BLOCK;
		fv_stft_power(stft, wave, n, t, rows, power, own);
		for (int64_t r = 0; r < rows; r++)
			fv_mel_apply_double(mel, power + r * mel->bins, out + (t + r) * mel->bands);
	}
	return FV_OK;
}
