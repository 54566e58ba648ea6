/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that is given back all at once. */
#ifndef CORE_BASE_ARENA_H
#define CORE_BASE_ARENA_H

#include <stddef.h>

typedef struct core_chunk core_chunk;

typedef struct core_arena {
	core_chunk *head; /* chunk in use, linked to older ones */
} core_arena;

void *core_arena_alloc(core_arena *arena, size_t bytes); /* 64-byte aligned; NULL when out */
void core_arena_reset(core_arena *arena);                /* keeps the largest chunk */
void core_arena_free(core_arena *arena);

/* A place in the arena; releasing it gives back what was allocated since. Marks are released in the reverse
 * order of their making, and none outlives a reset. */
typedef struct core_arena_mark {
	core_chunk *head;
	size_t used;
} core_arena_mark;

core_arena_mark core_arena_get_mark(const core_arena *arena);
void core_arena_release(core_arena *arena, core_arena_mark mark);

#endif
