/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"

#include <stdlib.h>
#include <string.h>

#include "base/content.h"
#include "base/csv_private.h"
#include "base/file.h"
#include "base/missing.h"
#include "base/nearest.h"
#include "base/readable.h"
#include "base/text.h"
#include "base/utf8.h"

#define CSV_LIMIT ((size_t)1 << 30)
#define START_SIZE 4096 /* bytes that tell what a file is */
#define LISTED 400      /* bytes of a list of columns */

size_t core_csv_line_size(const char *data, size_t size)
{
	size_t n = 0;
	while (n < size && data[n] != '\n' && data[n] != '\r')
		n++;
	if (n + 1 < size && data[n] == '\r' && data[n + 1] == '\n')
		n++;
	return n < size ? n + 1 : size;
}

bool core_csv_grow(fv_ctx *ctx, void *array, int64_t n, int64_t *room, size_t element)
{
	void **at = array;
	if (n < *room)
		return true;
	int64_t larger = *room ? 2 * *room : 256;
	void *grown = realloc(*at, (size_t)larger * element);
	if (!grown) {
		(void)fv_fail(ctx, FV_FAILED, "out of memory");
		return false;
	}
	*at = grown;
	*room = larger;
	return true;
}

void *core_csv_keep(fv_ctx *ctx, const void *array, int64_t n, size_t element)
{
	void *copy = core_alloc(ctx, (size_t)n, element);
	if (copy && n)
		memcpy(copy, array, (size_t)n * element);
	return copy;
}

/* Names are written to JSON and tables, so that other encodings would be corrupted. Bytes from 0xa0
 * are letters in Latin-1; those from 0x80 to 0x9f are letters and signs in Windows-1252 only. */
static fv_status report_encoding(
	fv_ctx *ctx, const core_csv *csv, int64_t line, const char *what, const char *text)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t left = strlen(text), n;
	for (; left && (n = core_utf8_length(at, left)); at += n)
		left -= n;
	const char *guess = *at >= 0xa0 ? "Latin-1 or Windows-1252" : "Windows-1252";
	return core_fail_at(ctx, FV_DATA, csv->path, (int)line, 0,
		"%s is not UTF-8: '%.*s' is followed by the byte 0x%02x (%s?): save the table as "
		"UTF-8 CSV",
		what, (int)(at - (const unsigned char *)text), text, *at, guess);
}

static fv_status check_encoding(fv_ctx *ctx, const core_csv *csv)
{
	for (int64_t j = 0; j < csv->n_columns; j++)
		if (!core_is_utf8(csv->header[j]))
			return report_encoding(
				ctx, csv, csv->header_line, "the header", csv->header[j]);
	for (int64_t i = 0; i < csv->n_rows; i++)
		for (int64_t j = 0; j < csv->n_columns; j++)
			if (!core_is_utf8(core_csv_cell(csv, i, j)))
				return report_encoding(ctx, csv, csv->line[i], csv->header[j],
					core_csv_cell(csv, i, j));
	return FV_OK;
}

/* Drops columns at the end that have neither a name nor a value. */
static void drop_empty_columns(core_csv *csv)
{
	int64_t kept = csv->n_columns;
	for (bool empty = true; empty && kept > 1;) {
		empty = !*csv->header[kept - 1];
		for (int64_t i = 0; empty && i < csv->n_rows; i++)
			empty = !*core_csv_cell(csv, i, kept - 1);
		kept -= empty;
	}
	for (int64_t i = 1; kept < csv->n_columns && i < csv->n_rows; i++)
		memmove(csv->cell + i * kept, csv->cell + i * csv->n_columns,
			(size_t)kept * sizeof *csv->cell);
	csv->n_columns = kept;
}

static fv_status check_names(fv_ctx *ctx, const core_csv *csv)
{
	for (int64_t i = 0; i < csv->n_columns; i++)
		for (int64_t j = 0; j < i; j++)
			if (!strcmp(csv->header[i], csv->header[j]))
				return core_fail_at(ctx, FV_DATA, csv->path, (int)csv->header_line,
					0, "column '%s' appears twice", csv->header[i]);
	return FV_OK;
}

static fv_status read_fields(fv_ctx *ctx, const char *data, size_t size, core_csv *out)
{
	fv_status status = core_csv_read_fields(ctx, data, size, out);
	if (status)
		return status;
	drop_empty_columns(out);
	status = check_names(ctx, out);
	return status ? status : check_encoding(ctx, out);
}

/* True if the first byte that is not blank is `wanted`. */
static bool starts_with(const char *data, size_t size, char wanted)
{
	size_t at = 0;
	while (at < size &&
		(data[at] == ' ' || data[at] == '\t' || data[at] == '\n' || data[at] == '\r'))
		at++;
	return at < size && data[at] == wanted;
}

static const char *find_advice(const char *content)
{
	static const char *const known[][2] = {{"UTF", "save it as UTF-8 CSV"},
		{"archive", "unpack it first"}, {"was not downloaded", "download it first"},
		{"list", "write one object a line (JSON lines)"}};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (strstr(content, known[i][0]))
			return known[i][1];
	return "save the table as UTF-8 CSV";
}

