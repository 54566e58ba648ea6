/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/checked.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/io.h"

struct core_checked {
	const char *target, *sha256;
	core_writer *writer;
	core_sha256 hash;
};

fv_status core_checked_open(fv_ctx *ctx, const char *target, const char *sha256, core_checked **out)
{
	core_checked *file = *out = core_alloc(ctx, 1, sizeof *file);
	if (!file)
		return FV_FAILED;
	*file = (core_checked){.target = target, .sha256 = sha256};
	core_sha256_begin(&file->hash);
	fv_status status = core_writer_open(ctx, target, &file->writer);
	if (status)
		core_checked_abandon(file);
	return status;
}

fv_status core_checked_write(fv_ctx *ctx, core_checked *file, const void *data, size_t size)
{
	core_sha256_add(&file->hash, data, size);
	return core_writer_put(ctx, file->writer, data, size);
}

fv_status core_checked_commit(fv_ctx *ctx, core_checked *file)
{
	char hex[CORE_SHA256_HEX];
	core_sha256_end(&file->hash, hex);
	if (strcmp(hex, file->sha256)) {
		core_checked_abandon(file);
		return fv_fail(ctx, FV_DATA, "%s: SHA-256 is %s, expected %s; nothing was kept",
			file->target, hex, file->sha256);
	}
	fv_status status = core_writer_commit(ctx, file->writer);
	file->writer = NULL;
	core_checked_abandon(file);
	return status;
}

void core_checked_abandon(core_checked *file)
{
	if (!file)
		return;
	core_writer_abandon(file->writer);
	file->writer = NULL;
}

static fv_status copy_file(fv_ctx *ctx, const char *path, core_checked *to)
{
	char buffer[1 << 16];
	ssize_t n;
	int from;
	fv_status status = core_open_file(ctx, path, &from, NULL);
	if (status)
		return status;
	while (!status && (n = core_read_some(from, buffer, sizeof buffer)) > 0)
		status = core_checked_write(ctx, to, buffer, (size_t)n);
	if (!status && n < 0)
		status = fv_fail(ctx, FV_DATA, "%s: %s", path, strerror(errno));
	close(from);
	return status;
}

static fv_status copy_bytes(fv_ctx *ctx, const char *from, const char *target, const char *sha256)
{
	core_checked *to;
	fv_status status = core_checked_open(ctx, target, sha256, &to);
	if (status)
		return status;
	status = copy_file(ctx, from, to);
	if (!status)
		return core_checked_commit(ctx, to);
	core_checked_abandon(to);
	return status;
}

fv_status core_checked_copy(fv_ctx *ctx, const char *from, const char *target, const char *sha256)
{
	const char *beside = core_format(ctx, "%s.link", target);
	if (!beside)
		return FV_FAILED;
	unlink(beside);
	if (link(from, beside))
		return copy_bytes(ctx, from, target, sha256);
	if (!rename(beside, target)) {
		unlink(beside); /* rename does nothing when both already name the same file */
		return FV_OK;
	}
	unlink(beside);
	return copy_bytes(ctx, from, target, sha256);
}

fv_status core_rename_synced(fv_ctx *ctx, int fd, const char *from, const char *target)
{
	if (core_sync(fd) || rename(from, target) || core_sync_dir_of(ctx, target))
		return fv_fail(ctx, FV_FAILED, "%s: cannot write: %s", target, strerror(errno));
	return FV_OK;
}
