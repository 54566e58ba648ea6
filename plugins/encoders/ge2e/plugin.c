/* SPDX-License-Identifier: Apache-2.0 */
/* Encoder `ge2e`: a speaker embedding of 256 numbers (Wan et al., "Generalized end-to-end loss for
 * speaker verification", ICASSP 2018), with the weights of the Python package resemblyzer. Output:
 * `embedding` [1,256], not negative, of length 1.
 *
 * Recordings are prepared as by resemblyzer's preprocess_wav, except for the speech detector
 * (speech.c). level_dbfs: -120 with silence: keep embeds the wave as it is. */
#include <string.h>

#include "ge2e.h"

static fv_status ge2e_open(void *state, fv_ctx *ctx, const char *weights)
{
	if (!weights)
		return fv_fail(ctx, FV_CONFIG,
			"needs weights: give resemblyzer/pretrained.pt of the Python package "
			"resemblyzer 0.1.4 (fairvox fetch ge2e)");
	fv_status status = ge2e_open_features(state, ctx);
	return status ? status : ge2e_read_weights(state, ctx, weights);
}

static fv_status ge2e_info(const void *state, fv_ctx *ctx, fv_encoder_info *info)
{
	static const fv_output output = FV_OUTPUT(.name = "embedding", .layers = 1,
		.dims = GE2E_DIMS, .standardize = FV_STANDARDIZE_NONE);
	(void)state;
	(void)ctx;
	info->rate_hz = GE2E_RATE_HZ;
	info->min_samples = GE2E_WINDOW;
	info->n_outputs = 1;
	info->outputs = &output;
	return FV_OK;
}

static fv_status ge2e_prepare(const void *state, fv_ctx *worker, int32_t output, const float *wave,
	int64_t n, fv_feed *feed)
{
	(void)output;
	float *speech = fv_scratch(worker, (size_t)n * sizeof *speech);
	if (!speech)
		return FV_FAILED;
	fv_status status = ge2e_extract_speech(state, worker, wave, n, speech, &n);
	return status ? status : ge2e_compute_mel(state, worker, speech, n, feed);
}

static fv_status ge2e_batch(const void *state, fv_ctx *worker, int32_t output, fv_pack *pack,
	int32_t pooled, float *const *out)
{
	(void)worker;
	(void)output;
	(void)pooled;
	return ge2e_embed(state, pack, out);
}

static const void *ge2e_extension(const char *id)
{
	return strcmp(id, FV_FITS_1) ? NULL : &ge2e_fits;
}

static const fv_param params[] = {
	FV_PARAM_REAL(ge2e_state, level_dbfs, .name = "level_dbfs", .unit = "dB", .min = -120,
		.max = 0, .def_paper = "-30",
		.doc = "Recordings below this level are amplified to it; -120: never."),
	FV_PARAM_CHOICE(ge2e_state, silence, .name = "silence", .choices = "cut|keep",
		.def_paper = "cut",
		.doc = "Whether to cut silences: parts 30 dB below the loud parts of a recording."),
	FV_PARAM_REAL(ge2e_state, rate, .name = "rate", .unit = "1/s", .min = 0.625, .max = 100,
		.def_paper = "1.3",
		.doc = "Number of windows, 1.6 s long, that start per second of speech; 0.625: "
		       "they do not overlap."),
	FV_PARAM_REAL(ge2e_state, min_coverage, .name = "min_coverage", .min = 0.01, .max = 1,
		.def_paper = "0.75",
		.doc = "Share of the last window that must be speech and not padding; with less, "
		       "the window is dropped."),
};

static const fv_encoder_ops ops = FV_ENCODER_OPS(.open = ge2e_open, .info = ge2e_info,
	.prepare = ge2e_prepare, .batch = ge2e_batch);

static const fv_descriptor descriptor = FV_ENCODER(.name = "ge2e", .version = "1",
	.summary = "Speaker embedding by three LSTM layers (resemblyzer's weights)",
	.source = "Wan et al., Generalized end-to-end loss for speaker verification, ICASSP 2018; "
		  "windows and features of resemblyzer 0.1.4 (its weights: Apache-2.0)",
	.licence = "Apache-2.0", .state_size = sizeof(ge2e_state), FV_PARAMS(params), .ops = &ops,
	.extension = ge2e_extension);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