fv_status core_csv_parse(
	fv_ctx *ctx, const char *path, const char *data, size_t size, core_csv *out)
{
	*out = (core_csv){.path = core_strdup(ctx, path)};
	if (!out->path)
		return FV_FAILED;
	const char *content =
		size ? core_content_name(data, size < START_SIZE ? size : START_SIZE) : NULL;
	core_utf8_skip_marks(&data, &size);
	bool json = !content || strstr(content, "JSON");
	if (json && starts_with(data, size, '{'))
		return core_csv_read_json(ctx, data, size, out);
	if (json && content)
		content = "a JSON list";
	if (content)
		return fv_fail(ctx, FV_DATA, "%s: this is %s, not a text table: %s", path, content,
			find_advice(content));
	return read_fields(ctx, data, size, out);
}

fv_status core_csv_read(fv_ctx *ctx, const char *path, core_csv *out)
{
	char *data;
	size_t size;
	fv_status status = core_file_read(ctx, path, CSV_LIMIT, &data, &size);
	return status ? status : core_csv_parse(ctx, path, data, size, out);
}

int64_t core_csv_column(const core_csv *csv, const char *name)
{
	for (int64_t i = 0; i < csv->n_columns; i++)
		if (!strcmp(csv->header[i], name))
			return i;
	return -1;
}

const char *core_csv_cell(const core_csv *csv, int64_t row, int64_t column)
{
	return csv->cell[row * csv->n_columns + column];
}

int core_csv_header_line(const core_csv *csv)
{
	if (csv->header_line)
		return (int)csv->header_line;
	return csv->n_rows && !csv->line[0] ? 0 : 1;
}

fv_status core_csv_check_names(
	fv_ctx *ctx, const core_csv *csv, const char *column, const char *const *value)
{
	fv_status status = FV_OK;
	for (int64_t r = 0; r < csv->n_rows; r++) {
		size_t size = value[r] ? strlen(value[r]) : 0;
		bool broken = size && strpbrk(value[r], "\n\r");
		const char *path = csv->row_path ? csv->row_path[r] : csv->path;
		if (broken)
			status = core_fail_at(ctx, FV_DATA, path, (int)csv->line[r], 0,
				"%s: a value has a line break: write it in one line", column);
		else if (size > CORE_NAME_MAX)
			status = core_fail_at(ctx, FV_DATA, path, (int)csv->line[r], 0,
				"%s: a value of %zu bytes: give it a name of at most %d", column,
				size, CORE_NAME_MAX);
	}
	return status;
}

fv_status core_csv_clean(fv_ctx *ctx, const core_csv *csv, int64_t column)
{
	char **cell = csv->cell + column;
	const char **value = malloc(((size_t)csv->n_rows + 1) * sizeof *value);
	if (!value)
		return fv_fail(ctx, FV_FAILED, "out of memory");
	for (int64_t i = 0; i < csv->n_rows; i++)
		value[i] = cell[i * csv->n_columns];
	fv_status status = core_clean_column(
		ctx, csv->path, csv->header[column], csv->n_rows, value, csv->line, 0, NULL);
	if (!status)
		status = core_csv_check_names(ctx, csv, csv->header[column], value);
	for (int64_t i = 0; i < csv->n_rows && !status; i++) {
		const char *now = value[i] ? value[i] : "";
		if (now == cell[i * csv->n_columns])
			continue;
		cell[i * csv->n_columns] = core_strdup(ctx, now);
		status = cell[i * csv->n_columns] ? FV_OK : FV_FAILED;
	}
	free(value);
	return status;
}

const char *core_csv_columns_text(fv_ctx *ctx, const core_csv *csv)
{
	core_text text = {0};
	core_text_add(&text, "it has: ");
	for (int64_t j = 0; j < csv->n_columns; j++) {
		if (j && text.size + strlen(csv->header[j]) > LISTED) {
			core_text_add(&text, " and %lld more", (long long)(csv->n_columns - j));
			break;
		}
		core_text_add(&text, "%s%s", j ? ", " : "", csv->header[j]);
	}
	if (csv->n_columns == 1 && strpbrk(csv->header[0], ",;\t"))
		core_text_add(&text, " (one column: is the whole line in quotes?)");
	else if (csv->n_columns == 1 && strpbrk(csv->header[0], "| "))
		core_text_add(&text, " (one column: the separator must be , ; or a tab)");
	const char *copy = text.failed ? NULL : core_strdup(ctx, text.data);
	core_text_free(&text);
	return copy ? copy : "out of memory";
}

fv_status core_csv_fail_column(fv_ctx *ctx, const core_csv *csv, const char *name)
{
	const char *near = core_suggest_name(
		ctx, name, (const char *const *)csv->header, (size_t)csv->n_columns);
	return core_fail_at(ctx, FV_DATA, csv->path, core_csv_header_line(csv), 0,
		"no column '%s'%s%s%s", name, near, *near ? " " : ": ",
		core_csv_columns_text(ctx, csv));
}
