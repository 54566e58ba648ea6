/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus/label_table.h"

#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"
#include "base/text.h"
#include "corpus/corpus_private.h"
#include "corpus/forms.h"

fv_status core_files_add(fv_ctx *ctx, core_files *files, const char *path, const char *role)
{
	if (files->n == files->capacity) {
		int32_t capacity = files->capacity ? 2 * files->capacity : 8;
		const char **paths = core_alloc(ctx, (size_t)capacity, sizeof *paths);
		const char **roles = core_alloc(ctx, (size_t)capacity, sizeof *roles);
		if (!paths || !roles)
			return FV_FAILED;
		for (int32_t i = 0; i < files->n; i++) {
			paths[i] = files->path[i];
			roles[i] = files->role[i];
		}
		files->path = paths;
		files->role = roles;
		files->capacity = capacity;
	}
	files->path[files->n] = path;
	files->role[files->n++] = role;
	return FV_OK;
}

/* The content of a file; of a folder the names of its recordings. */
static fv_status hash_path(fv_ctx *ctx, const char *path, char hex[CORE_SHA256_HEX])
{
	return core_is_dir(path) ? core_names_sha256(ctx, path, hex)
				 : core_sha256_file(ctx, path, hex);
}

fv_status core_files_sha256(fv_ctx *ctx, const core_files *files, char hex[CORE_SHA256_HEX])
{
	if (files->n == 1 && !files->role[0])
		return hash_path(ctx, files->path[0], hex);
	core_text all = {0};
	fv_status status = FV_OK;
	for (int32_t i = 0; i < files->n && !status; i++) {
		char one[CORE_SHA256_HEX];
		status = hash_path(ctx, files->path[i], one);
		core_text_add(
			&all, "%s %s\n", files->role[i] ? files->role[i] : "", status ? "" : one);
	}
	if (!status)
		return core_sha256_text(ctx, &all, hex);
	core_text_free(&all);
	return status;
}

/* --- which files ------------------------------------------------------------------------------ */

/* One label file as it was read. */
struct part {
	core_csv csv;
	const char *split;
};

struct parts {
	struct part *item;
	int32_t n, capacity;
};

static fv_status add_part(fv_ctx *ctx, struct parts *parts, const struct part *part)
{
	if (parts->n == parts->capacity) {
		int32_t capacity = parts->capacity ? 2 * parts->capacity : 8;
		struct part *grown = core_alloc(ctx, (size_t)capacity, sizeof *grown);
		if (!grown)
			return FV_FAILED;
		if (parts->n)
			memcpy(grown, parts->item, (size_t)parts->n * sizeof *grown);
		parts->item = grown;
		parts->capacity = capacity;
	}
	parts->item[parts->n++] = *part;
	return FV_OK;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The setting that names a label file. */
static core_key_ref make_labels_ref(
	fv_ctx *ctx, const core_corpus_spec *spec, const core_label_source *source)
{
	const char *key = source->split ? core_format(ctx, "labels.%s", source->split) : NULL;
	return (core_key_ref){spec->block, key ? key : "labels", source->path};
}

/* Whether the label file of another fold exists. */
static bool has_other_fold(
	fv_ctx *ctx, const core_corpus_spec *spec, const char *pattern, int64_t fold)
{
	bool found = false;
	for (int32_t i = 0; i < spec->n_folds && !found; i++) {
		const char *path = spec->folds[i] == fold
					   ? NULL
					   : core_expand_fold(ctx, pattern, spec->folds[i]);
		found = path && core_file_exists(path);
	}
	return found;
}

/* Blames the fold where the files of others exist, and the path of the files otherwise. */
static fv_status refuse_missing(fv_ctx *ctx, const core_corpus_spec *spec,
	const core_label_source *source, int64_t fold, const char *path)
{
	const char *why = strerror(errno);
	if (!strstr(source->path, CORE_FOLD_MARK) || !has_other_fold(ctx, spec, source->path, fold))
		return core_fail_key(ctx, FV_DATA, make_labels_ref(ctx, spec, source),
			"corpus.labels: %s: %s", path, why);
	const char *name = core_format(ctx, "%lld", (long long)fold);
	return core_fail_key(ctx, FV_DATA, (core_key_ref){spec->block, "folds", name},
		"corpus.folds: fold %lld has no label file: %s: %s", (long long)fold, path, why);
}

/* Lists the files that a pattern matches, sorted by bytes; a path without wildcards, or one that
 * exists as written, is itself the list. */
static fv_status list_matches(fv_ctx *ctx, const core_corpus_spec *spec,
	const core_label_source *source, int64_t fold, const char *pattern, core_files *out)
{
	if (core_file_exists(pattern))
		return core_files_add(ctx, out, pattern, NULL);
	if (!strpbrk(pattern, "*?["))
		return refuse_missing(ctx, spec, source, fold, pattern);
	glob_t found;
	int code = glob(pattern, GLOB_NOSORT, NULL, &found);
	if (code == GLOB_NOSPACE)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	if (code)
		return core_fail_key(ctx, FV_CONFIG, make_labels_ref(ctx, spec, source),
			"corpus.labels: no file matches '%s'", pattern);
	qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, compare_paths);
	fv_status status = FV_OK;
	for (size_t i = 0; i < found.gl_pathc && !status; i++) {
		const char *path = core_strdup(ctx, found.gl_pathv[i]);
		status = path ? core_files_add(ctx, out, path, NULL) : FV_FAILED;
	}
	globfree(&found);
	return status;
}

