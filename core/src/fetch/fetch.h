/* SPDX-License-Identifier: Apache-2.0 */
/* Puts an item of the catalogue in its place. An existing file is checked and kept; otherwise it
 * is copied from the cache of another program or downloaded. A file gets its name only when its
 * content is verified. NAME.json next to it records source, time, SHA-256 and licence.
 *
 * This part is a separate module, libfairvox-fetch.so, which the program loads only for `fairvox
 * fetch`, because libcurl pulls in two dozen libraries. */
#ifndef CORE_FETCH_FETCH_H
#define CORE_FETCH_FETCH_H

#include "fetch/catalogue.h"
#include "fetch/http.h"

#define CORE_FETCH_MODULE "libfairvox-fetch.so"
#define CORE_FETCH_ENTRY "core_fetch_entry"

typedef struct core_fetch_options {
	const char *dir;
	core_http_options http;
	bool offline, force;
	int64_t jobs;
} core_fetch_options;

typedef struct core_fetched {
	const char *path;    /* path of the file, or of the folder of a set */
	const char *receipt; /* text of its NAME.json */
} core_fetched;

typedef struct core_fetch_module {
	size_t size;
	const char *version; /* version of fairvox; both sides must be of the same build */
	fv_status (*catalogue)(fv_ctx *ctx, const char *path, core_catalogue *out);
	const core_item *(*find)(fv_ctx *ctx, const core_catalogue *catalogue, const char *name);
	fv_status (*fetch)(fv_ctx *ctx, const core_item *item, const core_fetch_options *options,
		core_fetched *out);
} core_fetch_module;

#endif
