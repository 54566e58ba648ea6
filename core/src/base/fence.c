/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fence.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fence_private.h"

#define MARGIN 1024            /* known bytes before an array */
#define OPEN_MAX 2048          /* fences beyond them work, but crashes there are not explained */
#define WALL ((size_t)1 << 18) /* bytes on either side that cannot be touched */
#define ALIGN ((size_t)64)

/* Lies in the first page of its own mapping, in front of the first wall. */
struct core_fence {
	char name[CORE_FENCE_NAME];
	size_t whole, inside; /* bytes of the mapping; between the walls */
	char *inner;          /* between the walls */
	char *data;           /* the array that was placed last */
	size_t size;
	size_t tail;           /* known bytes between its end and the wall: it is aligned */
	unsigned char mark[2]; /* what they are, before and behind */
	size_t slot;           /* in open_fences; OPEN_MAX: none */
	bool retired;
	core_fence_part part[CORE_FENCE_PARTS]; /* what is shown, in order of address */
	size_t n_parts;
};

/* The open fences, for signal handlers. */
static core_fence *open_fences[OPEN_MAX];
static size_t next_slot; /* where to look for a free one */

static struct {
	core_fence *fence[CORE_FENCE_RETIRED];
	size_t oldest;
} retired;

/* Fences that were closed, to be opened again: a mapping costs more than all else. Their memory cannot be touched
 * meanwhile, and that of the last few of the same room is not used, so that what an op keeps of it is noticed. In the
 * order in which they were closed. */
#define CLOSED_MAX 512
#define CLOSED_REST 8
#define CLOSED_INSIDE ((size_t)1 << 16) /* larger ones are unmapped */
static struct {
	pthread_mutex_t lock;
	size_t n;
	core_fence *fence[CLOSED_MAX];
	size_t inside[CLOSED_MAX]; /* of each, all together: the search is quick */
} closed = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void register_fence(core_fence *fence)
{
	fence->slot = OPEN_MAX;
	for (size_t i = 0; i < OPEN_MAX && fence->slot == OPEN_MAX; i++) {
		size_t slot = (next_slot + i) % OPEN_MAX;
		if (!open_fences[slot])
			fence->slot = slot;
	}
	if (fence->slot == OPEN_MAX)
		return;
	open_fences[fence->slot] = fence;
	next_slot = fence->slot + 1;
}

static size_t round_up(size_t size)
{
	return (size + ALIGN - 1) / ALIGN * ALIGN;
}

/* Removes closed fence i from the list. */
static core_fence *remove_closed(size_t i)
{
	core_fence *fence = closed.fence[i];
	const size_t behind = --closed.n - i;
	memmove(&closed.fence[i], &closed.fence[i + 1], behind * sizeof *closed.fence);
	memmove(&closed.inside[i], &closed.inside[i + 1], behind * sizeof *closed.inside);
	return fence;
}

static void unmap_fence(core_fence *fence)
{
	if (fence->slot < OPEN_MAX)
		open_fences[fence->slot] = NULL;
	munmap(fence, fence->whole);
}

/* Opens the fence of this room that was closed first; NULL if there is none. */
static core_fence *reopen_fence(size_t inside)
{
	core_fence *fence = NULL;
	size_t n = 0, first = 0;
	pthread_mutex_lock(&closed.lock);
	for (size_t i = closed.n; i-- > 0;)
		if (closed.inside[i] == inside) {
			first = i;
			n++;
		}
	if (n > CLOSED_REST)
		fence = remove_closed(first);
	pthread_mutex_unlock(&closed.lock);
	if (fence && mprotect(fence->inner, inside, PROT_READ | PROT_WRITE)) {
		unmap_fence(fence);
		return NULL;
	}
	if (fence) {
		fence->retired = false;
		fence->data = NULL;
		fence->n_parts = 0;
	}
	return fence;
}

/* Makes what lies between the walls, or before them, usable. The walls hold nothing, so they are left out of dumps: that
 * also keeps the kernel from joining and splitting mappings whenever a fence is closed and opened, which takes longer than
 * the rest of these calls. */
static bool open_part(char *at, size_t size)
{
	return !mprotect(at, size, PROT_READ | PROT_WRITE) && !madvise(at, size, MADV_DODUMP);
}

