/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 of bytes and files, as 64 lower-case hex digits. */
#ifndef CORE_BASE_HASH_H
#define CORE_BASE_HASH_H

#include <openssl/sha.h>

#include "base/text.h"

#define CORE_SHA256_HEX 65 /* with the NUL */

/* A hash of parts: begin, add as often as needed, end. Allocates nothing and cannot fail. */
typedef struct core_sha256 {
	SHA256_CTX state;
} core_sha256;
void core_sha256_begin(core_sha256 *hash);
void core_sha256_add(core_sha256 *hash, const void *data, size_t size);
void core_sha256_end(core_sha256 *hash, char hex[CORE_SHA256_HEX]);

void core_sha256_bytes(const void *data, size_t size, char hex[CORE_SHA256_HEX]);
/* Hashes what was collected in `text`, and frees it. Errors: FV_FAILED if memory had run out. */
FV_NODISCARD fv_status core_sha256_text(fv_ctx *ctx, core_text *text, char hex[CORE_SHA256_HEX]);
FV_NODISCARD fv_status core_sha256_file(fv_ctx *ctx, const char *path, char hex[CORE_SHA256_HEX]);

#endif
