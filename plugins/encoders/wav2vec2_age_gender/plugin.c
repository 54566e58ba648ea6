/* SPDX-License-Identifier: Apache-2.0 */
/* Encoder `wav2vec2_age_gender`: age of a speaker, and whether the voice is a woman's, a man's or a
 * child's (Burkhardt et al., "Speech-based age and gender prediction with transformers", ITG 2023,
 * arXiv 2306.16962). Models: audeering/wav2vec2-large-robust-6-ft-age-gender and -24-ft-age-gender.
 *
 * With h [width] the mean over the frames of the last state:
 *   age = 100 (A_2 tanh(A_1 h + a_1) + a_2) years,  gender = softmax(G_2 tanh(G_1 h + g_1) + g_2)
 * Outputs: `classes` [1,4] (age, female, male, child) and `states` [layers + 1, width]. */
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
	fv_dense *age[2], *gender[2];
	fv_output output[OUTPUTS];
} age_gender_state;

static const char *const types[] = {"wav2vec2", NULL};
static const speech_kind age_gender = {
	.scaled = true, .extra = extra, .n_extra = TENSORS, .types = types};

/* Opens a head from its four tensors. */
static fv_status open_head(
	fv_ctx *ctx, float *const *tensor, int64_t width, int64_t outputs, fv_dense *head[2])
{
	head[0] = fv_dense_open(ctx, FV_SUMS_DOUBLE, width, width, tensor[0], tensor[1]);
	head[1] = fv_dense_open(ctx, FV_SUMS_DOUBLE, outputs, width, tensor[2], tensor[3]);
	return head[0] && head[1] ? FV_OK : FV_FAILED;
}

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
	float *tensor[TENSORS];
	fv_status status = speech_open(&s->speech, ctx, weights, &age_gender, tensor);
	int64_t width = s->speech.shape.width;
	if (!status)
		status = open_head(ctx, tensor + AGE_DENSE_WEIGHT, width, 1, s->age);
	if (!status)
		status = open_head(ctx, tensor + GENDER_DENSE_WEIGHT, width, GENDERS, s->gender);
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

/* Applies a head to the means h [U,width]: y = f(factor (W_2 tanh(W_1 h + b_1) + b_2)). */
static void apply_head(fv_pack *pack, fv_dense *const head[2], fv_matrix h, fv_function f,
	double factor, fv_matrix y)
{
	fv_matrix inner = fv_pack_utterances(pack, h.width);
	fv_pack_dense(pack, head[0], FV_FUNCTION_TANH, 1, h, inner);
	fv_pack_dense(pack, head[1], f, factor, inner, y);
}

static fv_status age_gender_batch(const void *state, fv_ctx *worker, int32_t output, fv_pack *pack,
	int32_t pooled, float *const *out)
{
	const age_gender_state *s = state;
	(void)worker;
	if (output == STATES)
		return fv_trunk_batch(s->speech.trunk, pack, s->speech.scaled, pooled, out);
	fv_matrix last = fv_trunk_last(s->speech.trunk, pack, s->speech.scaled);
	fv_matrix h = fv_pack_utterances(pack, s->speech.shape.width);
	fv_matrix classes = fv_pack_utterances(pack, 1 + GENDERS);
	fv_pack_mean(pack, FV_SUMS_DOUBLE, last, h);
	apply_head(pack, s->age, h, FV_FUNCTION_NONE, 100, fv_columns(classes, 0, 1));
	apply_head(pack, s->gender, h, FV_FUNCTION_SOFTMAX, 1, fv_columns(classes, 1, GENDERS));
	fv_pack_fetch(pack, classes, 0, out);
	return fv_pack_wait(pack);
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
	.frames = age_gender_frames, .batch = age_gender_batch);

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
