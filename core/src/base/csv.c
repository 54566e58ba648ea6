/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <csv.h>

#include "base/file.h"
#include "base/utf8.h"

#define CSV_LIMIT ((size_t)1 << 30)

struct reader {
	fv_ctx *ctx;
	core_csv *csv;
	struct csv_parser *parser;
	int64_t fields, capacity, row_start; /* fields of the current row; capacity of `cells` */
	int64_t line, rows_capacity;
	char **cells;
	bool in_header;
	fv_status status;
};

static void on_field(void *text, size_t size, void *user)
{
	struct reader *r = user;
	if (r->status)
		return;
	if (r->row_start + r->fields == r->capacity) {
		int64_t capacity = r->capacity ? 2 * r->capacity : 256;
		char **grown = realloc(r->cells, (size_t)capacity * sizeof *grown);
		if (!grown) {
			r->status = fv_fail(r->ctx, FV_FAILED, "out of memory");
			return;
		}
		r->cells = grown;
		r->capacity = capacity;
	}
	if (size && memchr(text, '\0', size)) {
		r->status = core_fail_at(
			r->ctx, FV_DATA, r->csv->path, (int)r->line, 0, "NUL byte in a field");
		return;
	}
	char *copy = core_strndup(r->ctx, size ? text : "", size);
	if (!copy) {
		r->status = FV_FAILED;
		return;
	}
	r->cells[r->row_start + r->fields++] = copy;
}

static fv_status end_header(struct reader *r)
{
	core_csv *csv = r->csv;
	csv->n_columns = r->fields;
	csv->header = core_alloc(r->ctx, (size_t)r->fields, sizeof *csv->header);
	if (!csv->header)
		return FV_FAILED;
	memcpy(csv->header, r->cells, (size_t)r->fields * sizeof *csv->header);
	r->in_header = false;
	for (int64_t i = 0; i < csv->n_columns; i++)
		for (int64_t j = 0; j < i; j++)
			if (!strcmp(csv->header[i], csv->header[j]))
				return core_fail_at(r->ctx, FV_DATA, csv->path, (int)r->line, 0,
					"column '%s' appears twice", csv->header[i]);
	return FV_OK;
}

static fv_status end_row(struct reader *r)
{
	core_csv *csv = r->csv;
	if (r->fields != csv->n_columns)
		return core_fail_at(r->ctx, FV_DATA, csv->path, (int)r->line, 0,
			"%lld fields, the header has %lld", (long long)r->fields,
			(long long)csv->n_columns);
	if (csv->n_rows == r->rows_capacity) {
		int64_t capacity = r->rows_capacity ? 2 * r->rows_capacity : 256;
		int64_t *grown = realloc(csv->line, (size_t)capacity * sizeof *grown);
		if (!grown)
			return fv_fail(r->ctx, FV_FAILED, "out of memory");
		csv->line = grown;
		r->rows_capacity = capacity;
	}
	csv->line[csv->n_rows++] = r->line;
	r->row_start += r->fields;
	return FV_OK;
}

static void on_row(int end, void *user)
{
	struct reader *r = user;
	(void)end;
	if (!r->status && r->fields)
		r->status = r->in_header ? end_header(r) : end_row(r);
	r->fields = 0;
}

/* Feeds libcsv one physical line at a time, because it does not count lines. A row with a quoted
 * field over several lines gets the number of its last line. */
static fv_status parse_lines(struct reader *r, const char *data, size_t size)
{
	const char *end = data + size;
	while (data < end && !r->status) {
		const char *newline = memchr(data, '\n', (size_t)(end - data));
		size_t n = newline ? (size_t)(newline - data) + 1 : (size_t)(end - data);
		r->line++;
		if (csv_parse(r->parser, data, n, on_field, on_row, r) != n && !r->status)
			return core_fail_at(r->ctx, FV_DATA, r->csv->path, (int)r->line, 0, "%s",
				csv_strerror(csv_error(r->parser)));
		data += n;
	}
	if (!r->status && csv_fini(r->parser, on_field, on_row, r) && !r->status)
		return core_fail_at(r->ctx, FV_DATA, r->csv->path, (int)r->line, 0,
			"a quoted field is not closed");
	return r->status;
}

static fv_status keep_table(struct reader *r)
{
	core_csv *csv = r->csv;
	size_t cells = (size_t)(csv->n_rows * csv->n_columns);
	csv->cell = core_alloc(r->ctx, cells, sizeof *csv->cell);
	int64_t *line = core_alloc(r->ctx, (size_t)csv->n_rows, sizeof *line);
	if (!csv->cell || !line)
		return FV_FAILED;
	if (cells) {
		memcpy(csv->cell, r->cells, cells * sizeof *csv->cell);
		memcpy(line, csv->line, (size_t)csv->n_rows * sizeof *line);
	}
	free(csv->line);
	csv->line = line;
	return FV_OK;
}

/* Names are written to JSON and tables, so that other encodings would be corrupted. */
static fv_status check_encoding(fv_ctx *ctx, const core_csv *csv)
{
	fv_status status = FV_OK;
	for (int64_t j = 0; j < csv->n_columns; j++)
		if (!core_is_utf8(csv->header[j]))
			status = core_fail_at(ctx, FV_DATA, csv->path, 1, 0, "not UTF-8");
	for (int64_t i = 0; i < csv->n_rows; i++)
		for (int64_t j = 0; j < csv->n_columns; j++)
			if (!core_is_utf8(core_csv_cell(csv, i, j)))
				status = core_fail_at(ctx, FV_DATA, csv->path, (int)csv->line[i], 0,
					"%s is not UTF-8", csv->header[j]);
	return status;
}

fv_status core_csv_read(fv_ctx *ctx, const char *path, core_csv *out)
{
	char *data;
	size_t size;
	fv_status status = core_file_read(ctx, path, CSV_LIMIT, &data, &size);
	return status ? status : core_csv_parse(ctx, path, data, size, out);
}

fv_status core_csv_parse(
	fv_ctx *ctx, const char *path, const char *data, size_t size, core_csv *out)
{
	if (size >= 3 && !memcmp(data, "\xef\xbb\xbf", 3)) {
		data += 3;
		size -= 3;
	}
	*out = (core_csv){.path = core_strdup(ctx, path)};
	struct csv_parser parser;
	if (!out->path || csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_APPEND_NULL))
		return fv_fail(ctx, FV_FAILED, "out of memory");
	struct reader r = {.ctx = ctx, .csv = out, .parser = &parser, .in_header = true};
	fv_status status = parse_lines(&r, data, size);
	if (!status && r.in_header)
		status = fv_fail(ctx, FV_DATA, "%s: empty, a header line is needed", path);
	int64_t *grown = out->line;
	if (!status) {
		status = keep_table(&r);
		grown = status ? out->line : NULL;
	}
	free(grown);
	free(r.cells);
	csv_free(&parser);
	return status ? status : check_encoding(ctx, out);
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
