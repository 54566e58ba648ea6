/* SPDX-License-Identifier: Apache-2.0 */
/* The names of the rows of a .npy array: a text with one a line, or a CSV with the column FileName or
 * file. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../open_text.h"
#include "precomputed.h"

static bool ends_in(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n >= m && !strcmp(text + n - m, end);
}

/* FILE.txt or FILE.csv beside FILE.npy. */
static fv_status find_beside(const precomputed_state *s, fv_ctx *ctx, const char **out)
{
	size_t n = strlen(s->file);
	size_t stem = ends_in(s->file, ".npy") ? n - 4 : n;
	char *text = fv_alloc(ctx, n + 5), *csv = fv_alloc(ctx, n + 5);
	if (!text || !csv)
		return FV_FAILED;
	snprintf(text, n + 5, "%.*s.txt", (int)stem, s->file);
	snprintf(csv, n + 5, "%.*s.csv", (int)stem, s->file);
	bool has_text = access(text, F_OK) == 0, has_csv = access(csv, F_OK) == 0;
	if (has_text == has_csv)
		return fv_fail(ctx, FV_CONFIG,
			"%s: %s names its rows: set the parameter 'names' to a text with one name "
			"a "
			"line, or a CSV with a column FileName",
			s->file, has_text ? "either .txt or .csv beside it" : "no file beside it");
	*out = has_text ? text : csv;
	return FV_OK;
}

/* Reads the next line without its end into *line; false at the end of the file. */
static bool read_line(FILE *file, char **line, size_t *room)
{
	ssize_t n = getline(line, room, file);
	if (n < 0 || ferror(file)) /* what lies before an error may be part of a line */
		return false;
	while (n && ((*line)[n - 1] == '\n' || (*line)[n - 1] == '\r'))
		(*line)[--n] = '\0';
	return true;
}

/* Adds up to n names and counts all of them. Empty lines are allowed at the end only. */
static fv_status read_lines(
	fv_ctx *ctx, const char *path, FILE *file, int64_t n, const char **name, int64_t *found)
{
	char *line = NULL;
	size_t room = 0;
	int64_t empty = 0, number = 0;
	fv_status status = FV_OK;
	while (!status && read_line(file, &line, &room)) {
		number++;
		const char *text = line;
		if (number == 1 && !strncmp(text, "\xef\xbb\xbf", 3))
			text += 3;
		if (!*text) {
			empty = empty ? empty : number;
			continue;
		}
		if (empty) {
			status = fv_fail(
				ctx, FV_DATA, "%s:%lld: an empty line", path, (long long)empty);
			break;
		}
		char *copy = *found < n ? fv_alloc(ctx, strlen(text) + 1) : NULL;
		if (copy)
			name[*found] = strcpy(copy, text);
		else if (*found < n)
			status = FV_FAILED;
		++*found;
	}
	free(line);
	return status;
}

static fv_status read_list(
	fv_ctx *ctx, const char *path, int64_t n, const char **name, int64_t *found)
{
	FILE *file = open_text(path);
	if (!file)
		return fv_fail(ctx, FV_DATA, "%s: %s", path, describe_open(errno));
	fv_status status = read_lines(ctx, path, file, n, name, found);
	if (!status && !feof(file)) /* also when memory for a line is out */
		status = fv_fail(ctx, FV_DATA, "%s: %s", path, strerror(errno));
	fclose(file);
	return status;
}

static fv_status read_column(
	fv_ctx *ctx, const char *path, int64_t n, const char **name, int64_t *found)
{
	const fv_csv *csv;
	fv_status status = fv_csv_read(ctx, path, &csv);
	if (status)
		return status;
	int64_t column = fv_csv_find(csv, "FileName");
	if (column < 0)
		column = fv_csv_find(csv, "file");
	if (column < 0)
		return fv_csv_fail(ctx, csv, -1, "no column FileName or file");
	*found = fv_csv_rows(csv);
	for (int64_t i = 0; i < *found && i < n; i++) {
		name[i] = fv_csv_cell(csv, i, column);
		if (!*name[i])
			return fv_csv_fail(ctx, csv, i, "no file name");
	}
	return FV_OK;
}

fv_status precomputed_read_names(precomputed_state *s, fv_ctx *ctx, int64_t n, const char ***out)
{
	const char *path = s->names;
	fv_status status = path ? FV_OK : find_beside(s, ctx, &path);
	if (status)
		return status;
	const char **name = fv_alloc(ctx, ((size_t)n + 1) * sizeof *name);
	int64_t found = 0;
	if (!name)
		return FV_FAILED;
	status = ends_in(path, ".csv") ? read_column(ctx, path, n, name, &found)
				       : read_list(ctx, path, n, name, &found);
	if (status)
		return status;
	if (found != n)
		return fv_fail(ctx, FV_DATA, "%s: %lld names for the %lld rows of %s", path,
			(long long)found, (long long)n, s->file);
	uint64_t hash = 0;
	for (int64_t i = 0; i < n; i++)
		hash = hash * UINT64_C(1099511628211) ^ fv_name_hash(name[i]);
	snprintf(s->identity, sizeof s->identity, "names %016" PRIx64, hash);
	*out = name;
	return FV_OK;
}
