/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes of files that this process, or the one it was forked from, has computed before. */
#ifndef CORE_BASE_HASH_MEMORY_H
#define CORE_BASE_HASH_MEMORY_H

#include "base/hash.h"

/* As core_sha256_file, but a file that has not changed since it was hashed is not read again: the same device, inode,
 * size and times. A file that was changed less than two seconds before it was hashed is always read, because
 * its times may not show the next change. For one thread. */
FV_NODISCARD fv_status core_sha256_file_once(
	fv_ctx *ctx, const char *path, char hex[CORE_SHA256_HEX]);

#endif
