/* SPDX-License-Identifier: Apache-2.0 */
/* Extracts one member of a zip archive to a file of another name. */
#ifndef CORE_FETCH_ARCHIVE_H
#define CORE_FETCH_ARCHIVE_H

#include "base/context.h"

/* The member must have exactly `bytes` bytes and this hash; otherwise `target` is left as it
 * was. Errors: FV_DATA, FV_FAILED. */
FV_NODISCARD fv_status core_archive_extract(fv_ctx *ctx, const char *archive, const char *member,
	int64_t bytes, const char *sha256, const char *target);

#endif
