/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>

#define ALIGN ((size_t)64)
#define CHUNK_MIN ((size_t)1 << 16)

struct core_chunk {
	core_chunk *next;
	size_t size, used; /* bytes after the header */
};

#define HEADER ((sizeof(core_chunk) + ALIGN - 1) / ALIGN * ALIGN)

static core_chunk *make_chunk(size_t bytes)
{
	size_t size = bytes > CHUNK_MIN ? bytes : CHUNK_MIN;
	if (size > SIZE_MAX - HEADER - ALIGN)
		return NULL;
	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	core_chunk *chunk = aligned_alloc(ALIGN, HEADER + size);
	if (!chunk)
		return NULL;
	*chunk = (core_chunk){.size = size};
	return chunk;
}

void *core_arena_alloc(core_arena *arena, size_t bytes)
{
	if (bytes > SIZE_MAX - ALIGN)
		return NULL;
	bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
	core_chunk *chunk = arena->head;
	if (!chunk || chunk->size - chunk->used < bytes) {
		size_t grown = chunk && chunk->size < ((size_t)1 << 24) ? chunk->size * 2 : 0;
		chunk = make_chunk(bytes > grown ? bytes : grown);
		if (!chunk)
			return NULL;
		chunk->next = arena->head;
		arena->head = chunk;
	}
	void *memory = (char *)chunk + HEADER + chunk->used;
	chunk->used += bytes;
	return memory;
}

core_arena_mark core_arena_get_mark(const core_arena *arena)
{
	return (core_arena_mark){arena->head, arena->head ? arena->head->used : 0};
}

void core_arena_release(core_arena *arena, core_arena_mark mark)
{
	while (arena->head != mark.head) {
		core_chunk *next = arena->head->next;
		free(arena->head);
		arena->head = next;
	}
	if (mark.head)
		mark.head->used = mark.used;
}

void core_arena_reset(core_arena *arena)
{
	core_chunk *largest = NULL;
	for (core_chunk *chunk = arena->head, *next; chunk; chunk = next) {
		next = chunk->next;
		if (!largest || chunk->size > largest->size) {
			free(largest);
			largest = chunk;
		} else {
			free(chunk);
		}
	}
	if (largest) {
		largest->next = NULL;
		largest->used = 0;
	}
	arena->head = largest;
}

void core_arena_free(core_arena *arena)
{
	for (core_chunk *chunk = arena->head, *next; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	arena->head = NULL;
}
