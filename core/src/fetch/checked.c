/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/checked.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/file.h"
#include "base/hash.h"

struct core_checked {
	const char *target, *sha256;
	core_writer *writer;
	EVP_MD_CTX *md;
};

fv_status core_checked_open(fv_ctx *ctx, const char *target, const char *sha256, core_checked **out)
{
	core_checked *file = *out = core_alloc(ctx, 1, sizeof *file);
	if (!file)
		return FV_FAILED;
	*file = (core_checked){.target = target, .sha256 = sha256, .md = EVP_MD_CTX_new()};
	if (!file->md || !EVP_DigestInit_ex(file->md, EVP_sha256(), NULL)) {
		core_checked_abandon(file);
		return fv_fail(ctx, FV_FAILED, "cannot compute a SHA-256");
	}
	fv_status status = core_writer_open(ctx, target, &file->writer);
	if (status)
		core_checked_abandon(file);
	return status;
}

fv_status core_checked_write(fv_ctx *ctx, core_checked *file, const void *data, size_t size)
{
	if (!EVP_DigestUpdate(file->md, data, size))
		return fv_fail(ctx, FV_FAILED, "cannot compute a SHA-256");
	return core_writer_put(ctx, file->writer, data, size);
}

fv_status core_checked_commit(fv_ctx *ctx, core_checked *file)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	char hex[CORE_SHA256_HEX] = "";
	if (!EVP_DigestFinal_ex(file->md, digest, NULL)) {
		core_checked_abandon(file);
		return fv_fail(ctx, FV_FAILED, "cannot compute a SHA-256");
	}
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
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
	EVP_MD_CTX_free(file->md);
	file->writer = NULL;
	file->md = NULL;
}

static fv_status copy_stream(fv_ctx *ctx, FILE *from, const char *path, core_checked *to)
{
	char buffer[1 << 16];
	size_t n;
	while ((n = fread(buffer, 1, sizeof buffer, from)) > 0) {
		fv_status status = core_checked_write(ctx, to, buffer, n);
		if (status)
			return status;
	}
	return ferror(from) ? fv_fail(ctx, FV_DATA, "%s: %s", path, strerror(errno)) : FV_OK;
}

static fv_status copy_bytes(fv_ctx *ctx, const char *from, const char *target, const char *sha256)
{
	core_checked *to;
	fv_status status = core_checked_open(ctx, target, sha256, &to);
	if (status)
		return status;
	FILE *file = fopen(from, "rbe");
	status = file ? copy_stream(ctx, file, from, to)
		      : fv_fail(ctx, FV_DATA, "%s: %s", from, strerror(errno));
	if (file)
		fclose(file);
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
	if (fsync(fd) || rename(from, target) || core_sync_dir_of(ctx, target))
		return fv_fail(ctx, FV_FAILED, "%s: cannot write: %s", target, strerror(errno));
	return FV_OK;
}
