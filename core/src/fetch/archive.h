/* SPDX-License-Identifier: Apache-2.0 */
/* One member of a zip archive, copied out under a name of its own. */
#ifndef CORE_FETCH_ARCHIVE_H
#define CORE_FETCH_ARCHIVE_H

#include "base/context.h"

/* The member must have exactly `bytes` bytes and this hash, else `target` is not touched.
 * Errors: FV_DATA, FV_FAILED. */
FV_NODISCARD fv_status core_archive_extract(fv_ctx *ctx, const char *archive, const char *member,
	int64_t bytes, const char *sha256, const char *target);

#endif
