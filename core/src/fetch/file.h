/* SPDX-License-Identifier: Apache-2.0 */
/* Getting one file, and what is known of it afterwards. */
#ifndef CORE_FETCH_FILE_H
#define CORE_FETCH_FILE_H

#include <jansson.h>

#include "base/hash.h"
#include "fetch/fetch.h"

/* How a hash came to be believed: printed, recorded, and in core/docs/fetch.md. */
#define CORE_PROOF_PINNED "pinned" /* it stands in the catalogue, or in a list whose hash does */
#define CORE_PROOF_POINTER                                                                         \
	"pointer"                    /* the repository's LFS pointer said so when it was fetched   \
				      */
#define CORE_PROOF_CACHE "cache"     /* Hugging Face's cache recorded it */
#define CORE_PROOF_RECEIPT "receipt" /* it is what an earlier fetch recorded */
#define CORE_PROOF_NONE "none"       /* none is published: it is only recorded */

typedef struct core_got {
	char sha256[CORE_SHA256_HEX];
	int64_t bytes;
	const char *proof;
	const char *from, *url; /* of the form */
	const char *source;     /* address after redirects, or path in a cache */
	bool was_there;
} core_got;

/* One file from an address to `target`, by way of target.part, which stays when the transfer is cut
 * and the hash is known: the next call goes on there. sha256 NULL: whatever comes is taken. Others
 * that want the same target wait. */
FV_NODISCARD fv_status core_download(fv_ctx *ctx, core_http *http, const core_form *form,
	const char *name, const char *target, core_got *out);

/* A small file into memory (NUL-terminated, lives as long as the context); longer than `limit` is
 * an error. */
FV_NODISCARD fv_status core_download_text(
	fv_ctx *ctx, core_http *http, const char *name, const char *url, int64_t limit, char **out);

/* SHA-256 and size that a git LFS pointer states. */
FV_NODISCARD fv_status core_read_pointer(
	fv_ctx *ctx, core_http *http, const char *name, const char *url, core_form *out);

FV_NODISCARD fv_status core_hash_file(
	fv_ctx *ctx, const char *path, core_got *out); /* sha256, bytes */

/* The receipt of one file; of a set the caller adds "files". NULL when memory is out. */
json_t *core_receipt(const core_item *item, const core_got *got);
FV_NODISCARD fv_status core_receipt_write(
	fv_ctx *ctx, json_t *receipt, const char *path, const char **text);
/* sha256 in the receipt at `path`, or that of one file of a set; NULL: there is none that can be
 * read. */
const char *core_receipt_sha256(fv_ctx *ctx, const char *path, const char *file);

FV_NODISCARD fv_status core_fetch_set(fv_ctx *ctx, const core_item *item,
	const core_fetch_options *options, const char *folder, core_fetched *out);

#endif
