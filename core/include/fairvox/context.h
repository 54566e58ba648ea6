/* SPDX-License-Identifier: Apache-2.0 */
/* The context of one run or one worker: messages, memory, arrays that outlive a step.
 *
 * A plugin gets it in every call and passes it on. It is never stored beyond the call.
 */
#ifndef FAIRVOX_CONTEXT_H
#define FAIRVOX_CONTEXT_H

#include <fairvox/abi.h>
#include <fairvox/status.h>

FV_BEGIN_DECLS

typedef struct fv_ctx fv_ctx;

typedef enum fv_type { FV_F32, FV_F64, FV_I32, FV_I64, FV_U8 } fv_type;

/* Records one line (printf format, no newline) and returns `status`, so that a plugin can write
 * `return fv_fail(ctx, FV_DATA, "%s: byte %d: ...", ...)`. Several lines may be recorded before the
 * call returns; the user sees all of them. The core adds the plugin's name.   [run, worker] */
fv_status fv_fail(fv_ctx *ctx, fv_status status, const char *format, ...) FV_PRINTF(3, 4);

/* Tells the user something worth knowing that is no failure. Said once per text and run. */
void fv_warn(fv_ctx *ctx, const char *format, ...) FV_PRINTF(2, 3);

/* A named array [n0, n1] that the core owns, saves with the run's state and restores bit by bit.
 * The first call makes it, zeroed, 64-byte aligned; later calls with the same name return the same
 * memory and must ask for the same shape. NULL (and a message) when memory is out or shapes differ.
 * Per-utterance state is indexed by training row, never by position in a batch.   [run] */
void *fv_array(fv_ctx *ctx, const char *name, fv_type type, int64_t n0, int64_t n1);

/* Memory for this call only, 64-byte aligned, not zeroed; reclaimed when the op returns.
 * NULL (and a message) when memory is out.   [run, worker] */
void *fv_scratch(fv_ctx *ctx, size_t bytes);

/* Memory that lives as long as the plugin's state (until close), zeroed, 64-byte aligned.
 * NULL (and a message) when memory is out.   [run] */
void *fv_alloc(fv_ctx *ctx, size_t bytes);

FV_END_DECLS

#endif
