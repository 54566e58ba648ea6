/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "base/io.h"
#include "base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static fv_status read_all(
	fv_ctx *ctx, int fd, const char *path, size_t total, size_t limit, char **data)
{
	if (limit && total > limit)
		return fv_fail(ctx, FV_DATA, "%s: %zu bytes, more than the %zu allowed", path,
			total, limit);
	char *buffer = core_alloc(ctx, total + 1, 1);
	if (!buffer)
		return FV_FAILED;
	ssize_t n = core_read_fully(fd, buffer, total);
	if (n < 0)
		return fv_fail(ctx, FV_DATA, "%s: %s", path, strerror(errno));
	if ((size_t)n < total)
		return fv_fail(ctx, FV_DATA, "%s: became shorter while it was read", path);
	*data = buffer;
	return FV_OK;
}

fv_status core_file_read(fv_ctx *ctx, const char *path, size_t limit, char **data, size_t *size)
{
	struct stat st;
	int fd;
	fv_status status = core_open_file(ctx, path, &fd, &st);
	if (status)
		return status;
	*size = (size_t)st.st_size;
	status = read_all(ctx, fd, path, *size, limit, data);
	close(fd);
	return status;
}

/* bytes of the target's name used in that of the temporary file: names are limited to 255 */
#define BASE_KEPT 200

struct core_writer {
	int fd;
	const char *target;
	char *temporary;
};

fv_status core_writer_open(fv_ctx *ctx, const char *path, core_writer **out)
{
	core_writer *writer = core_alloc(ctx, 1, sizeof *writer);
	if (!writer)
		return FV_FAILED;
	writer->fd = -1;
	writer->target = core_strdup(ctx, path);
	char *dir = core_path_dir(ctx, path);
	if (!writer->target || !dir)
		return FV_FAILED;
	for (int tries = 0; writer->fd < 0 && tries < 100; tries++) {
		uint32_t word;
		if (core_fill_random(&word, sizeof word))
			return fv_fail(ctx, FV_FAILED, "getrandom: %s", strerror(errno));
		writer->temporary = core_format(ctx, "%s/.%.*s.%06x", dir, BASE_KEPT,
			core_path_base(path), (unsigned)(word & 0xffffff));
		if (!writer->temporary)
			return FV_FAILED;
		writer->fd = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (writer->fd < 0 && errno != EEXIST)
			break;
	}
	if (writer->fd < 0)
		return fv_fail(ctx, FV_FAILED, "%s: cannot write: %s", path, strerror(errno));
	*out = writer;
	return FV_OK;
}

fv_status core_writer_put(fv_ctx *ctx, core_writer *writer, const void *data, size_t size)
{
	if (core_write_fully(writer->fd, data, size))
		return fv_fail(
			ctx, FV_FAILED, "%s: cannot write: %s", writer->target, strerror(errno));
	return FV_OK;
}

int core_sync_dir_of(fv_ctx *ctx, const char *path)
{
	char *dir = core_path_dir(ctx, path);
	int fd = dir ? open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (fd < 0)
		return -1;
	/* Some file systems cannot sync a folder and report EINVAL; the rename is done all the
	 * same. */
	int result = core_sync(fd) && errno != EINVAL ? -1 : 0;
	int reason = errno;
	close(fd);
	errno = reason;
	return result;
}

/* Renames the temporary file. On a network file system the answer to a rename may be lost: the repeated request then
 * fails although the file has its name, which is looked at. */
static int rename_file(const core_writer *writer, const struct stat *written)
{
	struct stat named;
	if (!rename(writer->temporary, writer->target))
		return 0;
	int reason = errno;
	bool done = reason == ENOENT && !stat(writer->target, &named) &&
		    named.st_dev == written->st_dev && named.st_ino == written->st_ino;
	errno = reason;
	return done ? 0 : -1;
}

static fv_status commit_writer(fv_ctx *ctx, core_writer *writer, bool durable)
{
	struct stat written;
	if (core_memory_is_out()) { /* what was put may lack what memory ran out for */
		core_writer_abandon(writer);
		return fv_fail(ctx, FV_FAILED, "%s", core_memory_reason());
	}
	if ((durable && core_sync(writer->fd)) || fstat(writer->fd, &written))
		goto fail;
	int closed = close(writer->fd);
	writer->fd = -1;
	if (closed || rename_file(writer, &written))
		goto fail;
	writer->temporary = NULL;
	if (durable && core_sync_dir_of(ctx, writer->target))
		goto fail;
	return FV_OK;
fail:;
	int reason = errno;
	core_writer_abandon(writer);
	return fv_fail(ctx, FV_FAILED, "%s: cannot write: %s", writer->target, strerror(reason));
}

