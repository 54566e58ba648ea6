/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <jansson.h>

static atomic_bool failed;

bool core_memory_is_out(void)
{
	return atomic_load(&failed);
}

void core_memory_note_failure(void)
{
	atomic_store(&failed, true);
}

bool core_memory_note_errno(void)
{
	if (errno != ENOMEM)
		return false;
	core_memory_note_failure();
	return true;
}

void core_memory_forget(void)
{
	atomic_store(&failed, false);
}

void *core_memory_realloc(void *old, size_t size)
{
	void *memory = realloc(old, size);
	if (!memory && size)
		core_memory_note_failure();
	return memory;
}

static void *allocate_noted(size_t size)
{
	return core_memory_realloc(NULL, size);
}

static void set_json_functions(void)
{
	json_set_alloc_funcs(allocate_noted, free);
}

void core_memory_watch_json(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, set_json_functions);
}
