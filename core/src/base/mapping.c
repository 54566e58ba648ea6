/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mapping.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/io.h"
#include "base/visible.h"

#define READ_MAX ((size_t)1 << 20) /* larger files are mapped */
#define MAPPED_MAX 64              /* that can be found; further ones are mapped all the same */

struct mapped {
	_Atomic uintptr_t begin; /* 0: free */
	size_t size;
	char path[CORE_MAPPED_PATH];
};

static struct mapped mapped[MAPPED_MAX];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* `begin` is set last, because a handler may look at any time. */
static void record_mapping(const void *data, size_t size, const char *path)
{
	pthread_mutex_lock(&mutex);
	size_t i = 0;
	while (i < MAPPED_MAX && atomic_load(&mapped[i].begin))
		i++;
	if (i < MAPPED_MAX) {
		mapped[i].size = size;
		core_escape(mapped[i].path, sizeof mapped[i].path, path);
		atomic_store(&mapped[i].begin, (uintptr_t)data);
	}
	pthread_mutex_unlock(&mutex);
}

static fv_status read_whole(fv_ctx *ctx, const char *path, int fd, size_t size, const void **data)
{
	void *copy = malloc(size);
	if (!copy)
		return fv_fail(ctx, FV_FAILED, "%s: out of memory", path);
	ssize_t n = core_pread_fully(fd, copy, size, 0);
	*data = copy;
	if (n == (ssize_t)size)
		return FV_OK;
	int reason = errno;
	free(copy);
	*data = NULL;
	return fv_fail(ctx, FV_DATA, "%s: %s", path,
		n < 0 ? strerror(reason) : "became shorter while it was read");
}

fv_status core_mapping_open(fv_ctx *ctx, const char *path, int fd, size_t size, const void **data)
{
	if (size <= READ_MAX)
		return read_whole(ctx, path, fd, size, data);
	void *pages = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (pages == MAP_FAILED)
		return fv_fail(ctx, FV_DATA, "%s: %s", path, strerror(errno));
	record_mapping(pages, size, path);
	*data = pages;
	return FV_OK;
}

void core_mapping_release(const void *data, size_t size, size_t from, size_t to)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), begin = from / page * page;
	if (size > READ_MAX)
		(void)madvise((char *)(uintptr_t)data + begin, to - begin, MADV_DONTNEED);
}

void core_mapping_close(const void *data, size_t size)
{
	if (!data)
		return;
	if (size <= READ_MAX) {
		free((void *)(uintptr_t)data);
		return;
	}
	pthread_mutex_lock(&mutex);
	for (size_t i = 0; i < MAPPED_MAX; i++)
		if (atomic_load(&mapped[i].begin) == (uintptr_t)data)
			atomic_store(&mapped[i].begin, 0);
	pthread_mutex_unlock(&mutex);
	munmap((void *)(uintptr_t)data, size);
}

bool core_mapping_find(const void *address, char path[CORE_MAPPED_PATH])
{
	for (size_t i = 0; i < MAPPED_MAX; i++) {
		uintptr_t begin = atomic_load(&mapped[i].begin);
		if (!begin || (uintptr_t)address < begin ||
			(uintptr_t)address - begin >= mapped[i].size)
			continue;
		strcpy(path, mapped[i].path);
		return true;
	}
	return false;
}
