/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors of one frame's power spectrum P_k (25 ms Hann window, 512 points, bins of 31.25 Hz).
 * Names in brackets are those of eGeMAPS: Eyben et al., "The Geneva Minimalistic Acoustic Parameter
 * Set (GeMAPS)", IEEE Trans. Affective Computing 7(2), 2016. */
#include "descriptors.h"

#include <math.h>

#define POWER_FLOOR 1e-8f /* roughly the noise of 16-bit samples in one bin */

static int bin_of_hz(double hz)
{
	return (int)ceil(hz * FFT / RATE);
}

static float sum_band_energy(const frame_plan *plan, const float *power, double low, double high)
{
	return fv_dot(power + bin_of_hz(low), plan->ones, bin_of_hz(high) - bin_of_hz(low));
}

static float to_decibel(float ratio)
{
	return 10 * log10f(ratio);
}

static float find_largest(const float *x, int first, int end)
{
	float peak = x[first];
	for (int k = first + 1; k < end; k++)
		peak = x[k] > peak ? x[k] : peak;
	return peak;
}

/* Least-squares slope of y over bins [first, end), per kHz. */
static float fit_slope(const float *y, int first, int end)
{
	int n = end - first;
	float middle = 0.5f * (float)(n - 1), sum = 0;
	for (int i = 0; i < n; i++)
		sum += ((float)i - middle) * y[first + i];
	float spread = (float)n * ((float)n * (float)n - 1) / 12;
	return sum / spread * (1000.0f * FFT / RATE);
}

/* Spectral balance [alphaRatio, hammarbergIndex, slope0-500, slope500-1500]. Alpha ratio: energy of
 * 1-5 kHz over that of 50-1000 Hz. Hammarberg index: strongest bin of 0-2 kHz over strongest bin of
 * 2-5 kHz. Slopes: of the spectrum in dB, per kHz. */
static void describe_balance(const frame_plan *plan, const float *power, const float *log2_power,
	frame_rows *rows, int64_t t)
{
	float low = sum_band_energy(plan, power, 50, 1000),
	      high = sum_band_energy(plan, power, 1000, 5000);
	float below = find_largest(power, 0, bin_of_hz(2000)),
	      above = find_largest(power, bin_of_hz(2000), bin_of_hz(5000));
	float dB = 3.01029996f; /* dB per factor of two in power */
	rows->row[ROW_ALPHA][t] = to_decibel((high + POWER_FLOOR) / (low + POWER_FLOOR));
	rows->row[ROW_HAMMARBERG][t] = to_decibel((below + POWER_FLOOR) / (above + POWER_FLOOR));
	rows->row[ROW_SLOPE_LOW][t] = dB * fit_slope(log2_power, 0, bin_of_hz(500) + 1);
	rows->row[ROW_SLOPE_MIDDLE][t] =
		dB * fit_slope(log2_power, bin_of_hz(500), bin_of_hz(1500) + 1);
}

/* Shape of the spectrum: centroid and spread (Hz), entropy of P / sum P (bits), and the frequency
 * below which 85% of the energy lies. As in openSMILE's ComParE set: Schuller et al., Interspeech
 * 2013. */
static void describe_shape(const frame_plan *plan, const float *power, const float *log2_power,
	frame_rows *rows, int64_t t)
{
	float sum = fv_dot(power, plan->ones, BINS) + POWER_FLOOR;
	float centroid = fv_dot(power, plan->hz, BINS) / sum;
	float square = fv_dot(power, plan->hz_square, BINS) / sum;
	float floor_sum = sum + BINS * POWER_FLOOR, part = 0;
	int rolloff = 0;
	while (rolloff < BINS - 1 && (part += power[rolloff]) < 0.85f * sum)
		rolloff++;
	rows->row[ROW_CENTROID][t] = centroid;
	rows->row[ROW_SPREAD][t] = sqrtf(fmaxf(square - centroid * centroid, 0));
	rows->row[ROW_ENTROPY][t] =
		log2f(floor_sum) - (fv_dot(power, log2_power, BINS)) / floor_sum;
	rows->row[ROW_ROLLOFF][t] = plan->hz[rolloff];
}

/* Log energies of mel bands, cepstra 1 .. CEPSTRA [mfcc1 ...], and loudness [loudness]: the sum of
 * the bands after weighting by the equal-loudness curve and compression (Hermansky, JASA 87, 1990).
 */
static void describe_auditory(
	const frame_plan *plan, const float *power, frame_rows *rows, int64_t t)
{
	float band[BANDS], log_band[BANDS], loudness = 0;
	fv_mel_apply(plan->mel, power, band);
	for (int b = 0; b < BANDS; b++)
		band[b] += POWER_FLOOR;
	fv_log2(band, log_band, BANDS);
	for (int b = 0; b < BANDS; b++) {
		rows->row[ROW_BAND + b][t] = log_band[b];
		loudness += exp2f(0.33f * (log_band[b] + plan->equal_loudness[b]));
	}
	rows->row[ROW_LOUDNESS][t] = loudness;
	for (int c = 0; c < CEPSTRA; c++)
		rows->row[ROW_MFCC + c][t] = fv_dot(plan->cosines + c * BANDS, log_band, BANDS);
}

/* Spectral flux [spectralFlux]: root mean square over the bins of the change of amplitude since the
 * previous frame. Undefined in the first frame. */
static void describe_flux(const float *power, float *amplitude, frame_rows *rows, int64_t t)
{
	float change[BINS];
	for (int k = 0; k < BINS; k++) {
		float now = sqrtf(power[k]);
		change[k] = now - amplitude[k];
		amplitude[k] = now;
	}
	rows->row[ROW_FLUX][t] = t ? sqrtf(fv_dot(change, change, BINS) / BINS) : NAN;
}

void spectrum_describe(
	const frame_plan *plan, const float *power, float *amplitude, frame_rows *rows, int64_t t)
{
	float log2_power[BINS];
	for (int k = 0; k < BINS; k++)
		log2_power[k] = power[k] + POWER_FLOOR;
	fv_log2(log2_power, log2_power, BINS);
	describe_balance(plan, power, log2_power, rows, t);
	describe_shape(plan, power, log2_power, rows, t);
	describe_auditory(plan, power, rows, t);
	describe_flux(power, amplitude, rows, t);
}
