/* SPDX-License-Identifier: Apache-2.0 */
/* The core's side of packs (fairvox/pack.h). A pack and everything in it is scratch memory of the worker that
 * opened it, and of its device. */
#ifndef CORE_NN_PACK_H
#define CORE_NN_PACK_H

#include "backend/device.h"

struct fv_pack {
	core_queue *queue;
	const core_device_ops *ops;
	fv_matrix input;
	const fv_layout *utterances; /* a row each */
	const char **
		reason; /* [U] why the utterance has no result (fv_pack_refuse); NULL: it has one */
};

/* Opens a pack of n >= 1 utterances. input: the rows [count_u,width] of one utterance behind those of the
 * other, which are copied. Errors: FV_FAILED, out of memory. [worker] */
FV_NODISCARD fv_status core_pack_open(fv_ctx *worker, core_device *device, int32_t n,
	const int64_t *count, int64_t width, const float *input, fv_pack **out);

/* New rows, count [U] of each utterance, each at least 1. */
fv_matrix core_pack_rows(fv_pack *pack, const int64_t *count, int64_t width);

/* Copies host [n] to the device. NULL: the pack has failed. */
const float *core_pack_put(fv_pack *pack, const float *host, int64_t n);

/* Host memory that lasts as long as the pack. NULL: the pack has failed. */
void *core_pack_host(fv_pack *pack, size_t bytes);

#endif
