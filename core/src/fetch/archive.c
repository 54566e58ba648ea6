/* SPDX-License-Identifier: Apache-2.0 */
#include "fetch/archive.h"

#include <zip.h>

#include "fetch/checked.h"

static fv_status extract_member(
	fv_ctx *ctx, zip_file_t *from, const char *member, int64_t bytes, core_checked *to)
{
	char buffer[1 << 16];
	int64_t done = 0;
	for (;;) {
		zip_int64_t n = zip_fread(from, buffer, sizeof buffer);
		if (n < 0)
			return fv_fail(ctx, FV_DATA, "%s: %s", member, zip_file_strerror(from));
		done += n;
		if (done > bytes || (n == 0 && done < bytes))
			return fv_fail(ctx, FV_DATA, "%s: does not have the expected %lld bytes",
				member, (long long)bytes);
		if (n == 0)
			return FV_OK;
		fv_status status = core_checked_write(ctx, to, buffer, (size_t)n);
		if (status)
			return status;
	}
}

fv_status core_archive_extract(fv_ctx *ctx, const char *archive, const char *member, int64_t bytes,
	const char *sha256, const char *target)
{
	int error = 0;
	zip_t *zip = zip_open(archive, ZIP_RDONLY, &error);
	if (!zip) {
		zip_error_t why;
		zip_error_init_with_code(&why, error);
		fv_status status =
			fv_fail(ctx, FV_DATA, "%s: %s", archive, zip_error_strerror(&why));
		zip_error_fini(&why);
		return status;
	}
	core_checked *to = NULL;
	zip_file_t *file = zip_fopen(zip, member, 0);
	fv_status status =
		file ? core_checked_open(ctx, target, sha256, &to)
		     : fv_fail(ctx, FV_DATA, "%s: the archive has no member '%s'", archive, member);
	if (!status)
		status = extract_member(ctx, file, member, bytes, to);
	if (!status)
		status = core_checked_commit(ctx, to);
	else
		core_checked_abandon(to);
	if (file)
		zip_fclose(file);
	zip_discard(zip);
	return status;
}
