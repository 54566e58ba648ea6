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

#endif
