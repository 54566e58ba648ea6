/* SPDX-License-Identifier: Apache-2.0 */
/* Encoder `wav2vec2`: wav2vec 2.0 (base, large, LV-60, XLSR, XLS-R) and HuBERT, which has the same
 * network. Output: `states` [layers + 1, width], the input of the first layer and the output of
 * each layer. Heads for recognition or classification in the file are ignored. */
#include <string.h>

#include "speech.h"

static const char *const types[] = {"wav2vec2", "hubert", NULL};
static const speech_kind wav2vec2 = {.types = types};

static fv_status wav2vec2_open(void *state, fv_ctx *ctx, const char *weights)
{
	if (!weights)
		return fv_fail(ctx, FV_CONFIG,
			"needs weights: give model.safetensors or pytorch_model.bin of a wav2vec "
			"2.0 or HuBERT model of Hugging Face, or a file of s3prl or torchaudio");
	return speech_states_open(state, ctx, weights, &wav2vec2);
}

/* --- fv.fits/1 --- */

static int32_t wav2vec2_check_fit(const fv_checkpoint *file, const char *sha256, fv_fit *fit)
{
	fv_trunk_shape shape;
	(void)sha256;
	if (!speech_fits(file, &wav2vec2, &shape))
		return 0;
	fit->what = "wav2vec 2.0 or HuBERT";
	if (shape.width == 768 && shape.layers == 12)
		fit->what = "wav2vec 2.0 or HuBERT of the size base: 12 layers of 768";
	if (shape.width == 1024 && shape.layers == 24)
		fit->what = "wav2vec 2.0 or HuBERT of the size large: 24 layers of 1024";
	return 1;
}

static const fv_fits_1 wav2vec2_fits = FV_FITS(.fits = wav2vec2_check_fit);

static const void *wav2vec2_extension(const char *id)
{
	return strcmp(id, FV_FITS_1) ? NULL : &wav2vec2_fits;
}

static const fv_param params[] = {SPEECH_PARAMS(speech_states, speech)};

static const fv_encoder_ops ops = FV_ENCODER_OPS(.open = wav2vec2_open, .info = speech_states_info,
	.frames = speech_states_frames, .batch = speech_states_batch);

static const fv_descriptor descriptor = FV_ENCODER(.name = "wav2vec2", .version = "1",
	.summary = "All hidden states of wav2vec 2.0 (base, large, XLS-R) or HuBERT",
	.source = "Baevski et al., wav2vec 2.0: a framework for self-supervised learning of speech "
		  "representations, NeurIPS 2020; Hsu et al., HuBERT, TASLP 29 (2021)",
	.licence = "Apache-2.0", .state_size = sizeof(speech_states), FV_PARAMS(params),
	.ops = &ops, .extension = wav2vec2_extension);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
