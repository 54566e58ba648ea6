/* SPDX-License-Identifier: Apache-2.0 */
/* Calls the ops of an encoder plugin that turn waves into results: encode, or prepare and batch. */
#ifndef CORE_NN_ENCODE_H
#define CORE_NN_ENCODE_H

#include <fairvox/encoder.h>

#include "backend/device.h"

/* The network's input for one utterance, [rows,width], in scratch memory of `worker`. */
struct fv_feed {
	fv_ctx *worker;
	float *data;
	int64_t rows, width;
};

typedef struct core_encode_call {
	const fv_encoder_ops *ops;
	const void *state;
	int32_t output, pooled;
} core_encode_call;

/* Makes the input of an encoder with the op batch from wave [n]: what prepare writes, or the wave itself, which is
 * then not copied. Errors: prepare's; FV_FAILED if it writes nothing. [worker] */
FV_NODISCARD fv_status core_encode_feed(
	const core_encode_call *call, fv_ctx *worker, const float *wave, int64_t n, fv_feed *feed);

/* Encodes n utterances together on a device: input holds the rows [count_u,width] of one utterance behind those of
 * the other. out[u] [L,D] or [L,T,D]. reason[u]: why utterance u has no result, in scratch memory, or NULL.
 * [worker] */
FV_NODISCARD fv_status core_encode_pack(const core_encode_call *call, fv_ctx *worker,
	core_device *device, int32_t n, const int64_t *count, int64_t width, const float *input,
	float *const *out, const char **reason);

/* Encodes wave [n] into out by the op encode, or alone by prepare and batch. [worker] */
FV_NODISCARD fv_status core_encode_wave(const core_encode_call *call, fv_ctx *worker,
	core_device *device, const float *wave, int64_t n, float *out);

#endif
