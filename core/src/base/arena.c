/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/fence.h"

#define ALIGN ((size_t)64)
#define CHUNK_MIN ((size_t)1 << 16)
#define FENCES_MAX 4096 /* a process may have 65530 mappings, and a fence takes four */

struct core_chunk {
	core_chunk *next;
	core_fence *fence; /* holds the memory instead; NULL: none */
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

static void free_chunk(core_arena *arena, core_chunk *chunk)
{
	if (chunk && chunk->fence) {
		core_fence_close(chunk->fence);
		arena->fences--;
	}
	free(chunk);
}

/* Returns the spare chunk if it is large enough, else a new one; NULL when memory is out. */
static core_chunk *find_chunk(core_arena *arena, size_t bytes)
{
	core_chunk *spare = arena->spare;
	if (!spare || spare->size < bytes)
		return make_chunk(bytes);
	arena->spare = NULL;
	spare->used = 0;
	return spare;
}

static void keep_larger(core_arena *arena, core_chunk *chunk)
{
	bool larger = !chunk->fence && (!arena->spare || chunk->size > arena->spare->size);
	free_chunk(arena, larger ? arena->spare : chunk);
	if (larger)
		arena->spare = chunk;
}

static void count_bytes(core_arena *arena, size_t bytes)
{
	arena->used += bytes;
	arena->peak = arena->used > arena->peak ? arena->used : arena->peak;
}

/* Returns memory between fences, a chunk of its own; NULL when there cannot be more. */
static void *allocate_fenced(core_arena *arena, size_t bytes, const char *name)
{
	core_fence *fence = arena->fences < FENCES_MAX ? core_fence_open(NULL, name, bytes) : NULL;
	core_chunk *chunk = fence ? malloc(sizeof *chunk) : NULL;
	if (!chunk) {
		core_fence_close(fence);
		return NULL;
	}
	*chunk = (core_chunk){.next = arena->head, .fence = fence, .size = bytes, .used = bytes};
	arena->head = chunk;
	arena->fences++;
	count_bytes(arena, bytes);
	return core_fence_place_aligned(fence, bytes);
}

void *core_arena_alloc_named(core_arena *arena, size_t bytes, const char *name)
{
	void *memory = arena->guarded && bytes <= SIZE_MAX / 2 ? allocate_fenced(arena, bytes, name)
							       : NULL;
	return memory ? memory : core_arena_alloc(arena, bytes);
}

void *core_arena_alloc(core_arena *arena, size_t bytes)
{
	if (bytes > SIZE_MAX - ALIGN)
		return NULL;
	bytes = (bytes + ALIGN - 1) / ALIGN * ALIGN;
	core_chunk *chunk = arena->head;
	if (!chunk || chunk->fence || chunk->size - chunk->used < bytes) {
		size_t grown = !chunk                            ? arena->peak
			       : chunk->size < ((size_t)1 << 24) ? chunk->size * 2
								 : 0;
		chunk = find_chunk(arena, bytes > grown ? bytes : grown);
		if (!chunk)
			return NULL;
		chunk->next = arena->head;
		arena->head = chunk;
	}
	void *memory = (char *)chunk + HEADER + chunk->used;
	chunk->used += bytes;
	count_bytes(arena, bytes);
	return memory;
}

core_arena_mark core_arena_get_mark(const core_arena *arena)
{
	return (core_arena_mark){arena->head, arena->head ? arena->head->used : 0, arena->used};
}

void core_arena_release(core_arena *arena, core_arena_mark mark)
{
	while (arena->head != mark.head) {
		core_chunk *next = arena->head->next;
		keep_larger(arena, arena->head);
		arena->head = next;
	}
	if (mark.head)
		mark.head->used = mark.used;
	arena->used = mark.total;
}

void core_arena_reset(core_arena *arena)
{
	core_chunk *chunk = arena->head;
	arena->used = 0;
	if (chunk && !chunk->next && !chunk->fence && chunk->size >= arena->peak)
		chunk->used = 0;
	else
		core_arena_free(arena);
}

void core_arena_retire(core_arena *arena)
{
	for (core_chunk *chunk = arena->head; chunk; chunk = chunk->next) {
		if (!chunk->fence) {
			memset((char *)chunk + HEADER, 0xff, chunk->used);
			continue;
		}
		core_fence_retire(chunk->fence);
		chunk->fence = NULL;
		chunk->size = chunk->used = 0;
		arena->fences--;
	}
	core_arena_reset(arena);
}

void core_arena_free(core_arena *arena)
{
	for (core_chunk *chunk = arena->head, *next; chunk; chunk = next) {
		next = chunk->next;
		free_chunk(arena, chunk);
	}
	free_chunk(arena, arena->spare);
	arena->head = arena->spare = NULL;
	arena->used = 0;
}

core_fence *core_arena_find_damage(const core_arena *arena, char *text, size_t size)
{
	for (const core_chunk *chunk = arena->head; chunk; chunk = chunk->next)
		if (chunk->fence && !core_fence_check(chunk->fence, text, size))
			return chunk->fence;
	return NULL;
}

static bool holds_in_chunk(const core_chunk *chunk, const void *address)
{
	uintptr_t start = (uintptr_t)chunk + HEADER;
	if (chunk->fence)
		return core_fence_holds(chunk->fence, address);
	return (uintptr_t)address >= start && (uintptr_t)address - start < chunk->size;
}

bool core_arena_holds(const core_arena *arena, const void *address)
{
	for (const core_chunk *chunk = arena->head; chunk; chunk = chunk->next)
		if (holds_in_chunk(chunk, address))
			return true;
	return arena->spare && holds_in_chunk(arena->spare, address);
}
