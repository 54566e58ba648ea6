/* SPDX-License-Identifier: Apache-2.0 */
#include "run/ring.h"

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

enum {
	SLOTS = 4,         /* of a worker */
	PART = 256 * 1024, /* numbers in a slot */
	LOOK_MS =
		100, /* a waiting process looks this often, if the one that would wake it has died */
};

struct slot {
	_Atomic uint32_t full;
	uint64_t serial;      /* grows with each slot that a worker fills: the taker goes by it */
	core_ring_item item;  /* without data */
	int64_t first, count; /* numbers [first, first + count) of the item are in this slot */
};

/* What all processes share. */
struct shared {
	_Atomic uint32_t filled, freed; /* grow when a slot is filled or freed; waited for */
	_Atomic uint32_t ended;
	/* slots, then their numbers, then a byte a task: 1 if it was taken whole */
};

/* What the taker has of the item that a worker is putting in parts. */
struct partial {
	int64_t capacity;
	float *data;
};

struct core_ring {
	int workers;
	int64_t tasks;
	size_t size;
	struct shared *shared;
	struct slot *slot;      /* [workers, SLOTS] */
	float *data;            /* [workers, SLOTS, PART] */
	_Atomic uint8_t *taken; /* [tasks] */
	/* Of the taker alone. */
	struct partial *partial; /* [workers] */
	struct slot *last;       /* the slot behind the item that was given last; NULL: none */
	int turn;                /* the worker that is looked at first */
};

/* --- waiting ------------------------------------------------------------------------------------ */

/* Waits until *word is not `seen`, or for a while. */
static void wait_for_change(_Atomic uint32_t *word, uint32_t seen)
{
	const struct timespec limit = {.tv_nsec = LOOK_MS * 1000000L};
	syscall(SYS_futex, word, FUTEX_WAIT, seen, &limit, NULL, 0);
}

