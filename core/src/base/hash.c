/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

static void format_hex(const unsigned char *digest, char hex[CORE_SHA256_HEX])
{
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

fv_status core_sha256_bytes(fv_ctx *ctx, const void *data, size_t size, char hex[CORE_SHA256_HEX])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	if (!EVP_Digest(data, size, digest, NULL, EVP_sha256(), NULL))
		return fv_fail(ctx, FV_FAILED, "SHA-256 failed");
	format_hex(digest, hex);
	return FV_OK;
}

fv_status core_sha256_text(fv_ctx *ctx, core_text *text, char hex[CORE_SHA256_HEX])
{
	fv_status status = text->failed ? fv_fail(ctx, FV_FAILED, "out of memory")
					: core_sha256_bytes(ctx, text->data ? text->data : "",
						  text->size, hex);
	core_text_free(text);
	return status;
}

static fv_status hash_stream(
	fv_ctx *ctx, FILE *file, const char *path, EVP_MD_CTX *md, char hex[CORE_SHA256_HEX])
{
	char buffer[1 << 16];
	size_t n;
	if (!md || !EVP_DigestInit_ex(md, EVP_sha256(), NULL))
		return fv_fail(ctx, FV_FAILED, "SHA-256 failed");
	while ((n = fread(buffer, 1, sizeof buffer, file)) > 0)
		if (!EVP_DigestUpdate(md, buffer, n))
			return fv_fail(ctx, FV_FAILED, "SHA-256 failed");
	if (ferror(file))
		return fv_fail(ctx, FV_DATA, "%s: %s", path, strerror(errno));
	unsigned char digest[EVP_MAX_MD_SIZE];
	if (!EVP_DigestFinal_ex(md, digest, NULL))
		return fv_fail(ctx, FV_FAILED, "SHA-256 failed");
	format_hex(digest, hex);
	return FV_OK;
}

fv_status core_sha256_file(fv_ctx *ctx, const char *path, char hex[CORE_SHA256_HEX])
{
	FILE *file = fopen(path, "rbe");
	if (!file)
		return fv_fail(ctx, FV_DATA, "%s: %s", path, strerror(errno));
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	fv_status status = hash_stream(ctx, file, path, md, hex);
	EVP_MD_CTX_free(md);
	fclose(file);
	return status;
}
