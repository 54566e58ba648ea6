/* SPDX-License-Identifier: Apache-2.0 */
/* From the wave to rows of descriptors: framing, windows and one power spectrum per frame. */
#include "descriptors.h"

#include <math.h>
#include <string.h>

static void prepare_plan(frame_plan *plan)
{
	fv_window_hann(plan->window, SPECTRUM);
	for (int k = 0; k < BINS; k++) {
		plan->ones[k] = 1;
		plan->hz[k] = (float)k * RATE / FFT;
		plan->hz_square[k] = plan->hz[k] * plan->hz[k];
	}
	for (int k = 0; k < LPC_BINS; k++) {
		double w = 2 * M_PI * k / FFT, edge = k == 0 || k == LPC_BINS - 1 ? 0.5 : 1;
		plan->emphasis[k] = (float)(edge * (1 + 0.97 * 0.97 - 2 * 0.97 * cos(w)));
		for (int j = 0; j <= LPC_ORDER; j++)
			plan->lpc_cosines[j * LPC_BINS + k] =
				(float)cos(M_PI * j * k / (LPC_BINS - 1));
	}
	double top = 1127 * log(1 + 8000 / 700.0), bottom = 1127 * log(1 + 20 / 700.0);
	for (int b = 0; b < BANDS; b++) {
		double mel = bottom + (b + 1) * (top - bottom) / (BANDS + 1);
		double w2 = pow(2 * M_PI * 700 * (exp(mel / 1127) - 1), 2);
		double weight = (w2 + 56.8e6) * w2 * w2 / (pow(w2 + 6.3e6, 2) * (w2 + 0.38e9));
		plan->equal_loudness[b] = (float)log2(weight);
		for (int c = 0; c < VOICE; c++)
			plan->cosines[c * BANDS + b] =
				(float)(sqrt(2.0 / BANDS) * log(2) *
					cos(M_PI * (c + 1) * (b + 0.5) / BANDS));
	}
}

fv_status frames_open(frame_plan *plan, fv_ctx *ctx, double floor_hz, double ceiling_hz)
{
	fv_pitch_options options = FV_PITCH_OPTIONS(RATE, WINDOW, HOP, floor_hz, ceiling_hz);
	fv_status status = fv_pitch_open(ctx, &options, &plan->pitch);
	if (status)
		return status;
	plan->fft = fv_fft_open(ctx, FFT);
	plan->mel = fv_mel_open(ctx, FFT, RATE, BANDS, 20, RATE / 2.0);
	if (!plan->fft || !plan->mel)
		return FV_FAILED;
	prepare_plan(plan);
	return FV_OK;
}

/* Level [dB re full scale] and the share of neighbouring samples with different signs. */
static void describe_waveform(const float *x, frame_rows *rows, int64_t t)
{
	int crossings = 0;
	for (int i = 1; i < SPECTRUM; i++)
		crossings += (x[i] < 0) != (x[i - 1] < 0);
	rows->row[ROW_CROSSINGS][t] = (float)crossings / (SPECTRUM - 1);
	rows->row[ROW_LEVEL][t] = 10 * log10f(fv_dot(x, x, SPECTRUM) / SPECTRUM + 1e-10f);
}

static void describe_spectra(const frame_plan *plan, const float *wave, frame_rows *rows)
{
	_Alignas(64) float frame[FFT] = {0}, power[BINS], scratch[FFT], amplitude[BINS] = {0};
	for (int64_t t = 0; t < rows->n; t++) {
		const float *x = wave + t * HOP + (WINDOW - SPECTRUM) / 2;
		for (int i = 0; i < SPECTRUM; i++)
			frame[i] = x[i] * plan->window[i];
		fv_fft_power(plan->fft, frame, power, scratch);
		describe_waveform(x, rows, t);
		spectrum_describe(plan, power, amplitude, rows, t);
		formants_describe(plan, power, rows, t);
	}
}

fv_status frames_describe(
	const frame_plan *plan, fv_ctx *worker, const float *wave, int64_t n, frame_rows *rows)
{
	size_t frames = (size_t)fv_pitch_frames(plan->pitch, n);
	float *all = fv_scratch(worker, (ROWS + 2) * frames * sizeof *all);
	if (!all)
		return FV_FAILED;
	rows->n = (int64_t)frames;
	for (size_t i = 0; i < ROWS; i++)
		rows->row[i] = all + i * frames;
	rows->f0 = all + ROWS * frames;
	rows->strength = rows->f0 + frames;
	fv_status status = fv_pitch_track(plan->pitch, worker, wave, n, rows->f0, rows->strength);
	if (!status)
		status = voice_quality_describe(worker, wave, n, rows);
	if (!status)
		describe_spectra(plan, wave, rows);
	return status;
}
