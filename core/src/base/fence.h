/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that a plugin writes or may only read, placed so that writing beside it, or into it, is
 * noticed. An array ends where memory begins that cannot be touched, so a use behind it crashes at
 * once; before it are known bytes that are compared afterwards. Memory that may only be read is
 * protected by the processor. A crash there is told with the array's name and the distance
 * (core_fence_explain). Reading the known bytes is found by other ones (core_fence_vary_sides). */
#ifndef CORE_BASE_FENCE_H
#define CORE_BASE_FENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/context.h"

typedef struct core_fence core_fence;

/* Makes room for arrays of up to `size` bytes, called `name` ("v"), of which CORE_FENCE_NAME bytes are
 * kept. NULL when memory is out, with a message unless ctx is NULL. */
#define CORE_FENCE_NAME 64
core_fence *core_fence_open(fv_ctx *ctx, const char *name, size_t size);
/* fence may be NULL. A use of its memory crashes. */
void core_fence_close(core_fence *fence);
/* Closes a fence of which it is known for longer that it was: the latest CORE_FENCE_RETIRED of them stay mapped, so that a
 * use crashes and can be explained. For one thread alone. */
#define CORE_FENCE_RETIRED 256
void core_fence_retire(core_fence *fence);

/* Places an array of `size` bytes, for which there must be room; its content is undefined. */
void *core_fence_place(core_fence *fence, size_t size);
/* The same, 64-byte aligned: up to 63 bytes behind it are compared afterwards, like those before it. */
void *core_fence_place_aligned(core_fence *fence, size_t size);

/* The same, in a fence that is opened if *fence is NULL, and again if it has too little room. NULL when
 * memory is out. */
void *core_fence_reserve(fv_ctx *ctx, core_fence **fence, const char *name, size_t size);

/* Returns true if nothing was written beside the array; otherwise writes "wrote 8 bytes before v" or
 * "wrote at byte 0 past the end of v" to `text`. */
bool core_fence_check(core_fence *fence, char *text, size_t size);

/* Opens a fence with copies of n arrays, 64-byte aligned and with known bytes between them, that are protected from being
 * written to -> *to [n] (NULL stays NULL). apart: memory that cannot be touched lies behind each; that takes ten times as
 * long, and two mappings an array of the 65,530 that a process may have. NULL when memory is out. */
typedef struct core_fence_part {
	const char *name; /* a constant: "batch->label" */
	const void *data; /* NULL: none */
	size_t size;
} core_fence_part;
#define CORE_FENCE_PARTS 24 /* at most */
core_fence *core_fence_open_shown(fv_ctx *ctx, const char *name, const core_fence_part *part,
	size_t n, bool apart, const void **to);

/* What lies before arrays of one name, or between their end and the memory that cannot be touched, is a side. From now
 * on sides first <= i < end hold other bytes than usual, in arrays that are placed and shown later. Sides are numbered
 * as they are met while some vary; those from CORE_FENCE_SIDES on never do. */
#define CORE_FENCE_SIDES 256
void core_fence_vary_sides(size_t first, size_t end);
/* Number of sides met so far. */
size_t core_fence_count_sides(void);
/* Writes "past the end of v" or "before v". */
void core_fence_name_side(size_t side, char *text, size_t size);

/* Does the address lie between the fences? */
bool core_fence_holds(const core_fence *fence, const void *address);
/* Does it lie between those of a fence that was retired, as far as that is still known? */
bool core_fence_was_retired(const void *address);

typedef enum core_misuse {
	CORE_MISUSE_NONE,    /* the address is in no fence */
	CORE_MISUSE_BOUNDS,  /* beside an array, or a write into one that may only be read */
	CORE_MISUSE_LIFETIME /* of a retired fence */
} core_misuse;

/* If the address is in or beside memory of a fence, writes how it was misused: "touched byte 0 past the end of v",
 * "wrote at byte 8 of batch->label, which may only be read", "touched byte 0 of v, after its op had
 * returned". Called in signal handlers. */
core_misuse core_fence_explain(const void *address, char *text, size_t size);

#endif
