/* SPDX-License-Identifier: Apache-2.0 */
/* Features as SpeechBrain's Fbank(n_mels = 80) and InputNormalization("sentence", std_norm = False)
 * compute them.
 *
 * Power spectra of 25 ms periodic Hamming windows every 10 ms, centred, with zeros beyond the ends;
 * 80 symmetric triangular bands from 0 to 8000 Hz on the HTK scale; 10 log10(max(x, 1e-10)),
 * limited to 80 below the recording's largest value; minus each band's mean over the recording.
 * Computed in double up to the decibels. */
#include <math.h>

#include "ecapa.h"

#define FLOOR 1e-10
#define RANGE_DB 80

fv_status ecapa_fbank_open(ecapa_state *s, fv_ctx *ctx)
{
	double hamming[ECAPA_WINDOW];
	for (int i = 0; i < ECAPA_WINDOW; i++)
		hamming[i] = 0.54 - 0.46 * cos(2 * M_PI * i / ECAPA_WINDOW);
	s->stft = fv_stft_open(ctx, ECAPA_WINDOW, ECAPA_HOP, hamming);
	s->mel = fv_mel_open_symmetric(
		ctx, ECAPA_WINDOW, ECAPA_RATE_HZ, ECAPA_BANDS, 0, ECAPA_RATE_HZ / 2.0);
	return s->stft && s->mel ? FV_OK : FV_FAILED;
}

int64_t ecapa_count_frames(int64_t n)
{
	return 1 + n / ECAPA_HOP;
}

fv_status ecapa_compute_fbank(
	const ecapa_state *s, fv_ctx *worker, const float *wave, int64_t n, float *db)
{
	int64_t frames = ecapa_count_frames(n);
	fv_status status = fv_mel_spectrum(s->mel, s->stft, worker, wave, n, frames, db);
	if (status)
		return status;
	float highest = -INFINITY;
	for (int64_t i = 0; i < frames * ECAPA_BANDS; i++) {
		db[i] = (float)(10 * log10(fmax((double)db[i], FLOOR)));
		highest = fmaxf(highest, db[i]);
	}
	for (int64_t i = 0; i < frames * ECAPA_BANDS; i++)
		db[i] = fmaxf(db[i], highest - RANGE_DB);
	return FV_OK;
}

void ecapa_subtract_mean(float *db, int64_t frames)
{
	double sum[ECAPA_BANDS] = {0};
	for (int64_t t = 0; t < frames; t++)
		for (int b = 0; b < ECAPA_BANDS; b++)
			sum[b] += (double)db[t * ECAPA_BANDS + b];
	for (int64_t t = 0; t < frames; t++)
		for (int b = 0; b < ECAPA_BANDS; b++)
			db[t * ECAPA_BANDS + b] =
				(float)((double)db[t * ECAPA_BANDS + b] - sum[b] / (double)frames);
}
