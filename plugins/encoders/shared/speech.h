/* SPDX-License-Identifier: Apache-2.0 */
/* What wavlm, wav2vec2 and wav2vec2_age_gender share: from a file of weights, as Hugging Face,
 * s3prl (fairseq) or torchaudio wrote it, to a trunk (fairvox/trunk.h).
 *
 * Sizes come from config.json beside the file, from the configuration inside it (s3prl), or else
 * from the tensors themselves and from what all published models have in common. Then a census:
 * every tensor is there, once, with its exact shape, and none is there that is not known. */
#ifndef ENCODERS_SPEECH_H
#define ENCODERS_SPEECH_H

#include <stdbool.h>

#include <fairvox/fairvox.h>

/* A tensor beside the trunk's; a size of 0 stands for the trunk's width. */
typedef struct speech_extra {
	const char *name;
	int32_t rank;
	int64_t dims[2];
} speech_extra;

typedef struct speech_kind {
	bool position_bias;        /* the trunk has buckets and gates */
	bool scaled;               /* waves are scaled, whatever other signs there are */
	const speech_extra *extra; /* [n_extra] */
	int32_t n_extra;
	const char *const *types; /* model_type of config.json; ends with NULL */
} speech_kind;

enum speech_wave { SPEECH_WAVE_AUTO, SPEECH_WAVE_ZSCORE, SPEECH_WAVE_RAW };

/* Parameters, filled by the core, and what open() makes of them and the file. */
typedef struct speech_state {
	int32_t precision; /* fv_precision */
	int32_t wave;      /* enum speech_wave */
	int64_t heads;     /* 0: from the file */
	fv_trunk_shape shape;
	fv_trunk *trunk;
	bool scaled; /* (x - mean) / sqrt(variance + 1e-7) */
	char identity[512];
} speech_state;

#define SPEECH_PARAMS(state, member)                                                               \
	FV_PARAM_CHOICE(state, member.precision, .name = "precision",                              \
		.choices = "fp32|bf16x3|bf16", .def_paper = "fp32",                                \
		.doc = "Products of float32 numbers, of sums of two bfloat16 numbers, or of "      \
		       "bfloat16 numbers; sums are float32."),                                     \
		FV_PARAM_CHOICE(state, member.wave, .name = "wave", .choices = "auto|zscore|raw",  \
			.def_paper = "auto",                                                       \
			.doc = "zscore: each recording is (x - mean) / sqrt(variance + 1e-7); "    \
			       "auto: as the model was trained."),                                 \
		FV_PARAM_INT(state, member.heads, .name = "heads", .min = 0, .max = 1024,          \
			.def_paper = "0",                                                          \
			.doc = "Attention heads; 0: as the file or config.json beside it says.")

/* Reads `path` and opens the trunk. extra [kind->n_extra] gets the tensors beside it, which live
 * until the state is closed; NULL where there are none. Errors: FV_DATA, FV_CONFIG (heads). [run]
 */
FV_NODISCARD fv_status speech_open(
	speech_state *s, fv_ctx *ctx, const char *path, const speech_kind *kind, float **extra);

/* Fills what all of these encoders have in common. */
void speech_fill_info(const speech_state *s, fv_encoder_info *info);

/* All states -> out [L,T,width] or [L,width]. [worker] */
FV_NODISCARD fv_status speech_encode(const speech_state *s, fv_ctx *worker, const float *wave,
	int64_t n, int32_t pooled, float *out);

/* Encoders whose one output is `states`: all of their state, and ops on it. */
typedef struct speech_states {
	speech_state speech;
	fv_output output;
} speech_states;

FV_NODISCARD fv_status speech_states_open(
	speech_states *s, fv_ctx *ctx, const char *path, const speech_kind *kind);
fv_status speech_states_info(const void *state, fv_ctx *ctx, fv_encoder_info *info);
int64_t speech_states_frames(const void *state, int32_t output, int64_t n);
fv_status speech_states_encode(const void *state, fv_ctx *worker, int32_t output, const float *wave,
	int64_t n, int32_t pooled, float *out);

/* The output `states` of an open trunk. */
fv_output speech_states_output(const speech_state *s);

/* Whether speech_open would take the file, judged by names, types and shapes. *shape is filled. */
bool speech_fits(const fv_checkpoint *file, const speech_kind *kind, fv_trunk_shape *shape);

#endif
