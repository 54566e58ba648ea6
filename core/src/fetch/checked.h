/* SPDX-License-Identifier: Apache-2.0 */
/* A file that gets its name only when its content has the SHA-256 it should have. Errors: FV_DATA
 * for other content, FV_FAILED where it cannot be written; the target is then what it was before.
 */
#ifndef CORE_FETCH_CHECKED_H
#define CORE_FETCH_CHECKED_H

#include <stdbool.h>

#include "base/context.h"

typedef struct core_checked core_checked;

FV_NODISCARD fv_status core_checked_open(
	fv_ctx *ctx, const char *target, const char *sha256, core_checked **out);
FV_NODISCARD fv_status core_checked_put(
	fv_ctx *ctx, core_checked *file, const void *data, size_t size);
FV_NODISCARD fv_status core_checked_commit(
	fv_ctx *ctx, core_checked *file);      /* ends it, also when it fails */
void core_checked_abandon(core_checked *file); /* NULL is allowed */

/* Copies `from`, which is known to have this content, to the target: as a second name of the same
 * file where the file system can do that, else byte by byte. */
FV_NODISCARD fv_status core_checked_take(
	fv_ctx *ctx, const char *from, const char *target, const char *sha256);

/* fsync, the final name, fsync of the folder, for a file whose content has been checked. */
FV_NODISCARD fv_status core_rename_synced(
	fv_ctx *ctx, int fd, const char *from, const char *target);

#endif
