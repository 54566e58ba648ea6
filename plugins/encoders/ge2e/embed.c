/* SPDX-License-Identifier: Apache-2.0 */
/* From a wave to its embedding, window by window, as in resemblyzer 0.1.4
 * (VoiceEncoder.embed_utterance).
 *
 * Features: 40 mel bands (Slaney's, with area 1, 0 to 8000 Hz) of the power spectrum; 25 ms
 * periodic Hann window every 10 ms, centred, with zeros beyond the ends; no logarithm.
 *
 * Windows: 160 frames each, starting every round(100 / rate) frames from frame 0 on. With F =
 * ceil((n + 1) / 160) frames, windows start below max(1, F - 160 + step + 1). The last window is
 * dropped if speech covers less than min_coverage of its 25,600 samples, unless it is the only one;
 * otherwise it is padded with zeros.
 *
 * Network: three LSTM layers from a zero state, the last hidden state of the third layer, a linear
 * layer, ReLU, divided by its length; this gives a partial embedding. The embedding is the mean of
 * the partial embeddings, divided by its length. */
#include <math.h>
#include <string.h>

#include "ge2e.h"

#define GROUP 8 /* windows that go through the network at once */

fv_status ge2e_open_features(ge2e_state *s, fv_ctx *ctx)
{
	double hann[GE2E_WINDOW];
	for (int i = 0; i < GE2E_WINDOW; i++)
		hann[i] = 0.5 - 0.5 * cos(2 * M_PI * i / GE2E_WINDOW);
	s->stft = fv_stft_open(ctx, GE2E_WINDOW, GE2E_HOP, hann);
	s->mel = fv_mel_open_slaney(
		ctx, GE2E_WINDOW, GE2E_RATE_HZ, GE2E_BANDS, 0, GE2E_RATE_HZ / 2.0);
	return s->stft && s->mel ? FV_OK : FV_FAILED;
}

int64_t ge2e_count_partials(const ge2e_state *s, int64_t n, int64_t *step)
{
	*step = (int64_t)nearbyint(GE2E_RATE_HZ / s->rate / GE2E_HOP); /* ties to even, as NumPy */
	int64_t frames = (n + 1 + GE2E_HOP - 1) / GE2E_HOP;
	int64_t end = frames - GE2E_FRAMES + *step + 1;
	int64_t count = end > 1 ? (end + *step - 1) / *step : 1;
	double covered = (double)(n - GE2E_HOP * (count - 1) * *step) / (GE2E_FRAMES * GE2E_HOP);
	return count > 1 && covered < s->min_coverage ? count - 1 : count;
}

/* Projects the hidden state last [256] to out [256], of length 1. */
static fv_status project_output(const ge2e_state *s, fv_ctx *worker, const float *last, float *out)
{
	double square = 0;
	for (int d = 0; d < GE2E_DIMS; d++) {
		float x = fv_dot(s->weight + d * GE2E_DIMS, last, GE2E_DIMS) + s->bias[d];
		out[d] = x > 0 ? x : 0;
		square += (double)out[d] * out[d];
	}
	if (!(square > 0 && isfinite(square)))
		return fv_fail(worker, FV_DATA,
			"the network's output cannot be normalised: its length is %g",
			sqrt(square));
	for (int d = 0; d < GE2E_DIMS; d++)
		out[d] = (float)(out[d] / sqrt(square));
	return FV_OK;
}

struct scratch {
	float *input;     /* [160,GROUP,40] */
	float *hidden[2]; /* [160,GROUP,256] */
	float *lstm;
};

/* Runs `count` windows through the network; the first one starts at frame 0 of `mel`. */
static fv_status run_windows(const ge2e_state *s, fv_ctx *worker, const float *mel, int64_t step,
	int64_t count, const struct scratch *scratch, float *partials)
{
	const size_t row = GE2E_BANDS * sizeof *mel;
	for (int64_t t = 0; t < GE2E_FRAMES; t++)
		for (int64_t p = 0; p < count; p++)
			memcpy(scratch->input + (t * count + p) * GE2E_BANDS,
				mel + (p * step + t) * GE2E_BANDS, row);
	const float *x = scratch->input;
	for (int l = 0; l < GE2E_LAYERS; l++) {
		float *y = scratch->hidden[l % 2];
		fv_lstm_apply(s->layer[l], x, GE2E_FRAMES, count, y, scratch->lstm);
		x = y;
	}
	x += (GE2E_FRAMES - 1) * count * GE2E_DIMS;
	fv_status status = FV_OK;
	for (int64_t p = 0; p < count && !status; p++)
		status = project_output(s, worker, x + p * GE2E_DIMS, partials + p * GE2E_DIMS);
	return status;
}

fv_status ge2e_compute_partials(
	const ge2e_state *s, fv_ctx *worker, const float *wave, int64_t n, float *partials)
{
	int64_t step, count = ge2e_count_partials(s, n, &step);
	int64_t frames = (count - 1) * step + GE2E_FRAMES;
	float *mel = fv_scratch(worker, (size_t)(frames * GE2E_BANDS) * sizeof *mel);
	const size_t hidden = sizeof(float[GE2E_FRAMES][GROUP][GE2E_DIMS]);
	size_t lstm = fv_lstm_scratch(s->layer[1], GROUP);
	struct scratch scratch = {fv_scratch(worker, sizeof(float[GE2E_FRAMES][GROUP][GE2E_BANDS])),
		{fv_scratch(worker, hidden), fv_scratch(worker, hidden)},
		fv_scratch(worker, lstm * sizeof(float))};
	if (!mel || !scratch.input || !scratch.hidden[0] || !scratch.hidden[1] || !scratch.lstm)
		return FV_FAILED;
	fv_status status = fv_mel_spectrum(s->mel, s->stft, worker, wave, n, frames, mel);
	for (int64_t first = 0; first < count && !status; first += GROUP) {
		int64_t left = count - first;
		status = run_windows(s, worker, mel + first * step * GE2E_BANDS, step,
			left < GROUP ? left : GROUP, &scratch, partials + first * GE2E_DIMS);
	}
	return status;
}

fv_status ge2e_embed(const ge2e_state *s, fv_ctx *worker, const float *wave, int64_t n, float *out)
{
	int64_t step, count = ge2e_count_partials(s, n, &step);
	float *partials = fv_scratch(worker, (size_t)(count * GE2E_DIMS) * sizeof *partials);
	if (!partials)
		return FV_FAILED;
	fv_status status = ge2e_compute_partials(s, worker, wave, n, partials);
	if (status)
		return status;
	double sum[GE2E_DIMS] = {0}, square = 0;
	for (int64_t p = 0; p < count; p++)
		for (int d = 0; d < GE2E_DIMS; d++)
			sum[d] += partials[p * GE2E_DIMS + d];
	for (int d = 0; d < GE2E_DIMS; d++)
		square += sum[d] * sum[d];
	for (int d = 0; d < GE2E_DIMS; d++)
		out[d] = (float)(sum[d] / sqrt(square));
	return FV_OK;
}
