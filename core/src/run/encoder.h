/* SPDX-License-Identifier: Apache-2.0 */
/* An open encoder plugin with its weights, and the key under which its features are cached. */
#ifndef CORE_RUN_ENCODER_H
#define CORE_RUN_ENCODER_H

#include <fairvox/encoder.h>

#include "base/hash.h"
#include "config/spec.h"
#include "corpus/audio.h"
#include "run/device_choice.h"

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
	const char *weights;        /* their file */
	/* Where recordings are encoded: in a process that opens the device and the encoder on it (pipeline.h), since
	 * this one has no constants. NULL: on the CPU, by this one. */
	const core_device_choice *device;
	char key[CORE_SHA256_HEX];
} core_encoder;

/* The encoder lives as long as the context; call core_encoder_close before the context is freed.
 * device: where recordings are encoded if the encoder can compute there; NULL: on the CPU.
 * Errors: FV_DATA (weights), FV_CONFIG (unknown output, layer out of range). */
FV_NODISCARD fv_status core_encoder_open(
	fv_ctx *ctx, const core_encoder_spec *spec, core_device_choice *device, core_encoder **out);
/* Opens an encoder once more, on the device of the context, with its constants. */
FV_NODISCARD fv_status core_encoder_open_again(
	fv_ctx *ctx, const core_encoder *encoder, core_encoder **out);
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

/* --- packs: what the pipeline calls --- */

/* Normalises a wave and makes the network's input of it, in scratch memory of ctx or in the wave. [worker] */
FV_NODISCARD fv_status core_encoder_prepare(
	fv_ctx *ctx, const core_encoder *encoder, const char *path, core_wave *wave, fv_feed *feed);
/* The number of frames of a wave, for an output with frames. [worker] */
FV_NODISCARD fv_status core_encoder_count_frames(
	fv_ctx *ctx, const core_encoder *encoder, const core_wave *wave, int64_t *frames);

/* Inputs of n utterances, one behind the other, and how many numbers each gives. */
typedef struct core_encoder_pack {
	int32_t n, pooled;
	int64_t width;
	const int64_t *rows, *results; /* [n] */
	const float *input;            /* [rows of all, width] */
} core_encoder_pack;

/* Encodes a pack. out[u] are in memory of the encoder, until the next call. reason[u]: why an utterance has no
 * result, in memory of the context; NULL: it has one. */
FV_NODISCARD fv_status core_encoder_encode_pack(fv_ctx *ctx, core_encoder *encoder,
	core_device *device, const core_encoder_pack *pack, float **out, const char **reason);
/* Reports that an utterance has no result, or one with numbers that are not finite. */
FV_NODISCARD fv_status core_encoder_check_result(fv_ctx *ctx, const core_encoder *encoder,
	const char *path, const char *reason, const float *result, int64_t count);

const char *core_normalize_name(core_normalize normalize);

#endif
