/* SPDX-License-Identifier: Apache-2.0 */
/* Gets one file and records what is known about it. */
#ifndef CORE_FETCH_FILE_H
#define CORE_FETCH_FILE_H

#include <jansson.h>

#include "base/hash.h"
#include "fetch/fetch.h"

/* Where a hash came from: printed, recorded, and explained in core/docs/fetch.md. */
#define CORE_PROOF_PINNED "pinned"   /* in the catalogue, or in a list whose hash is */
#define CORE_PROOF_POINTER "pointer" /* stated by the repository's LFS pointer when fetched */
#define CORE_PROOF_CACHE "cache"     /* stated by Hugging Face's cache */
#define CORE_PROOF_RECEIPT "receipt" /* recorded by an earlier fetch */
#define CORE_PROOF_NONE "none"       /* no hash is published; the one found is recorded */

typedef struct core_obtained {
	char sha256[CORE_SHA256_HEX];
	int64_t bytes;
	const char *proof;
	const char *from, *url; /* name and URL of the form */
	const char *source;     /* URL after redirects, or path in a cache */
	bool was_there;
} core_obtained;

/* Downloads one file to `target` through target.part. The part stays after an interrupted
 * transfer if the hash is known, and the next call resumes there. sha256 NULL: any content is
 * accepted. Processes that want the same target wait for each other. */
FV_NODISCARD fv_status core_download(fv_ctx *ctx, core_http *http, const core_form *form,
	const char *name, const char *target, core_obtained *out);

/* Downloads a small file into memory (NUL-terminated, lives as long as the context); more than
 * `limit` bytes are an error. */
FV_NODISCARD fv_status core_download_text(
	fv_ctx *ctx, core_http *http, const char *name, const char *url, int64_t limit, char **out);

/* Reads SHA-256 and size from a git LFS pointer. */
FV_NODISCARD fv_status core_read_pointer(
	fv_ctx *ctx, core_http *http, const char *name, const char *url, core_form *out);

FV_NODISCARD fv_status core_hash_file(
	fv_ctx *ctx, const char *path, core_obtained *out); /* sets sha256 and bytes */

/* Creates the receipt of one file; for a set the caller adds "files". NULL when memory is out. */
json_t *core_receipt_create(const core_item *item, const core_obtained *got);
FV_NODISCARD fv_status core_receipt_write(
	fv_ctx *ctx, json_t *receipt, const char *path, const char **text);
/* Reads sha256 from the receipt at `path`, or that of one file of a set; NULL when it has none
 * or cannot be read. */
const char *core_receipt_read_sha256(fv_ctx *ctx, const char *path, const char *file);

FV_NODISCARD fv_status core_fetch_set(fv_ctx *ctx, const core_item *item,
	const core_fetch_options *options, const char *folder, core_fetched *out);

#endif
