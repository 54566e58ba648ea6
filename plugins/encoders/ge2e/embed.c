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

#include "ge2e.h"

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

/* Frames from the start of a window to that of the next one */
static int64_t find_step(const ge2e_state *s)
{
	return (int64_t)nearbyint(GE2E_RATE_HZ / s->rate / GE2E_HOP); /* ties to even, as NumPy */
}

int64_t ge2e_count_partials(const ge2e_state *s, int64_t n, int64_t *step)
{
	*step = find_step(s);
	int64_t frames = (n + 1 + GE2E_HOP - 1) / GE2E_HOP;
	int64_t end = frames - GE2E_FRAMES + *step + 1;
	int64_t count = end > 1 ? (end + *step - 1) / *step : 1;
	double covered = (double)(n - GE2E_HOP * (count - 1) * *step) / (GE2E_FRAMES * GE2E_HOP);
	return count > 1 && covered < s->min_coverage ? count - 1 : count;
}

fv_status ge2e_compute_mel(
	const ge2e_state *s, fv_ctx *worker, const float *wave, int64_t n, fv_feed *feed)
{
	int64_t step, count = ge2e_count_partials(s, n, &step);
	int64_t frames = (count - 1) * step + GE2E_FRAMES;
	float *mel = fv_feed_rows(feed, frames, GE2E_BANDS);
	return mel ? fv_mel_spectrum(s->mel, s->stft, worker, wave, n, frames, mel) : FV_FAILED;
}

fv_matrix ge2e_compute_partials(const ge2e_state *s, fv_pack *pack)
{
	int64_t step = find_step(s);
	fv_matrix mel = fv_pack_input(pack);
	fv_matrix hidden = fv_pack_windows(pack, mel, GE2E_FRAMES, step, GE2E_DIMS);
	fv_matrix partials = fv_pack_rows(pack, hidden, GE2E_DIMS);
	fv_pack_lstm(pack, s->layer, GE2E_LAYERS, GE2E_FRAMES, step, mel, hidden);
	fv_pack_dense(pack, s->last, FV_FUNCTION_RELU, 1, hidden, partials);
	fv_pack_direction(pack, partials, partials);
	return partials;
}

fv_status ge2e_embed(const ge2e_state *s, fv_pack *pack, float *const *out)
{
	fv_matrix embedding = fv_pack_utterances(pack, GE2E_DIMS);
	fv_pack_direction(pack, ge2e_compute_partials(s, pack), embedding);
	fv_pack_fetch(pack, embedding, 0, out);
	fv_status status = fv_pack_wait(pack);
	for (int32_t u = 0; u < fv_pack_count(pack) && !status; u++)
		if (isnan(out[u][0]))
			fv_pack_refuse(pack, u,
				"the network's output cannot be normalised: its length is 0 or "
				"not finite");
	return status;
}
