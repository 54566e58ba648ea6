/* SPDX-License-Identifier: Apache-2.0 */
/* Collects results of worker processes in one unlinked temporary file, whose end the workers share.
 * A worker that dies while writing leaves nothing behind, because the end moves after the bytes. */
#ifndef CORE_RUN_SPOOL_H
#define CORE_RUN_SPOOL_H

#include <stdbool.h>

#include "base/context.h"

typedef struct core_spool core_spool;

/* Opens a file in `folder` for items 0 .. n-1. Call it before the workers start. Errors: FV_FAILED;
 * *out is then NULL. */
FV_NODISCARD fv_status core_spool_open(
	fv_ctx *ctx, const char *folder, int64_t n, core_spool **out);
void core_spool_close(core_spool *spool); /* NULL is allowed */

/* [worker] Appends the bytes of item i. */
FV_NODISCARD fv_status core_spool_put(
	fv_ctx *ctx, core_spool *spool, int64_t i, const void *data, size_t size);

int64_t core_spool_size(const core_spool *spool); /* of all bytes so far */
int64_t core_spool_item_size(
	const core_spool *spool, int64_t i); /* bytes of item i; 0: not written */

/* [worker] Copies the bytes of an item that was written. */
FV_NODISCARD fv_status core_spool_read(fv_ctx *ctx, const core_spool *spool, int64_t i, void *out);

/* Maps the file once all workers have ended; the bytes of the items live until the spool is
 * closed. */
FV_NODISCARD fv_status core_spool_map(fv_ctx *ctx, core_spool *spool);
const void *core_spool_item_data(const core_spool *spool, int64_t i);

#endif