static core_fence *map_fence(size_t inside)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t head = (sizeof(core_fence) + page - 1) / page * page;
	size_t whole = head + WALL + inside + WALL;
	char *map =
		mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	if (madvise(map, whole, MADV_DONTDUMP) || !open_part(map, head) ||
		!open_part(map + head + WALL, inside)) {
		munmap(map, whole);
		return NULL;
	}
	core_fence *fence = (core_fence *)(void *)map;
	fence->whole = whole;
	fence->inside = inside;
	fence->inner = map + head + WALL;
	register_fence(fence);
	return fence;
}

core_fence *core_fence_open(fv_ctx *ctx, const char *name, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t inside = (round_up(size) + MARGIN + page - 1) / page * page;
	core_fence *fence = reopen_fence(inside);
	if (!fence)
		fence = map_fence(inside);
	if (!fence) {
		if (ctx)
			(void)fv_fail(ctx, FV_FAILED, "out of memory (%zu bytes)", inside);
		return NULL;
	}
	snprintf(fence->name, sizeof fence->name, "%s", name);
	(void)core_fence_place(fence, size);
	return fence;
}

/* Makes its memory unusable, unless it is already. False: it still can be used. */
static bool protect_fence(core_fence *fence)
{
	if (!fence->retired)
		fence->retired = !mprotect(fence->inner, fence->inside, PROT_NONE);
	return fence->retired;
}

void core_fence_close(core_fence *fence)
{
	if (!fence)
		return;
	if (fence->inside > CLOSED_INSIDE || !protect_fence(fence)) {
		unmap_fence(fence);
		return;
	}
	pthread_mutex_lock(&closed.lock);
	core_fence *first = closed.n == CLOSED_MAX ? remove_closed(0) : NULL;
	closed.inside[closed.n] = fence->inside;
	closed.fence[closed.n++] = fence;
	pthread_mutex_unlock(&closed.lock);
	if (first)
		unmap_fence(first);
}

void core_fence_retire(core_fence *fence)
{
	core_fence **slot = &retired.fence[retired.oldest];
	core_fence_close(*slot);
	*slot = fence;
	retired.oldest = (retired.oldest + 1) % CORE_FENCE_RETIRED;
	if (fence->inside > CLOSED_INSIDE) /* smaller ones will be opened again */
		madvise(fence->inner, fence->inside, MADV_DONTNEED);
	(void)protect_fence(fence);
}

bool core_fence_holds(const core_fence *fence, const void *address)
{
	uintptr_t at = (uintptr_t)address, start = (uintptr_t)fence->inner;
	return at >= start && at - start < fence->inside;
}

static void *place_before(core_fence *fence, size_t size, size_t tail)
{
	char *data = fence->inner + fence->inside - tail - size;
	if (fence->data != data || fence->tail != tail) {
		fence->data = data;
		fence->size = size;
		fence->tail = tail;
		fence->mark[0] = core_fence_get_mark(fence->name, false);
		fence->mark[1] = core_fence_get_mark(fence->name, true);
		memset(data - MARGIN, fence->mark[0], MARGIN);
		memset(data + size, fence->mark[1], tail);
	}
	return data;
}

void *core_fence_place(core_fence *fence, size_t size)
{
	return place_before(fence, size, 0);
}

void *core_fence_place_aligned(core_fence *fence, size_t size)
{
	return place_before(fence, size, round_up(size) - size);
}

void *core_fence_reserve(fv_ctx *ctx, core_fence **fence, const char *name, size_t size)
{
	if (*fence && (*fence)->inside - MARGIN < round_up(size)) {
		core_fence_close(*fence);
		*fence = NULL;
	}
	if (!*fence)
		*fence = core_fence_open(ctx, name, size);
	return *fence ? core_fence_place(*fence, size) : NULL;
}

/* Returns the position of the first byte that is not `mark`; n if all are. */
static size_t find_written(const char *bytes, size_t n, unsigned char mark)
{
	size_t at = 0;
	if (n && (unsigned char)bytes[0] == mark && !memcmp(bytes, bytes + 1, n - 1))
		return n;
	while (at < n && (unsigned char)bytes[at] == mark)
		at++;
	return at;
}

bool core_fence_check(core_fence *fence, char *text, size_t size)
{
	size_t before = find_written(fence->data - MARGIN, MARGIN, fence->mark[0]);
	size_t behind = find_written(fence->data + fence->size, fence->tail, fence->mark[1]);
	if (before == MARGIN && behind == fence->tail)
		return true;
	if (before < MARGIN)
		snprintf(text, size, "wrote %zu bytes before %s", MARGIN - before, fence->name);
	else
		snprintf(text, size, "wrote at byte %zu past the end of %s", behind, fence->name);
	memset(fence->data - MARGIN, fence->mark[0], MARGIN);
	memset(fence->data + fence->size, fence->mark[1], fence->tail);
	return false;
}