fv_status core_writer_commit(fv_ctx *ctx, core_writer *writer)
{
	return commit_writer(ctx, writer, true);
}

fv_status core_writer_commit_loose(fv_ctx *ctx, core_writer *writer)
{
	return commit_writer(ctx, writer, false);
}

/* --- many files --- */

#define FEW                                                                                        \
	8 /* files that are synced one by one: syncfs also waits for what other programs wrote */

/* Syncs the contents of the files. Returns the index of one that failed, with errno, or n. */
static int64_t sync_files(const char *const *path, int64_t n)
{
	for (int64_t i = 0; i < n; i++) {
		int fd = core_open_regular(path[i], NULL);
		if (fd < 0 && errno == ENOENT)
			continue;
		int failed = fd < 0 || (n <= FEW ? core_sync(fd) : syncfs(fd)), reason = errno;
		if (fd >= 0)
			close(fd);
		errno = reason;
		if (failed)
			return i;
		if (n > FEW)
			return n;
	}
	return n;
}

fv_status core_files_seal(fv_ctx *ctx, const char *const *from, const char *const *to, int64_t n)
{
	int64_t bad = sync_files(from, n);
	for (int64_t i = 0; i < n && bad == n; i++)
		if (rename(from[i], to[i]) && (errno != ENOENT || !core_file_exists(to[i])))
			bad = i;
	if (bad == n && n && core_sync_dir_of(ctx, to[0]))
		bad = 0;
	if (bad == n)
		return FV_OK;
	int reason = errno;
	for (int64_t i = 0; i < n; i++)
		unlink(from[i]);
	return fv_fail(ctx, FV_FAILED, "%s: cannot write: %s", to[bad], strerror(reason));
}

void core_writer_abandon(core_writer *writer)
{
	if (!writer)
		return;
	if (writer->fd >= 0)
		close(writer->fd);
	writer->fd = -1;
	if (writer->temporary)
		unlink(writer->temporary);
	writer->temporary = NULL;
}

fv_status core_file_write(fv_ctx *ctx, const char *path, const void *data, size_t size)
{
	core_writer *writer = NULL;
	fv_status status = core_writer_open(ctx, path, &writer);
	if (status)
		return status;
	status = core_writer_put(ctx, writer, data, size);
	if (status) {
		core_writer_abandon(writer);
		return status;
	}
	return core_writer_commit(ctx, writer);
}

fv_status core_make_dirs(fv_ctx *ctx, const char *path)
{
	char *copy = core_strdup(ctx, path);
	if (!copy)
		return FV_FAILED;
	for (char *p = copy + 1;; p++) {
		if (*p && *p != '/')
			continue;
		char kept = *p;
		*p = '\0';
		if (mkdir(copy, 0777) && errno != EEXIST)
			return fv_fail(ctx, FV_FAILED, "%s: cannot make folder: %s", copy,
				strerror(errno));
		*p = kept;
		if (!kept)
			break;
	}
	if (!core_is_dir(path))
		return fv_fail(ctx, FV_FAILED, "%s: is not a folder", path);
	return FV_OK;
}

bool core_file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

bool core_is_file(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

bool core_is_dir(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

fv_status core_list_folder(fv_ctx *ctx, const char *dir, const char ***names, size_t *n)
{
	struct dirent **list;
	int entries = scandir(dir, &list, NULL, alphasort);
	*n = 0;
	if (entries < 0)
		return fv_fail(ctx, core_memory_note_errno() ? FV_FAILED : FV_DATA, "%s: %s", dir,
			strerror(errno));
	*names = core_alloc(ctx, (size_t)entries + 1, sizeof **names);
	bool failed = !*names;
	for (int i = 0; i < entries; i++) {
		if (!failed)
			failed = !((*names)[(*n)++] = core_strdup(ctx, list[i]->d_name));
		free(list[i]);
	}
	free(list);
	return failed ? FV_FAILED : FV_OK;
}
