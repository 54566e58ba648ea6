/* SPDX-License-Identifier: Apache-2.0 */
/* Finds files that other programs have downloaded: the caches of Hugging Face (HF_HUB_CACHE,
 * HF_HOME), s3prl (~/.cache/s3prl/download) and torch (TORCH_HOME). A name only says where to
 * look; the content decides. Lists live as long as the context. */
#ifndef CORE_FETCH_CACHES_H
#define CORE_FETCH_CACHES_H

#include "fetch/catalogue.h"

typedef struct core_found {
	const char *path;
	const char *cache;  /* "Hugging Face", "s3prl", "torch" */
	const char *sha256; /* SHA-256 that Hugging Face's cache states; NULL when none */
} core_found;

/* Lists files that may be the form, or the member when the form is an archive: those with its
 * name in its cache and those of the right size. */
FV_NODISCARD fv_status core_caches_search(
	fv_ctx *ctx, const core_form *form, core_found **out, size_t *n);

/* The URL of the LFS pointer of a form: its own, or derived from a Hugging Face URL. NULL: none. */
const char *core_form_find_pointer(fv_ctx *ctx, const core_form *form);

#endif
