/* SPDX-License-Identifier: Apache-2.0 */
/* The label files of a fold, joined into one table. */
#ifndef CORE_CORPUS_LABEL_TABLE_H
#define CORE_CORPUS_LABEL_TABLE_H

#include "base/csv.h"
#include "base/hash.h"
#include "config/spec.h"

/* Files in the order in which they were read. */
typedef struct core_files {
	int32_t n, capacity;
	const char **path; /* [n] */
	const char **role; /* [n] split that the configuration gives the file's rows; NULL: none */
} core_files;

typedef struct core_label_table {
	/* All rows in the order of the files. The header is the union of the files' columns; a cell
	 * that a file does not have is "". csv.path is the first file. */
	core_csv csv;
	const char **path;  /* [csv.n_rows] file of the row; csv.line is the line in it */
	const char **split; /* [csv.n_rows] split that corpus.labels gives the file; NULL: none */
	core_files files;   /* all files read, those that label files refer to included */
} core_label_table;

/* Reads the files of corpus.labels for a fold. Errors: FV_DATA with file and line; FV_CONFIG when
 * a pattern matches no file. */
FV_NODISCARD fv_status core_label_table_read(
	fv_ctx *ctx, const core_corpus_spec *spec, int64_t fold, core_label_table *out);

/* Appends a path to the list. Both texts are kept, not copied; role may be NULL. */
FV_NODISCARD fv_status core_files_add(
	fv_ctx *ctx, core_files *files, const char *path, const char *role);
/* The SHA-256 of the files' content in their order, with their roles. For one file without a role
 * it is the file's own. */
FV_NODISCARD fv_status core_files_sha256(
	fv_ctx *ctx, const core_files *files, char hex[CORE_SHA256_HEX]);

/* Reads one label file in whatever form it has (label_forms.c). Files that it refers to are added
 * to `files`. */
FV_NODISCARD fv_status core_label_form_read(fv_ctx *ctx, const char *path,
	const core_corpus_spec *spec, core_files *files, core_csv *out);

#endif
