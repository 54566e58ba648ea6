/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue of what can be fetched: a YAML file, either the one built into the library
 * (configs/fetch.yaml describes its keys) or another of the same form. Everything lives as long
 * as the context. Errors: FV_CONFIG with file, line and column; all errors are reported. */
#ifndef CORE_FETCH_CATALOGUE_H
#define CORE_FETCH_CATALOGUE_H

#include "base/context.h"

#define CORE_CATALOGUE_FILE "configs/fetch.yaml"

typedef struct core_licence {
	const char *name, *url, *note; /* note may be NULL */
	bool commercial;               /* commercial use is allowed */
} core_licence;

/* A file at a URL. `sha256` NULL: no hash is known unless `pointer`, the URL of a git LFS
 * pointer, gives one. With `member`, the wanted file is inside this zip archive and has its own
 * size and hash. */
typedef struct core_form {
	const char *from, *url, *sha256, *pointer;
	int64_t bytes; /* -1: unknown */
	const char *member, *member_sha256;
	int64_t member_bytes;
} core_form;

/* Many files, named by a list with lines "URL BYTES SHA256": those whose URL starts with
 * `prefix`, and the names in `also`, whose hashes come from git LFS pointers. "{file}" in a URL
 * stands for the file name. */
typedef struct core_file_set {
	core_form list;
	const char *prefix, *pointer;
	const char **url; /* tried in this order */
	size_t n_urls;
	const char **also;
	size_t n_also;
} core_file_set;

typedef struct core_item {
	const char *name, *what, *home;
	const char *save; /* path of the file, or of the folder of a set, below the output folder */
	core_licence licence;
	int64_t bytes; /* size of the first form or of the set; -1: unknown in advance */
	core_form *
		form; /* [n_forms] the first that works is downloaded; caches are searched for any */
	size_t n_forms;
	core_file_set *set; /* NULL: a single file */
} core_item;

typedef struct core_catalogue {
	core_item *item;
	size_t n;
} core_catalogue;

/* path NULL: the built-in catalogue. */
FV_NODISCARD fv_status core_catalogue_read(fv_ctx *ctx, const char *path, core_catalogue *out);
/* Returns NULL and reports FV_CONFIG when there is no such name. */
const core_item *core_catalogue_find(
	fv_ctx *ctx, const core_catalogue *catalogue, const char *name);
#endif
