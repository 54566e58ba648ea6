/* SPDX-License-Identifier: Apache-2.0 */
/* A bump allocator whose memory is freed all at once. A guarded one gives each piece of memory a fence, so
 * that writing beside it is noticed. */
#ifndef CORE_BASE_ARENA_H
#define CORE_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

typedef struct core_chunk core_chunk;
typedef struct core_fence core_fence;

typedef struct core_arena {
	core_chunk *head;  /* the chunk in use, linked to older ones */
	core_chunk *spare; /* the largest one that a release left over; NULL: none */
	size_t used, peak; /* bytes in use now, and at most since the arena was made */
	bool guarded;      /* puts fences around what is allocated from now on */
	size_t fences;     /* open ones */
} core_arena;

/* 64-byte aligned; NULL when memory is out */
void *core_arena_alloc(core_arena *arena, size_t bytes);
/* The same; `name` is what a guarded arena calls the memory in messages. */
void *core_arena_alloc_named(core_arena *arena, size_t bytes, const char *name);
/* Returns NULL if nothing was written beside the memory of a guarded arena; otherwise the fence of that memory, the one
 * allocated last of those concerned, and writes "wrote 8 bytes before NAME" or the like to `text`. */
core_fence *core_arena_find_damage(const core_arena *arena, char *text, size_t size);
/* Does the address lie in memory that the arena gave? Memory that was given before a reset counts while the arena has it. */
bool core_arena_holds(const core_arena *arena, const void *address);
/* Keeps at most one chunk. The next one holds as much as was ever in use at once, so that work of the
 * same size again finds its memory in one piece. */
void core_arena_reset(core_arena *arena);
/* The same for memory that its users may have kept by mistake: from now on they read 0xff there, NaN and -1, and a use
 * of guarded memory crashes. */
void core_arena_retire(core_arena *arena);
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
