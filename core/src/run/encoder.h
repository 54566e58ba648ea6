/* SPDX-License-Identifier: Apache-2.0 */
/* An open encoder plugin with its weights, and the key under which its features are cached. */
#ifndef CORE_RUN_ENCODER_H
#define CORE_RUN_ENCODER_H

#include <fairvox/encoder.h>

#include "base/hash.h"
#include "config/spec.h"
#include "corpus/audio.h"

typedef struct core_encoder {
	const core_encoder_spec *spec;
	const char *name; /* of the plugin */
	void *state;
	const fv_encoder_ops *ops;
	fv_encoder_info info;
	int32_t output;             /* index into info.outputs */
	int32_t layers;             /* L of the output, before `layer` selects one */
	int32_t dims;               /* D */
	double mean, variance;      /* of the training waves, for normalize: corpus */
	struct core_fence *out;     /* where lookup and encode (pooled) write */
	const char *weights_sha256; /* NULL: no weights */
	char key[CORE_SHA256_HEX];
} core_encoder;

/* The encoder lives as long as the context; call core_encoder_close before the context is freed.
 * Errors: FV_DATA (weights), FV_CONFIG (unknown output, layer out of range). */
FV_NODISCARD fv_status core_encoder_open(
	fv_ctx *ctx, const core_encoder_spec *spec, core_encoder **out);
void core_encoder_close(core_encoder *encoder);

/* Sets the moments for normalize: corpus, before anything is encoded. Changes the key. */
FV_NODISCARD fv_status core_encoder_set_corpus(
	fv_ctx *ctx, core_encoder *encoder, double mean, double variance);

/* Reads, cuts, resamples and normalises a recording, or a segment of it (NULL: all), as the spec says
 * and encodes it -> out [L,D]. *silent (NULL allowed): as in core_wave. ctx has no failures yet: those of the
 * plugin get the file's name in front. Errors: FV_DATA naming the file. */
FV_NODISCARD fv_status core_encoder_encode_file(fv_ctx *ctx, const core_encoder *encoder,
	const char *path, const core_segment *segment, float *out, bool *silent);
/* Encodes a wave that is already decoded, cut and resampled as the spec says. Normalises it in
 * place and frees it. */
FV_NODISCARD fv_status core_encoder_encode_wave(
	fv_ctx *ctx, const core_encoder *encoder, const char *path, core_wave *wave, float *out);
/* As core_encoder_encode_file, but frame by frame -> *out [L,*frames,D] in memory of the context. */
FV_NODISCARD fv_status core_encoder_encode_frames(fv_ctx *ctx, const core_encoder *encoder,
	const char *path, float **out, int64_t *frames, bool *silent);
/* Checks that the output has frames. Errors: FV_CONFIG. */
FV_NODISCARD fv_status core_encoder_check_frames(fv_ctx *ctx, const core_encoder *encoder);
/* Looks the features of a recording up by its name (core_path_id), of which at least the last `parts`
 * parts must agree -> out [L,D]. */
FV_NODISCARD fv_status core_encoder_lookup(
	fv_ctx *ctx, const core_encoder *encoder, const char *id, int32_t parts, float *out);

const char *core_normalize_name(core_normalize normalize);

#endif
