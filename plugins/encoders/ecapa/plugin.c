/* SPDX-License-Identifier: Apache-2.0 */
/* Encoder `ecapa`: a speaker embedding of 192 numbers (Desplanques, Thienpondt, Demuynck,
 * "ECAPA-TDNN: emphasized channel attention, propagation and aggregation in TDNN based speaker
 * verification", Interspeech 2020), with weights trained by SpeechBrain. Other sizes of the network
 * work too.
 *
 * Output: `embedding` [1,D], not normalised to unit length, as SpeechBrain's encode_batch returns
 * it. */
#include <string.h>

#include "ecapa.h"

static fv_status ecapa_open(void *state, fv_ctx *ctx, const char *weights)
{
	ecapa_state *s = state;
	if (!weights)
		return fv_fail(ctx, FV_CONFIG,
			"needs weights: give embedding_model.ckpt of "
			"speechbrain/spkrec-ecapa-voxceleb (fairvox fetch ecapa)");
	fv_status status = ecapa_fbank_open(s, ctx);
	if (!status)
		status = ecapa_read_weights(s, ctx, weights);
	s->output = (fv_output)FV_OUTPUT(.name = "embedding", .layers = 1,
		.dims = (int32_t)s->sizes.dims, .standardize = FV_STANDARDIZE_NONE);
	return status;
}

/* min_samples: enough frames for reflecting them at the edges, and at least one window. */
static fv_status ecapa_info(const void *state, fv_ctx *ctx, fv_encoder_info *info)
{
	const ecapa_state *s = state;
	(void)ctx;
	info->rate_hz = ECAPA_RATE_HZ;
	info->min_samples = ECAPA_WINDOW;
	for (int b = 0; b <= ECAPA_BLOCKS; b++) {
		int32_t least = (int32_t)(ECAPA_HOP * ecapa_count_reach(&s->sizes, b));
		info->min_samples = least > info->min_samples ? least : info->min_samples;
	}
	info->n_outputs = 1;
	info->outputs = &s->output;
	return FV_OK;
}

static fv_status ecapa_prepare(const void *state, fv_ctx *worker, int32_t output, const float *wave,
	int64_t n, fv_feed *feed)
{
	(void)output;
	int64_t frames = ecapa_count_frames(n);
	float *features = fv_feed_rows(feed, frames, ECAPA_BANDS);
	if (!features)
		return FV_FAILED;
	fv_status status = ecapa_compute_fbank(state, worker, wave, n, features);
	if (!status)
		ecapa_subtract_mean(features, frames);
	return status;
}

static fv_status ecapa_batch(const void *state, fv_ctx *worker, int32_t output, fv_pack *pack,
	int32_t pooled, float *const *out)
{
	(void)worker;
	(void)output;
	(void)pooled;
	return ecapa_embed(state, pack, out);
}

static const void *ecapa_extension(const char *id)
{
	return strcmp(id, FV_FITS_1) ? NULL : &ecapa_fits;
}

static const fv_param params[] = {
	FV_PARAM_CHOICE(ecapa_state, precision, .name = "precision",
		.choices = "fp32|bf16x3|bf16|tf32", /* enum fv_precision */
		.def_paper = "fp32",
		.doc = "Precision of matrix products over frames: float32, sums of two bfloat16 "
		       "numbers, bfloat16, or on GPUs only TensorFloat-32."),
};

static const fv_encoder_ops ops = FV_ENCODER_OPS(.open = ecapa_open, .info = ecapa_info,
	.prepare = ecapa_prepare, .batch = ecapa_batch);

static const fv_descriptor descriptor = FV_ENCODER(.name = "ecapa", .version = "1",
	.summary = "Speaker embedding by ECAPA-TDNN (SpeechBrain's weights)",
	.source = "Desplanques, Thienpondt, Demuynck, ECAPA-TDNN, Interspeech 2020; features and "
		  "form of SpeechBrain (speechbrain/spkrec-ecapa-voxceleb: Apache-2.0)",
	.licence = "Apache-2.0", .state_size = sizeof(ecapa_state), FV_PARAMS(params), .ops = &ops,
	.extension = ecapa_extension);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
