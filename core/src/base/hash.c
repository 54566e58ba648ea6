/* SPDX-License-Identifier: Apache-2.0 */
/* The functions of libcrypto that work in a structure of ours: those of EVP allocate, and libcrypto 3.0 crashes in
 * them when memory is out. They are deprecated, not removed. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/hash.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

void core_sha256_begin(core_sha256 *hash)
{
	SHA256_Init(&hash->state);
}

void core_sha256_add(core_sha256 *hash, const void *data, size_t size)
{
	SHA256_Update(&hash->state, data, size);
}

void core_sha256_end(core_sha256 *hash, char hex[CORE_SHA256_HEX])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];
	SHA256_Final(digest, &hash->state);
	for (int i = 0; i < SHA256_DIGEST_LENGTH; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

void core_sha256_bytes(const void *data, size_t size, char hex[CORE_SHA256_HEX])
{
	core_sha256 hash;
	core_sha256_begin(&hash);
	core_sha256_add(&hash, data, size);
	core_sha256_end(&hash, hex);
}

fv_status core_sha256_text(fv_ctx *ctx, core_text *text, char hex[CORE_SHA256_HEX])
{
	fv_status status = text->failed ? fv_fail(ctx, FV_FAILED, "out of memory") : FV_OK;
	core_sha256_bytes(text->data ? text->data : "", text->size, hex);
	core_text_free(text);
	return status;
}

fv_status core_sha256_file(fv_ctx *ctx, const char *path, char hex[CORE_SHA256_HEX])
{
	char buffer[1 << 16];
	core_sha256 hash;
	ssize_t n;
	int fd;
	fv_status status = core_open_file(ctx, path, &fd, NULL);
	if (status)
		return status;
	core_sha256_begin(&hash);
	while ((n = core_read_some(fd, buffer, sizeof buffer)) > 0)
		core_sha256_add(&hash, buffer, (size_t)n);
	if (n < 0)
		status = fv_fail(ctx, FV_DATA, "%s: %s", path, strerror(errno));
	core_sha256_end(&hash, hex);
	close(fd);
	return status;
}
