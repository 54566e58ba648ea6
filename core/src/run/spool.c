/* SPDX-License-Identifier: Apache-2.0 */
#include "run/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/io.h"

struct place {
	int64_t at, size; /* bytes in the file; size 0: not written */
};

/* Shared by parent and workers. */
struct shared {
	int64_t end;
	struct place place[];
};

struct core_spool {
	int fd;
	const char *folder;
	struct shared *shared;
	size_t shared_size, size;
	char *data; /* the mapped file */
};

void core_spool_close(core_spool *spool)
{
	if (!spool)
		return;
	if (spool->data)
		munmap(spool->data, spool->size);
	if (spool->shared)
		munmap(spool->shared, spool->shared_size);
	if (spool->fd >= 0)
		close(spool->fd);
	free(spool);
}

static fv_status open_files(fv_ctx *ctx, const char *folder, int64_t n, core_spool *spool)
{
	char *path = core_path_join(ctx, folder, ".fairvox-encode-XXXXXX");
	spool->folder = core_strdup(ctx, folder);
	if (!path || !spool->folder)
		return FV_FAILED;
	spool->fd = mkostemp(path, O_CLOEXEC);
	if (spool->fd < 0)
		return fv_fail(ctx, FV_FAILED, "%s: %s", folder, strerror(errno));
	unlink(path);
	spool->shared_size = sizeof *spool->shared + (size_t)n * sizeof(struct place);
	void *shared = mmap(NULL, spool->shared_size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	spool->shared = shared;
	return FV_OK;
}

fv_status core_spool_open(fv_ctx *ctx, const char *folder, int64_t n, core_spool **out)
{
	core_spool *spool = calloc(1, sizeof *spool);
	*out = NULL;
	if (!spool)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	spool->fd = -1; /* 0 would close stdin */
	fv_status status = open_files(ctx, folder, n, spool);
	if (status)
		core_spool_close(spool);
	else
		*out = spool;
	return status;
}

static fv_status write_at(
	fv_ctx *ctx, const core_spool *spool, const void *data, size_t size, int64_t at)
{
	if (core_pwrite_fully(spool->fd, data, size, at))
		return fv_fail(ctx, FV_FAILED, "%s: no room for the results: %s", spool->folder,
			strerror(errno));
	return FV_OK;
}

fv_status core_spool_put(fv_ctx *ctx, core_spool *spool, int64_t i, const void *data, size_t size)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	while (fcntl(spool->fd, F_SETLKW, &lock))
		if (errno != EINTR)
			return fv_fail(ctx, FV_FAILED, "%s: %s", spool->folder, strerror(errno));
	int64_t at = spool->shared->end;
	fv_status status = write_at(ctx, spool, data, size, at);
	if (!status) {
		spool->shared->end = at + (int64_t)size;
		spool->shared->place[i] = (struct place){at, (int64_t)size};
	}
	lock.l_type = F_UNLCK;
	(void)fcntl(spool->fd, F_SETLK, &lock);
	return status;
}

int64_t core_spool_size(const core_spool *spool)
{
	return spool->shared->end;
}

int64_t core_spool_item_size(const core_spool *spool, int64_t i)
{
	return spool->shared->place[i].size;
}

fv_status core_spool_read(fv_ctx *ctx, const core_spool *spool, int64_t i, void *out)
{
	struct place from = spool->shared->place[i];
	ssize_t n = core_pread_fully(spool->fd, out, (size_t)from.size, from.at);
	if (n < from.size)
		return fv_fail(
			ctx, FV_FAILED, "%s: %s", spool->folder, strerror(n < 0 ? errno : EIO));
	return FV_OK;
}

fv_status core_spool_map(fv_ctx *ctx, core_spool *spool)
{
	spool->size = (size_t)spool->shared->end;
	void *data = mmap(NULL, spool->size, PROT_READ, MAP_PRIVATE, spool->fd, 0);
	if (data == MAP_FAILED)
		return fv_fail(ctx, FV_FAILED, "%s: %s", spool->folder, strerror(errno));
	spool->data = data;
	return FV_OK;
}

const void *core_spool_item_data(const core_spool *spool, int64_t i)
{
	return spool->data + spool->shared->place[i].at;
}
