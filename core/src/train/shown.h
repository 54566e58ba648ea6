/* SPDX-License-Identifier: Apache-2.0 */
/* What a loss plugin is shown of the data: it may read it, and writing into it is noticed. What stays
 * the same over a run is copied to memory that cannot be written to; what changes with each batch is
 * compared afterwards, which takes less time. */
#ifndef CORE_TRAIN_SHOWN_H
#define CORE_TRAIN_SHOWN_H

#include <fairvox/loss.h>

#include "base/fence.h"

/* Copies the arrays of the rows, the counts and the class weights, and points them at the copies. The
 * fence must be closed when they are no longer needed. apart: as in core_fence_open_shown. NULL: memory is out. */
core_fence *core_show_setup(fv_ctx *ctx, fv_rows *train, fv_rows *dev, fv_counts *count,
	const double **class_weight, bool apart);

/* The same for a batch -> *out, whose arrays are in the fence. */
core_fence *core_show_batch(fv_ctx *ctx, const fv_batch *batch, fv_batch *out);

/* A copy of a batch, to compare it with. */
typedef struct core_batch_copy {
	char *data;
	size_t size;
	fv_batch batch;
} core_batch_copy;

/* Memory lives as long as the context; it grows with the largest batch. Errors: FV_FAILED. */
FV_NODISCARD fv_status core_batch_keep(fv_ctx *ctx, core_batch_copy *copy, const fv_batch *batch);
/* Returns true if the batch is as it was; otherwise writes "wrote at byte 0 of batch->label, which
 * may only be read" to `text`. */
bool core_batch_compare(
	const core_batch_copy *copy, const fv_batch *batch, char *text, size_t size);

#endif
