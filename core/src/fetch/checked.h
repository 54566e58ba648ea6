/* SPDX-License-Identifier: Apache-2.0 */
/* Writes a file that gets its final name only if its content has the expected SHA-256. Errors:
 * FV_DATA for wrong content, FV_FAILED when it cannot be written; the target is then unchanged. */
#ifndef CORE_FETCH_CHECKED_H
#define CORE_FETCH_CHECKED_H

#include <stdbool.h>

#include "base/context.h"

typedef struct core_checked core_checked;

FV_NODISCARD fv_status core_checked_open(
	fv_ctx *ctx, const char *target, const char *sha256, core_checked **out);
FV_NODISCARD fv_status core_checked_write(
	fv_ctx *ctx, core_checked *file, const void *data, size_t size);
FV_NODISCARD fv_status core_checked_commit(
	fv_ctx *ctx, core_checked *file);      /* frees the handle, also on error */
void core_checked_abandon(core_checked *file); /* NULL is allowed */

/* Copies `from`, whose content is already known to match, to the target: as a hard link when the
 * file system supports it, otherwise byte by byte with a check. */
FV_NODISCARD fv_status core_checked_copy(
	fv_ctx *ctx, const char *from, const char *target, const char *sha256);

/* For a file whose content has been checked: fsync, rename to the final name, fsync of the
 * folder. */
FV_NODISCARD fv_status core_rename_synced(
	fv_ctx *ctx, int fd, const char *from, const char *target);

#endif
