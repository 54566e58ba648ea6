/* SPDX-License-Identifier: Apache-2.0 */
/* Carries items of any length from worker processes to one process that takes them, through memory that they
 * share. Each worker has some slots of its own, which it fills in turn; an item that is longer than a slot is
 * carried in parts. A worker that dies loses only the item that it was putting: its successor goes on with
 * the same slots. */
#ifndef CORE_RUN_RING_H
#define CORE_RUN_RING_H

#include <stdbool.h>

#include "base/context.h"

typedef struct core_ring core_ring;

/* rows x width numbers of one task, and what goes with them */
typedef struct core_ring_item {
	int64_t task, rows, width, frames;
	bool silent;
	const float *data; /* [rows,width] */
} core_ring_item;

/* Opens a ring for `workers` workers and the tasks 0 .. tasks-1. Call it before the processes start. Errors:
 * FV_FAILED; *out is then NULL. */
FV_NODISCARD fv_status core_ring_open(fv_ctx *ctx, int workers, int64_t tasks, core_ring **out);
void core_ring_close(core_ring *ring); /* NULL is allowed */

/* [worker] Copies an item into the slots of a worker, and waits while they are full. */
void core_ring_put(core_ring *ring, int worker, const core_ring_item *item);

/* Says that nothing will be put any more. */
void core_ring_end(core_ring *ring);

/* [taker] Waits for an item that has arrived whole. item->data is valid until the next call. item->task is -1
 * when the ring has ended and is empty. Errors: FV_FAILED, out of memory. */
FV_NODISCARD fv_status core_ring_take(core_ring *ring, fv_ctx *ctx, core_ring_item *item);

/* Has the task been put whole? */
bool core_ring_has(const core_ring *ring, int64_t task);

#endif