static void tell_change(_Atomic uint32_t *word)
{
	atomic_fetch_add(word, 1);
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

/* --- opening ------------------------------------------------------------------------------------ */

static size_t round_up(size_t n)
{
	return (n + 63) / 64 * 64;
}

/* Maps the shared memory; pages that are never filled cost nothing. */
static bool map_shared(core_ring *r)
{
	size_t slots = (size_t)r->workers * SLOTS;
	size_t head = round_up(sizeof *r->shared), list = round_up(slots * sizeof *r->slot);
	size_t numbers = slots * PART * sizeof *r->data;
	r->size = head + list + numbers + (size_t)r->tasks + 1;
	char *memory = mmap(NULL, r->size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return false;
	r->shared = (struct shared *)(void *)memory;
	r->slot = (struct slot *)(void *)(memory + head);
	r->data = (float *)(void *)(memory + head + list);
	r->taken = (_Atomic uint8_t *)(memory + head + list + numbers);
	return true;
}

fv_status core_ring_open(fv_ctx *ctx, int workers, int64_t tasks, core_ring **out)
{
	core_ring *r = *out = core_alloc(ctx, 1, sizeof *r);
	if (!r)
		return FV_FAILED;
	*r = (core_ring){.workers = workers, .tasks = tasks};
	r->partial = core_alloc(ctx, (size_t)workers, sizeof *r->partial);
	if (r->partial && map_shared(r))
		return FV_OK;
	*out = NULL;
	return core_error_count(ctx) ? FV_FAILED : fv_fail(ctx, FV_FAILED, "out of memory");
}

void core_ring_close(core_ring *r)
{
	if (!r)
		return;
	for (int w = 0; w < r->workers; w++)
		free(r->partial[w].data);
	munmap(r->shared, r->size);
}

/* --- putting ------------------------------------------------------------------------------------ */

/* Waits for a free slot of the worker and gives it the next serial number. What is in the slots is all that a
 * worker knows of those it filled, so that its successor goes on with them. */
static struct slot *find_free(core_ring *r, int worker)
{
	struct slot *own = r->slot + (size_t)worker * SLOTS, *found = NULL;
	for (;;) {
		uint32_t seen = atomic_load(&r->shared->freed);
		uint64_t last = 0;
		for (int i = 0; i < SLOTS; i++) {
			last = own[i].serial > last ? own[i].serial : last;
			if (!atomic_load(&own[i].full))
				found = &own[i];
		}
		if (found) {
			found->serial = last + 1;
			return found;
		}
		wait_for_change(&r->shared->freed, seen);
	}
}

static float *find_data(const core_ring *r, const struct slot *slot)
{
	return r->data + (slot - r->slot) * PART;
}

void core_ring_put(core_ring *r, int worker, const core_ring_item *item)
{
	int64_t n = item->rows * item->width;
	for (int64_t first = 0; first < n; first += PART) {
		struct slot *slot = find_free(r, worker);
		slot->item = *item;
		slot->first = first;
		slot->count = n - first < PART ? n - first : PART;
		memcpy(find_data(r, slot), item->data + first,
			(size_t)slot->count * sizeof *item->data);
		atomic_store(&slot->full, 1);
		tell_change(&r->shared->filled);
	}
}

void core_ring_end(core_ring *r)
{
	atomic_store(&r->shared->ended, 1);
	tell_change(&r->shared->filled);
}

/* --- taking ------------------------------------------------------------------------------------- */

static bool ends_item(const struct slot *slot)
{
	return slot->first + slot->count == slot->item.rows * slot->item.width;
}

bool core_ring_has(const core_ring *r, int64_t task)
{
	for (int i = 0; i < r->workers * SLOTS; i++)
		if (atomic_load(&r->slot[i].full) && r->slot[i].item.task == task &&
			ends_item(&r->slot[i]))
			return true;
	return atomic_load(&r->taken[task]); /* which is set before a slot is freed */
}

static void free_slot(core_ring *r, struct slot *slot)
{
	atomic_store(&slot->full, 0);
	tell_change(&r->shared->freed);
}

/* Returns the slot of a worker that was filled first, or NULL: none is full. */
static struct slot *find_full(core_ring *r, int worker)
{
	struct slot *own = r->slot + (size_t)worker * SLOTS, *found = NULL;
	for (int i = 0; i < SLOTS; i++)
		if (atomic_load(&own[i].full) && (!found || own[i].serial < found->serial))
			found = &own[i];
	return found;
}

/* Adds a part to what there is of its item. Parts of an item whose worker died are written over by those of
 * the successor's, which come in order from the first on. */
static fv_status add_part(core_ring *r, fv_ctx *ctx, struct partial *p, const struct slot *slot)
{
	int64_t all = slot->item.rows * slot->item.width;
	if (all > p->capacity) {
		float *more = core_memory_realloc(p->data, (size_t)all * sizeof *more);
		if (!more)
			return fv_fail(ctx, FV_FAILED, "out of memory");
		p->data = more;
		p->capacity = all;
	}
	memcpy(p->data + slot->first, find_data(r, slot), (size_t)slot->count * sizeof *p->data);
	return FV_OK;
}

/* Takes a full slot. Sets item->data if the item is whole with it. */
static fv_status take_slot(
	core_ring *r, fv_ctx *ctx, int worker, struct slot *slot, core_ring_item *item)
{
	bool whole = !slot->first && ends_item(slot);
	*item = slot->item;
	item->data = NULL;
	fv_status status = whole ? FV_OK : add_part(r, ctx, &r->partial[worker], slot);
	if (status)
		return status;
	if (ends_item(slot)) {
		item->data = whole ? find_data(r, slot) : r->partial[worker].data;
		atomic_store(&r->taken[slot->item.task], 1);
	}
	if (whole)
		r->last = slot;
	else
		free_slot(r, slot);
	return FV_OK;
}

fv_status core_ring_take(core_ring *r, fv_ctx *ctx, core_ring_item *item)
{
	if (r->last)
		free_slot(r, r->last);
	r->last = NULL;
	for (;;) {
		bool ended = atomic_load(&r->shared->ended) != 0, any = false;
		uint32_t seen = atomic_load(&r->shared->filled);
		for (int i = 0; i < r->workers; i++) {
			r->turn = (r->turn + 1) % r->workers;
			struct slot *slot = find_full(r, r->turn);
			if (!slot)
				continue;
			any = true;
			fv_status status = take_slot(r, ctx, r->turn, slot, item);
			if (status || item->data)
				return status;
		}
		*item = (core_ring_item){.task = -1};
		if (!any && ended)
			return FV_OK;
		if (!any)
			wait_for_change(&r->shared->filled, seen);
	}
}
