/* SPDX-License-Identifier: Apache-2.0 */
/* Files that other programs have downloaded: the caches of Hugging Face (HF_HUB_CACHE, HF_HOME),
 * s3prl
 * (~/.cache/s3prl/download) and torch (TORCH_HOME). Names only say where to look; what a file is,
 * its content says. Lists live as long as the context. */
#ifndef CORE_FETCH_CACHES_H
#define CORE_FETCH_CACHES_H

#include "fetch/catalogue.h"

typedef struct core_found {
	const char *path;
	const char *cache;  /* "Hugging Face", "s3prl", "torch" */
	const char *sha256; /* what Hugging Face's cache says its content is; NULL */
} core_found;

/* Files that may be the form's (its archive's member, where it has one): of that name in its cache,
 * or of the right size. */
FV_NODISCARD fv_status core_caches_search(
	fv_ctx *ctx, const core_form *form, core_found **out, size_t *n);

/* Address of the LFS pointer of a form: its own, or made from an address of Hugging Face. NULL:
 * none. */
const char *core_form_pointer(fv_ctx *ctx, const core_form *form);

#endif
