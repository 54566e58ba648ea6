/* SPDX-License-Identifier: Apache-2.0 */
/* The context of one run or one worker: messages, memory, and arrays that outlive a step.
 *
 * A plugin receives the context in every call and passes it on. It must not store it.
 */
#ifndef FAIRVOX_CONTEXT_H
#define FAIRVOX_CONTEXT_H

#include <fairvox/abi.h>
#include <fairvox/status.h>

FV_BEGIN_DECLS

typedef struct fv_ctx fv_ctx;

typedef enum fv_type { FV_F32, FV_F64, FV_I32, FV_I64, FV_U8 } fv_type;

/* Records an error message of one line (printf format, no newline) and returns `status`, so that a
 * plugin can write `return fv_fail(ctx, FV_DATA, "%s: byte %d: ...", ...)`. A call may record
 * several messages before it returns; the user sees all of them. An op that returns FV_OK all the same has failed. The core
 * puts the plugin's name in front. [run, worker] */
fv_status fv_fail(fv_ctx *ctx, fv_status status, const char *format, ...) FV_PRINTF(3, 4);

/* Shows the user a warning: something worth knowing that is not an error. The same text is shown
 * once a run. */
void fv_warn(fv_ctx *ctx, const char *format, ...) FV_PRINTF(2, 3);

/* Tells the user what was done with an input, where nothing is wrong: which part of a file was
 * read, for example. The same text is shown once a run. */
void fv_note(fv_ctx *ctx, const char *format, ...) FV_PRINTF(2, 3);

/* Returns the named array [n0, n1], which the core owns, saves with the run's checkpoint and
 * restores bit by bit. The first call creates it, zeroed and 64-byte aligned. Later calls with the
 * same name return the same memory and must ask for the same shape. Returns NULL, with a message,
 * if memory is out or the shapes differ. Write start values in the op `open`: when an interrupted run is continued,
 * the saved values replace them after `open`. Index state about a recording by training row, never by
 * position in a batch.   [run] */
void *fv_array(fv_ctx *ctx, const char *name, fv_type type, int64_t n0, int64_t n1);

/* Returns memory for this call only, 64-byte aligned and not zeroed. The core overwrites and reclaims it
 * when the op returns. Returns NULL, with a message, if memory is out.   [run, worker] */
void *fv_scratch(fv_ctx *ctx, size_t bytes);

/* Returns memory that lives as long as the plugin's state, until close(), 64-byte aligned and
 * zeroed. Returns NULL, with a message, if memory is out.   [run] */
void *fv_alloc(fv_ctx *ctx, size_t bytes);

FV_END_DECLS

#endif
