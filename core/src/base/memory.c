/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#define RESERVE_BYTES                                                                              \
	65536 /* less than what malloc maps by itself, so that others can use it once it is free */

static atomic_int lack; /* the first, as an errno */
static _Atomic(void *) reserve;
static atomic_bool reserving;

bool core_memory_is_out(void)
{
	return core_memory_lack() != 0;
}

int core_memory_lack(void)
{
	return atomic_load(&lack);
}

const char *core_memory_reason(void)
{
	int error = core_memory_lack();
	return error == ENOMEM || !error ? "out of memory" : strerror(error);
}

bool core_memory_note_lack(int error)
{
	int none = 0;
	if (error != ENOMEM && error != EMFILE && error != ENFILE)
		return false;
	atomic_compare_exchange_strong(&lack, &none, error);
	return true;
}

void core_memory_note_failure(void)
{
	(void)core_memory_note_lack(ENOMEM);
}

bool core_memory_note_errno(void)
{
	return core_memory_note_lack(errno);
}

static void fill_reserve(void)
{
	void *block =
		atomic_load(&reserving) && !atomic_load(&reserve) ? malloc(RESERVE_BYTES) : NULL;
	if (block)
		free(atomic_exchange(&reserve, block));
}

void core_memory_forget(void)
{
	atomic_store(&lack, 0);
	fill_reserve();
}

void *core_memory_realloc(void *old, size_t size)
{
	void *memory = realloc(old, size);
	if (!memory && size)
		core_memory_note_failure();
	return memory;
}

/* jansson 2.14 does not look whether the text of a token could grow, and then reads and writes behind it. What it asks
 * for is therefore taken from the reserve; the program fails all the same, since the lack is noted. */
static void *allocate_noted(size_t size)
{
	void *memory = core_memory_realloc(NULL, size);
	void *block = memory || !size ? NULL : atomic_exchange(&reserve, NULL);
	if (!block)
		return memory;
	free(block);
	return realloc(NULL, size);
}

static void set_json_functions(void)
{
	json_set_alloc_funcs(allocate_noted, free);
	atomic_store(&reserving, true);
	fill_reserve();
}

void core_memory_watch_json(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, set_json_functions);
}
