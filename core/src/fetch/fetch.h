/* SPDX-License-Identifier: Apache-2.0 */
/* Puts an item of the catalogue where it belongs: what is there is checked and stays, else it comes
 * from a cache of another program, else from its address. A file gets its name only when its
 * content is what it should be. Beside it stands NAME.json: where from, when, SHA-256, licence.
 *
 * This part is a module of its own, libfairvox-fetch.so, which the program loads only for `fairvox
 * fetch`: libcurl brings two dozen libraries with it. */
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
	const char *path;    /* of the file, or of the folder of a set */
	const char *receipt; /* its NAME.json, as text */
} core_fetched;

typedef struct core_fetch_module {
	size_t size;
	const char *version; /* of fairvox: both sides must be of one build */
	fv_status (*catalogue)(fv_ctx *ctx, const char *path, core_catalogue *out);
	const core_item *(*find)(fv_ctx *ctx, const core_catalogue *catalogue, const char *name);
	fv_status (*fetch)(fv_ctx *ctx, const core_item *item, const core_fetch_options *options,
		core_fetched *out);
} core_fetch_module;

#endif
