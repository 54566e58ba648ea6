/* SPDX-License-Identifier: Apache-2.0 */
/* An encoder built from the headers of the first version of the ABI: cepstral coefficients, averaged or frame by
 * frame, and the level as a second output. */
#include <math.h>

#include <fairvox/fairvox.h>

enum { RATE = 16000, WINDOW = 512, HOP = 256, BANDS = 26, COEFFICIENTS = 13 };

typedef struct old_encoder {
	const fv_stft *stft;
	const fv_mel *mel;
	const fv_dct *dct;
	fv_output output[2];
} old_encoder;

static fv_status old_open(void *state, fv_ctx *ctx, const char *weights)
{
	old_encoder *self = state;
	float hann[WINDOW];
	double window[WINDOW];
	if (weights)
		return fv_fail(ctx, FV_CONFIG, "takes no weights: remove the key 'weights'");
	fv_window_hann(hann, WINDOW);
	for (int32_t i = 0; i < WINDOW; i++)
		window[i] = (double)hann[i];
	self->stft = fv_stft_open(ctx, WINDOW, HOP, window);
	self->mel = fv_mel_open_slaney(ctx, WINDOW, RATE, BANDS, 0, RATE / 2.0);
	self->dct = fv_dct_open(ctx, BANDS, COEFFICIENTS, 1);
	self->output[0] = (fv_output)FV_OUTPUT(.name = "cepstrum", .layers = 1,
		.dims = COEFFICIENTS, .standardize = FV_STANDARDIZE_TRAIN, .has_frames = 1);
	self->output[1] = (fv_output)FV_OUTPUT(.name = "level", .layers = 1, .dims = 1);
	return self->stft && self->mel && self->dct ? FV_OK : FV_FAILED;
}

static fv_status old_info(const void *state, fv_ctx *ctx, fv_encoder_info *info)
{
	const old_encoder *self = state;
	(void)ctx;
	info->rate_hz = RATE;
	info->min_samples = WINDOW;
	info->n_outputs = 2;
	info->outputs = self->output;
	return FV_OK;
}

static int64_t old_frames(const void *state, int32_t output, int64_t n)
{
	(void)output;
	return fv_stft_frames(((const old_encoder *)state)->stft, n);
}

static float measure_level(const float *wave, int64_t n)
{
	return log10f(fv_dot(wave, wave, n) / (float)n + 1e-9f);
}

static fv_status old_encode(const void *state, fv_ctx *worker, int32_t output, const float *wave,
	int64_t n, int32_t pooled, float *out)
{
	const old_encoder *self = state;
	int64_t frames = fv_stft_frames(self->stft, n);
	float *bands = fv_scratch(worker, (size_t)(frames * BANDS) * sizeof *bands);
	float *cepstrum = fv_scratch(worker, (size_t)(frames * COEFFICIENTS) * sizeof *cepstrum);
	if (output == 1) {
		out[0] = measure_level(wave, n);
		return FV_OK;
	}
	if (!bands || !cepstrum ||
		fv_mel_spectrum(self->mel, self->stft, worker, wave, n, frames, bands) != FV_OK)
		return FV_FAILED;
	for (int64_t i = 0; i < frames * BANDS; i++)
		bands[i] = logf(bands[i] + 1e-6f);
	float *to = pooled ? cepstrum : out;
	for (int64_t t = 0; t < frames; t++)
		fv_dct_apply(self->dct, bands + t * BANDS, to + t * COEFFICIENTS);
	for (int32_t k = 0; k < COEFFICIENTS && pooled; k++) {
		double sum = 0;
		for (int64_t t = 0; t < frames; t++)
			sum += (double)cepstrum[t * COEFFICIENTS + k];
		out[k] = (float)(sum / (double)frames);
	}
	return FV_OK;
}

static const fv_encoder_ops ops = FV_ENCODER_OPS(.open = old_open, .info = old_info,
	.frames = old_frames, .encode = old_encode);

static const fv_descriptor descriptor = FV_ENCODER(.name = "old_encoder", .version = "1.0.0",
	.summary = "cepstral coefficients", .source = "none", .licence = "Apache-2.0",
	.state_size = sizeof(old_encoder), .ops = &ops);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