/* Reads the files of one pattern. A file that cannot be read does not hide the faults of others. */
static fv_status read_source(fv_ctx *ctx, const core_corpus_spec *spec,
	const core_label_source *source, int64_t fold, struct parts *parts, core_files *files)
{
	core_files list = {0};
	const char *split = source->split, *path = core_expand_fold(ctx, source->path, fold);
	fv_status status = path ? list_matches(ctx, spec, source, fold, path, &list) : FV_FAILED;
	for (int32_t i = 0; i < list.n; i++) {
		struct part part = {.split = split};
		fv_status read = core_files_add(ctx, files, list.path[i], split);
		if (!read)
			read = core_label_form_read(ctx, list.path[i], spec, files, &part.csv);
		if (!read)
			read = add_part(ctx, parts, &part);
		status = status ? status : read;
	}
	return status;
}

/* --- one table of all ------------------------------------------------------------------------- */

static fv_status join_parts(fv_ctx *ctx, const struct parts *parts, core_label_table *out)
{
	const core_csv **csv = core_alloc(ctx, (size_t)parts->n, sizeof *csv);
	if (!csv)
		return FV_FAILED;
	for (int32_t p = 0; p < parts->n; p++)
		csv[p] = &parts->item[p].csv;
	fv_status status = core_csv_join(ctx, csv, parts->n, &out->csv);
	if (status)
		return status;
	if (out->csv.n_rows == 0 || out->csv.n_rows > INT32_MAX)
		return fv_fail(
			ctx, FV_DATA, "%s: %lld rows", out->csv.path, (long long)out->csv.n_rows);
	out->path = out->csv.row_path;
	out->split = core_alloc(ctx, (size_t)out->csv.n_rows, sizeof *out->split);
	if (!out->split)
		return FV_FAILED;
	int64_t row = 0;
	for (int32_t p = 0; p < parts->n; p++)
		for (int64_t r = 0; r < csv[p]->n_rows; r++)
			out->split[row++] = parts->item[p].split;
	return FV_OK;
}

fv_status core_label_table_read(
	fv_ctx *ctx, const core_corpus_spec *spec, int64_t fold, core_label_table *out)
{
	*out = (core_label_table){0};
	struct parts parts = {0};
	fv_status status = FV_OK;
	const core_label_source whole = {NULL, spec->labels};
	int32_t n = spec->n_label_source ? spec->n_label_source : 1;
	for (int32_t i = 0; i < n; i++) {
		const core_label_source *source =
			spec->n_label_source ? &spec->label_source[i] : &whole;
		fv_status read = read_source(ctx, spec, source, fold, &parts, &out->files);
		status = status ? status : read;
	}
	return status ? status : join_parts(ctx, &parts, out);
}
