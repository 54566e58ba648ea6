/* SPDX-License-Identifier: Apache-2.0 */
/* A bump allocator whose memory is freed all at once. */
#ifndef CORE_BASE_ARENA_H
#define CORE_BASE_ARENA_H

#include <stddef.h>

typedef struct core_chunk core_chunk;

typedef struct core_arena {
	core_chunk *head;  /* the chunk in use, linked to older ones */
	core_chunk *spare; /* the largest one that a release left over; NULL: none */
	size_t used, peak; /* bytes in use now, and at most since the arena was made */
} core_arena;

/* 64-byte aligned; NULL when memory is out */
void *core_arena_alloc(core_arena *arena, size_t bytes);
/* Keeps at most one chunk. The next one holds as much as was ever in use at once, so that work of the
 * same size again finds its memory in one piece. */
void core_arena_reset(core_arena *arena);
void core_arena_free(core_arena *arena);

/* A position in the arena. Releasing it frees everything allocated since. Marks must be released in
 * reverse order and are invalid after a reset. */
typedef struct core_arena_mark {
	core_chunk *head;
	size_t used, total; /* of the chunk, of the arena */
} core_arena_mark;

core_arena_mark core_arena_get_mark(const core_arena *arena);
void core_arena_release(core_arena *arena, core_arena_mark mark);

#endif
