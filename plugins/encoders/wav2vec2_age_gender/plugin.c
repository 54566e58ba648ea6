/* SPDX-License-Identifier: Apache-2.0 */
/* Encoder `wav2vec2_age_gender`: age of a speaker, and whether the voice is a woman's, a man's or a
 * child's (Burkhardt et al., "Speech-based age and gender prediction with transformers", ITG 2023,
 * arXiv 2306.16962). Models: audeering/wav2vec2-large-robust-6-ft-age-gender and -24-ft-age-gender.
 *
 * With h [width] the mean over the frames of the last state:
 *   age = 100 (A_2 tanh(A_1 h + a_1) + a_2) years,  gender = softmax(G_2 tanh(G_1 h + g_1) + g_2)
 * Outputs: `classes` [1,4] (age, female, male, child) and `states` [layers + 1, width]. */
#include <math.h>
#include <string.h>

#include "speech.h"

enum tensor {
	AGE_DENSE_WEIGHT,
	AGE_DENSE_BIAS,
	AGE_OUT_WEIGHT,
	AGE_OUT_BIAS,
	GENDER_DENSE_WEIGHT,
	GENDER_DENSE_BIAS,
	GENDER_OUT_WEIGHT,
	GENDER_OUT_BIAS,
	TENSORS
};

enum { CLASSES, STATES, OUTPUTS };
enum { GENDERS = 3 };

static const speech_extra extra[TENSORS] = {
	[AGE_DENSE_WEIGHT] = {"age.dense.weight", 2, {0, 0}},
	[AGE_DENSE_BIAS] = {"age.dense.bias", 1, {0}},
	[AGE_OUT_WEIGHT] = {"age.out_proj.weight", 2, {1, 0}},
	[AGE_OUT_BIAS] = {"age.out_proj.bias", 1, {1}},
	[GENDER_DENSE_WEIGHT] = {"gender.dense.weight", 2, {0, 0}},
	[GENDER_DENSE_BIAS] = {"gender.dense.bias", 1, {0}},
	[GENDER_OUT_WEIGHT] = {"gender.out_proj.weight", 2, {GENDERS, 0}},
	[GENDER_OUT_BIAS] = {"gender.out_proj.bias", 1, {GENDERS}},
};

typedef struct age_gender_state {
	speech_state speech;
	float *tensor[TENSORS];
	fv_output output[OUTPUTS];
} age_gender_state;

static const char *const types[] = {"wav2vec2", NULL};
static const speech_kind age_gender = {
	.scaled = true, .extra = extra, .n_extra = TENSORS, .types = types};

static fv_status age_gender_open(void *state, fv_ctx *ctx, const char *weights)
{
	static const char *const columns[] = {"age", "female", "male", "child"};
	static const fv_role roles[] = {
		FV_COL_VALUE, FV_COL_PROBABILITY, FV_COL_PROBABILITY, FV_COL_PROBABILITY};
	age_gender_state *s = state;
	if (!weights)
		return fv_fail(ctx, FV_CONFIG,
			"needs weights: give model.safetensors or pytorch_model.bin of "
			"audeering/wav2vec2-large-robust-24-ft-age-gender (fairvox fetch "
			"wav2vec2-age-gender; CC BY-NC-SA 4.0: not for commercial use)");
	fv_status status = speech_open(&s->speech, ctx, weights, &age_gender, s->tensor);
	if (status)
		return status;
	s->output[CLASSES] = (fv_output)FV_OUTPUT(.name = "classes", .layers = 1,
		.dims = 1 + GENDERS, .columns = columns, .roles = roles);
	s->output[STATES] = speech_states_output(&s->speech);
	return FV_OK;
}

static fv_status age_gender_info(const void *state, fv_ctx *ctx, fv_encoder_info *info)
{
	const age_gender_state *s = state;
	(void)ctx;
	speech_fill_info(&s->speech, info);
	info->n_outputs = OUTPUTS;
	info->outputs = s->output;
	return FV_OK;
}

static int64_t age_gender_frames(const void *state, int32_t output, int64_t n)
{
	const age_gender_state *s = state;
	(void)output;
	return fv_trunk_frames(s->speech.trunk, n);
}

/* --- the two heads --- */

static double dot_product(const float *a, const float *b, int32_t n)
{
	double sum = 0;
	for (int32_t i = 0; i < n; i++)
		sum += (double)a[i] * b[i];
	return sum;
}

