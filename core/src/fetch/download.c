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
#include "base/io.h"
#include "base/lock.h"
#include "base/number.h"
#include "fetch/archive.h"
#include "fetch/checked.h"
#include "fetch/file.h"

fv_status core_hash_file(fv_ctx *ctx, const char *path, core_obtained *out)
{
	struct stat st;
	if (stat(path, &st))
		return fv_fail(ctx, FV_DATA, "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return fv_fail(ctx, FV_DATA, "%s: not a regular file", path);
	out->bytes = st.st_size;
	return core_sha256_file(ctx, path, out->sha256);
}

/* Opens and locks the part file. After waiting for the lock it makes sure that the name still
 * belongs to this file. */
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
			core_log(
				ctx, CORE_INFO, "%s: waiting for another fetch of this file", part);
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
		close(fd); /* the other process finished and renamed it */
	}
}

static fv_status check_free_space(fv_ctx *ctx, int fd, const char *part, int64_t bytes)
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
		"%s: needs %.1f MiB more, but only %.1f MiB are free on the disk", part,
		need / 1048576, free_bytes / 1048576);
}

/* Removes a part that a later call cannot resume: an empty one, or any when `keep` is false. */
static void remove_useless_part(const char *part, int fd, bool keep)
{
	struct stat st;
	if (!keep || (!fstat(fd, &st) && st.st_size == 0))
		unlink(part);
}

static fv_status fail_wrong_content(
	fv_ctx *ctx, const char *name, const core_form *form, const core_obtained *got)
{
	return fv_fail(ctx, FV_DATA, "%s: %s: SHA-256 is %s, expected %s; nothing was kept", name,
		form->url, got->sha256, form->sha256);
}

/* Downloads until the part has the expected content. Starts over once when the part of an
 * earlier download turns out to belong to another file. */
static fv_status download_part(fv_ctx *ctx, core_http *http, const core_form *form,
	const char *name, const char *part, int fd, core_obtained *out)
{
	core_http_file file = {.url = form->url,
		.name = name,
		.fd = fd,
		.bytes = form->bytes,
		.resume = form->sha256};
	for (;;) {
		fv_status status = core_http_get(ctx, http, &file);
		if (status) {
			remove_useless_part(part, fd, form->sha256);
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
			return fail_wrong_content(ctx, name, form, out);
		}
		core_log(ctx, CORE_INFO,
			"%s: the part left by an earlier download belongs to another file; "
			"starting over",
			name);
		file.resume = false;
	}
}

static fv_status store_target(fv_ctx *ctx, const core_form *form, const char *part, int fd,
	const char *target, core_obtained *out)
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

/* Whether the target has the wanted content, because another process fetched it in the meantime. */
static bool has_target(fv_ctx *ctx, const core_form *form, const char *target, core_obtained *out)
{
	const char *wanted = form->member ? form->member_sha256 : form->sha256;
	*out = (core_obtained){.proof = CORE_PROOF_PINNED,
		.from = form->from,
		.url = form->url,
		.was_there = true};
	return wanted && core_file_exists(target) && !core_hash_file(ctx, target, out) &&
	       !strcmp(out->sha256, wanted);
}

fv_status core_download(fv_ctx *ctx, core_http *http, const core_form *form, const char *name,
	const char *target, core_obtained *out)
{
	int fd;
	bool waited;
	const char *part = core_format(ctx, "%s.part", target);
	fv_status status = part ? open_part(ctx, part, &fd, &waited) : FV_FAILED;
	if (status)
		return status;
	if (waited && has_target(ctx, form, target, out)) {
		unlink(part);
		close(fd);
		return FV_OK;
	}
	status = check_free_space(ctx, fd, part, form->bytes);
	if (status)
		remove_useless_part(part, fd, true);
	else
		status = download_part(ctx, http, form, name, part, fd, out);
	if (!status)
		status = store_target(ctx, form, part, fd, target, out);
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
		return fv_fail(ctx, FV_FAILED, "cannot use a file in memory: %s", strerror(errno));
	core_http_file file = {.url = url, .name = name, .fd = fd, .bytes = -1, .most = limit};
	struct stat st;
	fv_status status = core_http_get(ctx, http, &file);
	if (!status && fstat(fd, &st))
		status =
			fv_fail(ctx, FV_FAILED, "cannot use a file in memory: %s", strerror(errno));
	char *text = status ? NULL : core_alloc(ctx, (size_t)st.st_size + 1, 1);
	if (!status && (!text || core_pread_fully(fd, text, (size_t)st.st_size, 0) != st.st_size))
		status = fv_fail(ctx, FV_FAILED, "%s: cannot read the download back", name);
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
		return fv_fail(ctx, FV_DATA, "%s: %s: not a git LFS pointer", name, url);
	out->bytes = bytes;
	out->sha256 = core_strdup(ctx, hex);
	return out->sha256 ? FV_OK : FV_FAILED;
}
