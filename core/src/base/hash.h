/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of bytes and files, as 64 lower-case hex digits. */
#ifndef CORE_BASE_HASH_H
#define CORE_BASE_HASH_H

#include "base/text.h"

#define CORE_SHA256_HEX 65 /* with the NUL */

FV_NODISCARD fv_status core_sha256_bytes(
	fv_ctx *ctx, const void *data, size_t size, char hex[CORE_SHA256_HEX]);
/* Hashes what was collected in `text`, and frees it. Errors: FV_FAILED if memory had run out. */
FV_NODISCARD fv_status core_sha256_text(fv_ctx *ctx, core_text *text, char hex[CORE_SHA256_HEX]);
FV_NODISCARD fv_status core_sha256_file(fv_ctx *ctx, const char *path, char hex[CORE_SHA256_HEX]);

#endif
