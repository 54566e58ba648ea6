/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/split.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/content.h"
#include "base/file.h"
#include "base/text.h"

#define INDEX_MAX ((size_t)64 << 20)
#define KEY "\"weight_map\""

bool core_is_index(const fv_checkpoint *file)
{
	return file->size <= INDEX_MAX && memmem(file->data, file->size, KEY, strlen(KEY));
}

static fv_status fail_index(fv_ctx *ctx, const char *path, const char *why)
{
	return fv_fail(ctx, FV_DATA, "%s: weight_map: %s", path, why);
}

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Lists the files of an index, each once and sorted, as paths. */
static fv_status list_parts(
	fv_ctx *ctx, const char *path, const json_t *map, char ***part, size_t *n)
{
	size_t size = json_object_size(map);
	char **all = core_alloc(ctx, size, sizeof *all);
	const char *folder = core_path_dir(ctx, path), *key;
	json_t *value;
	if (!all || !folder)
		return FV_FAILED;
	*n = 0;
	json_object_foreach((json_t *)(uintptr_t)map, key, value)
	{
		const char *name = json_string_value(value);
		if (!name || !*name || strchr(name, '/') || strstr(name, ".json"))
			return fail_index(
				ctx, path, "a tensor without the name of a file beside it");
		all[*n] = core_path_join(ctx, folder, name);
		if (!all[(*n)++])
			return FV_FAILED;
	}
	if (!size)
		return fail_index(ctx, path, "it names no tensors");
	qsort(all, size, sizeof *all, compare_texts);
	*n = 0;
	for (size_t i = 0; i < size; i++)
		if (!i || strcmp(all[i], all[*n - 1]) != 0)
			all[(*n)++] = all[i];
	*part = all;
	return FV_OK;
}

/* Parses an index into *root, which the caller releases, and its map. */
static fv_status parse_index(fv_ctx *ctx, const char *path, const void *data, size_t size,
	json_t **root, const json_t **map)
{
	json_error_t error;
	*root = json_loadb(data, size, JSON_REJECT_DUPLICATES, &error);
	if (!*root)
		return fv_fail(
			ctx, FV_DATA, "%s:%d:%d: %s", path, error.line, error.column, error.text);
	*map = json_object_get(*root, "weight_map");
	return json_is_object(*map) ? FV_OK : fail_index(ctx, path, "not an object of file names");
}

/* Checks that file i of n is there. */
static fv_status find_part(fv_ctx *ctx, const char *index, const char *part, size_t i, size_t n)
{
	return core_file_exists(part)
		       ? FV_OK
		       : fv_fail(ctx, FV_DATA, "%s: file %zu of %zu of this model is missing: %s",
				 index, i + 1, n, part);
}

/* --- tensors --- */

static int compare_tensors(const void *a, const void *b)
{
	return strcmp(((const fv_tensor *)a)->name, ((const fv_tensor *)b)->name);
}

static fv_status join_tensors(fv_ctx *ctx, fv_checkpoint *file)
{
	int64_t n = 0;
	for (size_t i = 0; i < file->n_parts; i++)
		n += file->part[i]->n;
	file->tensor = core_arena_alloc(&file->memory, ((size_t)n + 1) * sizeof *file->tensor);
	if (!file->tensor)
		return fv_fail(ctx, FV_FAILED, "%s: out of memory", file->path);
	for (size_t i = 0; i < file->n_parts; i++)
		for (int64_t k = 0; k < file->part[i]->n; k++)
			file->tensor[file->n++] = file->part[i]->tensor[k];
	qsort(file->tensor, (size_t)n, sizeof *file->tensor, compare_tensors);
	for (int64_t i = 1; i < n; i++)
		if (!compare_tensors(&file->tensor[i - 1], &file->tensor[i]))
			return fv_fail(ctx, FV_DATA, "%s: tensor '%s' is in two files", file->path,
				file->tensor[i].name);
	return FV_OK;
}

/* Compares the tensors that are there with those of the index. */
static fv_status check_map(
	fv_ctx *ctx, const fv_checkpoint *file, char *const *part, const json_t *map)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)map, key, value)
	{
		size_t i = 0;
		while (strcmp(core_path_base(part[i]), json_string_value(value)) != 0)
			i++;
		if (!fv_checkpoint_find(file->part[i], key))
			return fv_fail(ctx, FV_DATA, "%s: tensor '%s' is not in %s", file->path,
				key, part[i]);
	}
	for (int64_t i = 0; i < file->n; i++)
		if (!json_object_get(map, file->tensor[i].name))
			return fv_fail(ctx, FV_DATA,
				"%s: tensor '%s' is in a file but not in the index", file->path,
				file->tensor[i].name);
	return FV_OK;
}

static fv_status open_parts(
	fv_ctx *ctx, fv_checkpoint *file, char *const *part, size_t n, const json_t *map)
{
	file->part = core_arena_alloc(&file->memory, n * sizeof(fv_checkpoint *));
	if (!file->part)
		return fv_fail(ctx, FV_FAILED, "%s: out of memory", file->path);
	for (; file->n_parts < n; file->n_parts++) {
		const char *path = part[file->n_parts];
		if (find_part(ctx, file->path, path, file->n_parts, n))
			return FV_DATA;
		fv_status status = fv_checkpoint_open(ctx, path, &file->part[file->n_parts]);
		if (status)
			return status;
		if (file->part[file->n_parts]->n_parts) {
			file->n_parts++;
			return fail_index(ctx, file->path, "a file of it is an index again");
		}
	}
	fv_status status = join_tensors(ctx, file);
	return status ? status : check_map(ctx, file, part, map);
}

fv_status core_index_read(fv_ctx *ctx, fv_checkpoint *file)
{
	json_t *root = NULL;
	const json_t *map = NULL;
	char **part = NULL;
	size_t n = 0;
	fv_status status = parse_index(ctx, file->path, file->data, file->size, &root, &map);
	if (!status)
		status = list_parts(ctx, file->path, map, &part, &n);
	if (!status)
		status = open_parts(ctx, file, part, n, map);
	json_decref(root);
	return status;
}

/* --- the hash --- */

static fv_status hash_parts(
	fv_ctx *ctx, const char *path, const char *data, size_t size, char hex[CORE_SHA256_HEX])
{
	json_t *root = NULL;
	const json_t *map = NULL;
	char **part = NULL;
	size_t n = 0;
	core_text all = {0};
	core_text_add(&all, "index %s\n", hex);
	fv_status status = parse_index(ctx, path, data, size, &root, &map);
	if (!status)
		status = list_parts(ctx, path, map, &part, &n);
	for (size_t i = 0; i < n && !status; i++) {
		status = find_part(ctx, path, part[i], i, n);
		if (!status)
			status = core_sha256_file(ctx, part[i], hex);
		core_text_add(&all, "%s %s\n", core_path_base(part[i]), hex);
	}
	json_decref(root);
	fv_status hashed = core_sha256_text(ctx, &all, hex);
	return status ? status : hashed;
}

fv_status core_weights_sha256(fv_ctx *ctx, const char *path, char hex[CORE_SHA256_HEX])
{
	fv_status status = core_sha256_file(ctx, path, hex);
	const char *what = status ? NULL : core_content_of_file(ctx, path);
	if (status || !what || strcmp(what, CORE_CONTENT_JSON) != 0)
		return status;
	char *data;
	size_t size;
	status = core_file_read(ctx, path, INDEX_MAX, &data, &size);
	if (status || !memmem(data, size, KEY, strlen(KEY)))
		return status;
	return hash_parts(ctx, path, data, size, hex);
}
