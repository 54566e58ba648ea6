/* SPDX-License-Identifier: Apache-2.0 */
/* What can be fetched: a YAML file, the one that the library carries (configs/fetch.yaml, which
 * describes the keys) or another of the same form. Everything lives as long as the context. Errors:
 * FV_CONFIG with file, line and column; all of them are reported. */
#ifndef CORE_FETCH_CATALOGUE_H
#define CORE_FETCH_CATALOGUE_H

#include "base/context.h"

#define CORE_CATALOGUE_FILE "configs/fetch.yaml"

typedef struct core_licence {
	const char *name, *url, *note; /* note may be NULL */
	bool commercial;               /* may be used for profit */
} core_licence;

/* A file somewhere. `sha256` NULL: no hash is published, unless `pointer` is the address of a git
 * LFS pointer that holds one. `member`: the file wanted is inside this zip archive, with its own
 * size and hash. */
typedef struct core_form {
	const char *from, *url, *sha256, *pointer;
	int64_t bytes; /* -1: not known */
	const char *member, *member_sha256;
	int64_t member_bytes;
} core_form;

/* Many files, named in a list with lines "URL BYTES SHA256": those whose URL begins with `prefix`,
 * and the ones of `also`, whose hashes are in git LFS pointers. "{file}" in an address stands for
 * the name. */
typedef struct core_file_set {
	core_form list;
	const char *prefix, *pointer;
	const char **url; /* asked in turn */
	size_t n_urls;
	const char **also;
	size_t n_also;
} core_file_set;

typedef struct core_item {
	const char *name, *what, *home;
	const char *save; /* file, or folder of a set, under the folder the user says */
	core_licence licence;
	int64_t bytes;   /* of the first form, or of the set; -1: not known before */
	core_form *form; /* of one and the same thing; the first is downloaded, any is taken from a
			    cache */
	size_t n_forms;
	core_file_set *set; /* NULL: one file */
} core_item;

typedef struct core_catalogue {
	core_item *item;
	size_t n;
} core_catalogue;

/* path NULL: the library's own. */
FV_NODISCARD fv_status core_catalogue_read(fv_ctx *ctx, const char *path, core_catalogue *out);
/* NULL and a message (FV_CONFIG) when there is none of that name. */
const core_item *core_catalogue_find(
	fv_ctx *ctx, const core_catalogue *catalogue, const char *name);
#endif