/* Applies a head: out [n] = W_2 tanh(W_1 h + b_1) + b_2, with tensors from `first` on. inner
 * [width] is scratch. */
static void apply_head(const age_gender_state *s, int32_t first, const float *h, int32_t n,
	float *inner, double *out)
{
	float *const *t = s->tensor + first;
	int32_t width = s->speech.shape.width;
	for (int32_t d = 0; d < width; d++)
		inner[d] = (float)tanh(dot_product(t[0] + (int64_t)d * width, h, width) + t[1][d]);
	for (int32_t k = 0; k < n; k++)
		out[k] = dot_product(t[2] + (int64_t)k * width, inner, width) + t[3][k];
}

static void apply_softmax(const double *logit, int32_t n, float *out)
{
	double largest = logit[0], sum = 0;
	for (int32_t k = 1; k < n; k++)
		largest = logit[k] > largest ? logit[k] : largest;
	for (int32_t k = 0; k < n; k++)
		sum += exp(logit[k] - largest);
	for (int32_t k = 0; k < n; k++)
		out[k] = (float)(exp(logit[k] - largest) / sum);
}

static fv_status age_gender_encode(const void *state, fv_ctx *worker, int32_t output,
	const float *wave, int64_t n, int32_t pooled, float *out)
{
	const age_gender_state *s = state;
	if (output == STATES)
		return speech_encode(&s->speech, worker, wave, n, pooled, out);
	int32_t width = s->speech.shape.width, layers = s->speech.shape.layers;
	size_t size = (size_t)(layers + 2) * (size_t)width;
	float *means = fv_scratch(worker, size * sizeof *means);
	if (!means)
		return FV_FAILED;
	fv_status status = speech_encode(&s->speech, worker, wave, n, 1, means);
	if (status)
		return status;
	const float *h = means + (int64_t)layers * width;
	float *inner = means + (int64_t)(layers + 1) * width;
	double age, logit[GENDERS];
	apply_head(s, AGE_DENSE_WEIGHT, h, 1, inner, &age);
	apply_head(s, GENDER_DENSE_WEIGHT, h, GENDERS, inner, logit);
	out[0] = (float)(100 * age);
	apply_softmax(logit, GENDERS, out + 1);
	return FV_OK;
}

/* --- fv.fits/1 --- */

static int32_t age_gender_check_fit(const fv_checkpoint *file, const char *sha256, fv_fit *fit)
{
	fv_trunk_shape shape;
	(void)sha256;
	if (!speech_fits(file, &age_gender, &shape))
		return 0;
	fit->what = "wav2vec 2.0 for age and gender (audEERING's are CC BY-NC-SA 4.0: not for "
		    "commercial use)";
	if (shape.width == 1024 && shape.layers == 24)
		fit->what = "wav2vec 2.0 large for age and gender, 24 layers (audEERING's is "
			    "CC BY-NC-SA 4.0: not for commercial use)";
	if (shape.width == 1024 && shape.layers == 6)
		fit->what = "wav2vec 2.0 large for age and gender, 6 layers (audEERING's is "
			    "CC BY-NC-SA 4.0: not for commercial use)";
	return 1;
}

static const fv_fits_1 age_gender_fits = FV_FITS(.fits = age_gender_check_fit);

static const void *age_gender_extension(const char *id)
{
	return strcmp(id, FV_FITS_1) ? NULL : &age_gender_fits;
}

static const fv_param params[] = {SPEECH_PARAMS(age_gender_state, speech)};

static const fv_encoder_ops ops = FV_ENCODER_OPS(.open = age_gender_open, .info = age_gender_info,
	.frames = age_gender_frames, .encode = age_gender_encode);

static const fv_descriptor descriptor = FV_ENCODER(.name = "wav2vec2_age_gender", .version = "1",
	.summary =
		"Age in years and probabilities of female, male, child (audEERING's wav2vec 2.0)",
	.source = "Burkhardt et al., Speech-based age and gender prediction with transformers, ITG "
		  "2023; its weights: CC BY-NC-SA 4.0, not for commercial use",
	.licence = "Apache-2.0", .state_size = sizeof(age_gender_state), FV_PARAMS(params),
	.ops = &ops, .extension = age_gender_extension);

FV_PLUGIN_ENTRY
{
	return &descriptor;
}