/* Bytes of a shown array with known bytes before and behind it; apart: in whole pages, and one more that cannot be
 * touched. */
static size_t measure_part(size_t size, bool apart)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = MARGIN + round_up(size);
	return apart ? (bytes + page - 1) / page * page + page : bytes;
}

/* Copies an array so that `behind` bytes lie between its end and that of the whole. */
static const void *copy_part(
	core_fence *fence, const core_fence_part *part, char *begin, size_t whole, size_t behind)
{
	char *end = begin + whole;
	char *data = end - behind - round_up(part->size), *tail = data + part->size;
	memset(begin, core_fence_get_mark(part->name, false), (size_t)(data - begin));
	memcpy(data, part->data, part->size);
	memset(tail, core_fence_get_mark(part->name, true), (size_t)(end - tail));
	fence->part[fence->n_parts++] = (core_fence_part){part->name, data, part->size};
	return data;
}

/* Fills in a fence that was opened for these arrays. */
static void show_parts(
	core_fence *fence, const core_fence_part *part, size_t n, bool apart, const void **to)
{
	const size_t wall = apart ? (size_t)sysconf(_SC_PAGESIZE) : 0;
	char *at = fence->inner;
	fence->data = NULL;
	for (size_t i = 0; i < n; i++) {
		to[i] = NULL;
		if (!part[i].data)
			continue;
		size_t whole = measure_part(part[i].size, apart) - wall;
		to[i] = copy_part(fence, &part[i], at, whole, apart ? 0 : MARGIN / 2);
		if (apart) {
			mprotect(at, whole, PROT_READ);
			mprotect(at + whole, wall, PROT_NONE);
		}
		at += whole + wall;
	}
	if (!apart)
		mprotect(fence->inner, fence->inside, PROT_READ);
}

core_fence *core_fence_open_shown(fv_ctx *ctx, const char *name, const core_fence_part *part,
	size_t n, bool apart, const void **to)
{
	size_t room = 0;
	for (size_t i = 0; i < n; i++)
		room += part[i].data ? measure_part(part[i].size, apart) : 0;
	core_fence *fence = core_fence_open(ctx, name, room);
	if (fence)
		show_parts(fence, part, n, apart, to);
	return fence;
}

bool core_fence_was_retired(const void *address)
{
	for (size_t i = 0; i < CORE_FENCE_RETIRED; i++)
		if (retired.fence[i] && core_fence_holds(retired.fence[i], address))
			return true;
	return false;
}

static const core_fence *find_fence(const char *at)
{
	for (size_t i = 0; i < OPEN_MAX; i++) {
		const core_fence *f = open_fences[i];
		if (f && at >= f->inner - WALL && at < f->inner + f->inside + WALL)
			return f;
	}
	return NULL;
}

/* What is shown there, or begins soon after it, or ends before it. */
static const core_fence_part *find_part(const core_fence *f, const char *at)
{
	size_t i = f->n_parts;
	while (i && (const char *)f->part[i - 1].data > at + MARGIN / 2)
		i--;
	return i ? &f->part[i - 1] : NULL;
}

core_misuse core_fence_explain(const void *address, char *text, size_t size)
{
	const char *at = address;
	const core_fence *f = find_fence(at);
	const core_fence_part *part = f ? find_part(f, at) : NULL;
	if (!f)
		return CORE_MISUSE_NONE;
	const char *name = part ? part->name : f->name, *begin = part ? part->data : f->data;
	size_t bytes = part ? part->size : f->size;
	if (f->retired && at >= begin && at < begin + bytes) {
		snprintf(text, size, "touched byte %zu of %s, after its op had returned",
			(size_t)(at - begin), name);
		return CORE_MISUSE_LIFETIME;
	}
	if (!begin)
		snprintf(text, size, "touched memory before %s", name);
	else if (at >= begin + bytes)
		snprintf(text, size, "touched byte %zu past the end of %s",
			(size_t)(at - begin) - bytes, name);
	else if (at < begin)
		snprintf(text, size, "touched byte %zu before %s", (size_t)(begin - at), name);
	else
		snprintf(text, size, "wrote at byte %zu of %s, which may only be read",
			(size_t)(at - begin), name);
	return CORE_MISUSE_BOUNDS;
}
