/* SPDX-License-Identifier: Apache-2.0 */
/* What wavlm, wav2vec2 and wav2vec2_age_gender share: opening a trunk (fairvox/trunk.h) from a
 * weights file written by Hugging Face, s3prl (fairseq) or torchaudio.
 *
 * Sizes come from config.json next to the file, from the configuration inside it (s3prl), or else
 * from the tensors and from what all published models have in common. A census then checks that
 * every tensor is there once, with its exact shape, and that there are no unknown tensors. */
#ifndef ENCODERS_SPEECH_H
#define ENCODERS_SPEECH_H

#include <stdbool.h>

#include <fairvox/fairvox.h>

/* A tensor besides the trunk's; a dimension of 0 stands for the trunk's width. */
typedef struct speech_extra {
	const char *name;
	int32_t rank;
	int64_t dims[2];
} speech_extra;

typedef struct speech_kind {
	bool position_bias;        /* the trunk has buckets and gates */
	bool scaled;               /* waves are always z-scored, whatever the configuration says */
	const speech_extra *extra; /* [n_extra] */
	int32_t n_extra;
	const char *const *types; /* model_type of config.json; ends with NULL */
} speech_kind;

enum speech_wave { SPEECH_WAVE_AUTO, SPEECH_WAVE_ZSCORE, SPEECH_WAVE_RAW };

/* Parameters, filled in by the core, and what open() derives from them and the file. */
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
		.choices = "fp32|bf16x3|bf16|tf32", .def_paper = "fp32",                           \
		.doc = "Precision of matrix products: float32, sums of two bfloat16 numbers, "     \
		       "bfloat16, or on GPUs only TensorFloat-32; sums are float32."),             \
		FV_PARAM_CHOICE(state, member.wave, .name = "wave", .choices = "auto|zscore|raw",  \
			.def_paper = "auto",                                                       \
			.doc = "zscore: each recording is (x - mean) / sqrt(variance + 1e-7); "    \
			       "raw: as it is; auto: as the model was trained."),                  \
		FV_PARAM_INT(state, member.heads, .name = "heads", .min = 0, .max = 1024,          \
			.def_paper = "0",                                                          \
			.doc = "Attention heads; 0: as in the file or config.json next to it.")

/* Reads `path` and opens the trunk. extra [kind->n_extra] receives the other tensors, which live
 * until the state is closed; NULL if the kind has none. Errors: FV_DATA, FV_CONFIG (heads). [run]
 */
FV_NODISCARD fv_status speech_open(
	speech_state *s, fv_ctx *ctx, const char *path, const speech_kind *kind, float **extra);

/* Fills in the members of info that are the same for all of these encoders. */
void speech_fill_info(const speech_state *s, fv_encoder_info *info);

/* State and ops of encoders whose only output is `states`. */
typedef struct speech_states {
	speech_state speech;
	fv_output output;
} speech_states;

FV_NODISCARD fv_status speech_states_open(
	speech_states *s, fv_ctx *ctx, const char *path, const speech_kind *kind);
fv_status speech_states_info(const void *state, fv_ctx *ctx, fv_encoder_info *info);
int64_t speech_states_frames(const void *state, int32_t output, int64_t n);
fv_status speech_states_batch(const void *state, fv_ctx *worker, int32_t output, fv_pack *pack,
	int32_t pooled, float *const *out);

/* Returns the output `states` of an open trunk. */
fv_output speech_states_output(const speech_state *s);

/* True if speech_open would accept the file, judged by names, types and shapes. Fills in *shape. */
bool speech_fits(const fv_checkpoint *file, const speech_kind *kind, fv_trunk_shape *shape);

#endif
