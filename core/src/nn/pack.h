/* SPDX-License-Identifier: Apache-2.0 */
/* Packs: utterances of different lengths that go through a network together. Their rows lie one behind
 * the other, without padding. A pack and everything in it is scratch memory of the worker that opened it, and
 * of its device. After a failure its functions go on with nothing in their hands, and core_pack_wait
 * tells the failure. */
#ifndef CORE_NN_PACK_H
#define CORE_NN_PACK_H

#include "backend/device.h"

typedef struct core_pack {
	core_queue *queue;
	const core_device_ops *ops;
	core_rows input;
	const core_layout *utterances; /* a row each */
} core_pack;

/* Opens a pack of n >= 1 utterances. input: the rows [count_u,width] of one utterance behind those of the
 * other, which are copied. Errors: FV_FAILED, out of memory. [worker] */
FV_NODISCARD fv_status core_pack_open(fv_ctx *worker, core_device *device, int32_t n,
	const int64_t *count, int64_t width, const float *input, core_pack **out);

/* The layout of other rows of the same utterances, count [n] >= 1 each. */
const core_layout *core_pack_layout(core_pack *pack, const int64_t *count);

/* Memory for rows, without gaps. */
core_rows core_pack_rows(core_pack *pack, const core_layout *layout, int64_t width);

/* Copies host [n] to the device. NULL: the pack has failed. */
const float *core_pack_put(core_pack *pack, const float *host, int64_t n);

/* Host memory that lasts as long as the pack. NULL: the pack has failed. */
void *core_pack_host(core_pack *pack, size_t bytes);

/* Waits for all operations. Returns the status of the first failure. */
FV_NODISCARD fv_status core_pack_wait(core_pack *pack);

#endif
