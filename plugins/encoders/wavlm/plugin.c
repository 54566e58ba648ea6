/* SPDX-License-Identifier: Apache-2.0 */
/* Encoder `wavlm`: WavLM (Chen et al., "WavLM: large-scale self-supervised pre-training for full
 * stack speech processing", JSTSP 16, 2022) of any size: base, base-plus, large. Output: `states`
 * [layers + 1, width], the input of the first layer and the output of each layer. */
#include <string.h>

#include "speech.h"

static const char *const types[] = {"wavlm", NULL};
static const speech_kind wavlm = {.position_bias = true, .types = types};

static fv_status wavlm_open(void *state, fv_ctx *ctx, const char *weights)
{
	if (!weights)
		return fv_fail(ctx, FV_CONFIG,
			"needs weights: give wavlm_base_plus.pt of s3prl, model.safetensors or "
			"pytorch_model.bin of microsoft/wavlm-base-plus, or torchaudio's "
			"wavlm_base_plus.pth (fairvox fetch wavlm-base-plus)");
	return speech_states_open(state, ctx, weights, &wavlm);
}

/* --- fv.fits/1 --- */

#define LICENCE "CC BY-SA 3.0 (weights, UniSpeech licence), MIT (code)"

static const struct {
	const char *sha256, *what;
} known[] = {
	{"3bb273a6ace99408b50cfc81afdbb7ef2de02da2eab0234e18db608ce692fe51",
		"WavLM base-plus, Hugging Face's pytorch_model.bin"},
	{"136a3e720c04f2c77bf7a4dc6a3868b14d5a2c145a988114b733cb1a8428be98",
		"WavLM base-plus, torchaudio's wavlm_base_plus.pth"},
};

static int32_t wavlm_check_fit(const fv_checkpoint *file, const char *sha256, fv_fit *fit)
{
	fv_trunk_shape shape;
	if (!speech_fits(file, &wavlm, &shape))
		return 0;
	fit->what = "WavLM";
	if (shape.width == 768 && shape.layers == 12)
		fit->what = "WavLM of the size base or base-plus: 12 layers of 768";
	if (shape.width == 1024 && shape.layers == 24)
		fit->what = "WavLM of the size large: 24 layers of 1024";
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (!strcmp(sha256, known[i].sha256)) {
			fit->what = known[i].what;
			fit->licence = LICENCE;
		}
	return 1;
}

static const fv_fits_1 wavlm_fits = FV_FITS(.fits = wavlm_check_fit);

static const void *wavlm_extension(const char *id)
{
	return strcmp(id, FV_FITS_1) ? NULL : &wavlm_fits;
}

static const fv_param params[] = {SPEECH_PARAMS(speech_states, speech)};

static const fv_encoder_ops ops = FV_ENCODER_OPS(.open = wavlm_open, .info = speech_states_info,
	.frames = speech_states_frames, .batch = speech_states_batch);

static const fv_descriptor descriptor = FV_ENCODER(.name = "wavlm", .version = "1",
	.summary = "All hidden states of WavLM (base, base-plus, large)",
	.source = "Chen et al., WavLM: large-scale self-supervised pre-training for full stack "
		  "speech processing, JSTSP 16 (2022); its published weights: " LICENCE,
	.licence = "Apache-2.0", .state_size = sizeof(speech_states), FV_PARAMS(params),
	.ops = &ops, .extension = wavlm_extension);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
