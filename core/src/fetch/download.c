/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/lock.h"
#include "base/number.h"
#include "fetch/archive.h"
#include "fetch/checked.h"
#include "fetch/file.h"

fv_status core_hash_file(fv_ctx *ctx, const char *path, core_got *out)
{
	struct stat st;
	if (stat(path, &st))
		return fv_fail(ctx, FV_DATA, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fv_fail(ctx, FV_DATA, "%s: not a regular file", path);
	out->bytes = st.st_size;
	return core_sha256_file(ctx, path, out->sha256);
}

/* The open, locked part file: the one that has this name once the lock is ours. */
static fv_status open_part(fv_ctx *ctx, const char *part, int *out, bool *waited)
{
	*waited = false;
	for (;;) {
		struct stat mine, named;
		bool taken = false;
		int fd = open(part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
		if (fd < 0)
			return fv_fail(
				ctx, FV_FAILED, "%s: cannot write: %s", part, strerror(errno));
		int locked = core_lock_try(fd, &taken);
		if (!locked && !taken) {
			core_log(ctx, CORE_INFO, "%s: waiting for another fetch of it", part);
			locked = core_lock_wait(fd);
			*waited = true;
		}
		if (locked) {
			close(fd);
			return fv_fail(
				ctx, FV_FAILED, "%s: cannot lock: %s", part, strerror(errno));
		}
		if (!fstat(fd, &mine) && !stat(part, &named) && mine.st_ino == named.st_ino &&
			mine.st_dev == named.st_dev) {
			*out = fd;
			return FV_OK;
		}
		close(fd); /* the other one finished and renamed it */
	}
}

static fv_status check_room(fv_ctx *ctx, int fd, const char *part, int64_t bytes)
{
	struct statvfs vfs;
	struct stat st;
	if (bytes < 0 || fstatvfs(fd, &vfs) || fstat(fd, &st))
		return FV_OK;
	double free_bytes = (double)vfs.f_bavail * (double)vfs.f_frsize,
	       need = (double)bytes - (double)st.st_size;
	if (need <= free_bytes)
		return FV_OK;
	return fv_fail(ctx, FV_FAILED,
		"%s: %.1f MiB more are needed, %.1f MiB are free on its disk", part, need / 1048576,
		free_bytes / 1048576);
}

/* Leaves nothing of a transfer that cannot be taken up. */
static void drop_useless(const char *part, int fd, bool keep)
{
	struct stat st;
	if (!keep || (!fstat(fd, &st) && st.st_size == 0))
		unlink(part);
}

static fv_status wrong_content(
	fv_ctx *ctx, const char *name, const core_form *form, const core_got *got)
{
	return fv_fail(ctx, FV_DATA, "%s: %s: SHA-256 is %s and should be %s; nothing was kept",
		name, form->url, got->sha256, form->sha256);
}

/* Transfers until the part has the content wanted: once more from the start when a part that an
 * earlier transfer left turns out to belong to another file. */
static fv_status transfer(fv_ctx *ctx, core_http *http, const core_form *form, const char *name,
	const char *part, int fd, core_got *out)
{
	core_http_file file = {.url = form->url,
		.name = name,
		.fd = fd,
		.bytes = form->bytes,
		.resume = form->sha256};
	for (;;) {
		fv_status status = core_http_get(ctx, http, &file);
		if (status) {
			drop_useless(part, fd, form->sha256);
			return status;
		}
		status = core_hash_file(ctx, part, out);
		if (status)
			return status;
		out->source = file.source;
		if (!form->sha256 || !strcmp(out->sha256, form->sha256))
			return FV_OK;
		if (!file.resumed) {
			unlink(part);
			return wrong_content(ctx, name, form, out);
		}
		core_log(ctx, CORE_INFO,
			"%s: what an earlier transfer left does not belong to it; from the start",
			name);
		file.resume = false;
	}
}

static fv_status finish(fv_ctx *ctx, const core_form *form, const char *part, int fd,
	const char *target, core_got *out)
{
	if (!form->member)
		return core_rename_synced(ctx, fd, part, target);
	fv_status status = core_archive_extract(
		ctx, part, form->member, form->member_bytes, form->member_sha256, target);
	unlink(part);
	if (status)
		return status;
	strcpy(out->sha256, form->member_sha256);
	out->bytes = form->member_bytes;
	return FV_OK;
}

/* The other fetch brought it. */
static bool is_there(fv_ctx *ctx, const core_form *form, const char *target, core_got *out)
{
	const char *wanted = form->member ? form->member_sha256 : form->sha256;
	*out = (core_got){.proof = CORE_PROOF_PINNED,
		.from = form->from,
		.url = form->url,
		.was_there = true};
	return wanted && core_file_exists(target) && !core_hash_file(ctx, target, out) &&
	       !strcmp(out->sha256, wanted);
}

fv_status core_download(fv_ctx *ctx, core_http *http, const core_form *form, const char *name,
	const char *target, core_got *out)
{
	int fd;
	bool waited;
	const char *part = core_format(ctx, "%s.part", target);
	fv_status status = part ? open_part(ctx, part, &fd, &waited) : FV_FAILED;
	if (status)
		return status;
	if (waited && is_there(ctx, form, target, out)) {
		unlink(part);
		close(fd);
		return FV_OK;
	}
	status = check_room(ctx, fd, part, form->bytes);
	if (status)
		drop_useless(part, fd, true);
	else
		status = transfer(ctx, http, form, name, part, fd, out);
	if (!status)
		status = finish(ctx, form, part, fd, target, out);
	close(fd);
	out->proof = form->sha256 ? CORE_PROOF_PINNED : CORE_PROOF_NONE;
	out->from = form->from;
	out->url = form->url;
	return status;
}

fv_status core_download_text(
	fv_ctx *ctx, core_http *http, const char *name, const char *url, int64_t limit, char **out)
{
	int fd = memfd_create("fetch", MFD_CLOEXEC);
	if (fd < 0)
		return fv_fail(ctx, FV_FAILED, "memory: %s", strerror(errno));
	core_http_file file = {.url = url, .name = name, .fd = fd, .bytes = -1, .most = limit};
	struct stat st;
	fv_status status = core_http_get(ctx, http, &file);
	if (!status && fstat(fd, &st))
		status = fv_fail(ctx, FV_FAILED, "memory: %s", strerror(errno));
	char *text = status ? NULL : core_alloc(ctx, (size_t)st.st_size + 1, 1);
	if (!status && (!text || pread(fd, text, (size_t)st.st_size, 0) != st.st_size))
		status = fv_fail(ctx, FV_FAILED, "%s: cannot be read back", name);
	close(fd);
	*out = text;
	return status;
}

/* version https://git-lfs.github.com/spec/v1 / oid sha256:HEX / size BYTES */
fv_status core_read_pointer(
	fv_ctx *ctx, core_http *http, const char *name, const char *url, core_form *out)
{
	char *text, hex[CORE_SHA256_HEX];
	fv_status status = core_download_text(ctx, http, name, url, 1024, &text);
	if (status)
		return status;
	static const char first[] = "version https://git-lfs.github.com/spec/v1\n";
	const char *oid = strstr(text, "\noid sha256:"), *size = strstr(text, "\nsize ");
	int64_t bytes = 0;
	if (size) {
		const char *digits = size + strlen("\nsize ");
		const char *number = core_strndup(ctx, digits, strcspn(digits, "\n"));
		if (!number || !core_parse_int(number, &bytes))
			bytes = 0;
	}
	if (oid)
		snprintf(hex, sizeof hex, "%.64s", oid + strlen("\noid sha256:"));
	if (strncmp(text, first, sizeof first - 1) || !oid || bytes < 1 ||
		strspn(hex, "0123456789abcdef") != 64)
		return fv_fail(ctx, FV_DATA, "%s: %s: no git LFS pointer", name, url);
	out->bytes = bytes;
	out->sha256 = core_strdup(ctx, hex);
	return out->sha256 ? FV_OK : FV_FAILED;
}
