/* SPDX-License-Identifier: Apache-2.0 */
/* JSON lines as a table: one object a line (jansson). */
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/csv_private.h"
#include "base/number.h"
#include "base/text.h"

#define CELLS_LIMIT ((int64_t)1 << 28) /* rows times columns */

/* One value, before the number of columns is known. */
struct value {
	int64_t row, column;
	char *text;
};

struct reader {
	fv_ctx *ctx;
	core_csv *csv;
	json_t *columns;   /* name of a column -> its index */
	int64_t *last_row; /* [columns] row that gave the column its last value; -1: none */
	struct value *value;
	int64_t n, room, column_room, line_room, line;
};

static char *write_scalar(fv_ctx *ctx, const json_t *json)
{
	char number[32];
	switch (json_typeof(json)) {
	case JSON_STRING:
		return core_strdup(ctx, json_string_value(json));
	case JSON_INTEGER:
		return core_format(ctx, "%lld", (long long)json_integer_value(json));
	case JSON_REAL:
		return core_strdup(ctx, core_number_text(number, json_real_value(json)));
	default:
		return core_strdup(ctx, json_is_true(json) ? "true" : "false");
	}
}

/* The index of a column, which is made if it is new; -1: out of memory. */
static int64_t find_column(struct reader *r, const char *name)
{
	json_t *index = json_object_get(r->columns, name);
	if (index)
		return json_integer_value(index);
	int64_t n = r->csv->n_columns;
	if (!core_csv_grow(r->ctx, &r->last_row, n, &r->column_room, sizeof *r->last_row))
		return -1;
	if (json_object_set_new(r->columns, name, json_integer(n))) {
		(void)fv_fail(r->ctx, FV_FAILED, "out of memory");
		return -1;
	}
	r->last_row[n] = -1;
	return r->csv->n_columns++;
}

static fv_status add_scalar(struct reader *r, const char *name, const json_t *json)
{
	int64_t column = find_column(r, name);
	if (column < 0)
		return FV_FAILED;
	if (r->last_row[column] == r->csv->n_rows)
		return core_fail_at(r->ctx, FV_DATA, r->csv->path, (int)r->line, 0,
			"'%s' is given twice", name);
	r->last_row[column] = r->csv->n_rows;
	if (json_is_null(json))
		return FV_OK;
	char *text = write_scalar(r->ctx, json);
	if (!text || !core_csv_grow(r->ctx, &r->value, r->n, &r->room, sizeof *r->value))
		return FV_FAILED;
	r->value[r->n++] = (struct value){r->csv->n_rows, column, text};
	return FV_OK;
}

/* Adds a value under a name; a member of an object or list under name.key. */
static fv_status add_value(struct reader *r, const char *name, json_t *json)
{
	if (!json_is_object(json) && !json_is_array(json))
		return add_scalar(r, name, json);
	const char *key, *dot = *name ? "." : "";
	json_t *member;
	size_t index;
	fv_status status = FV_OK;
	json_object_foreach(json, key, member)
	{
		const char *full = core_format(r->ctx, "%s%s%s", name, dot, key);
		status = status ? status : full ? add_value(r, full, member) : FV_FAILED;
	}
	json_array_foreach(json, index, member)
	{
		const char *full = core_format(r->ctx, "%s%s%zu", name, dot, index);
		status = status ? status : full ? add_value(r, full, member) : FV_FAILED;
	}
	return status;
}

/* Bytes of a line without white space at its end. */
static size_t trim_end(const char *line, size_t n)
{
	while (n && (line[n - 1] == ' ' || (line[n - 1] >= '\t' && line[n - 1] <= '\r')))
		n--;
	return n;
}

static fv_status report_json(
	struct reader *r, const char *line, size_t n, const json_error_t *error)
{
	if (line[n - 1] != '}')
		return core_fail_at(r->ctx, FV_DATA, r->csv->path, (int)r->line, 0,
			"no JSON object on one line, as JSON lines need it");
	bool number = strstr(error->text, "'NaN'") || strstr(error->text, "'Infinity'");
	return core_fail_at(r->ctx, FV_DATA, r->csv->path, (int)r->line, error->column, "%s%s",
		error->text, number ? ": JSON has no such number: write null" : "");
}

static fv_status read_line(struct reader *r, const char *line, size_t n)
{
	core_csv *csv = r->csv;
	json_error_t error;
	json_t *row = json_loadb(line, n, JSON_REJECT_DUPLICATES, &error);
	if (!row)
		return report_json(r, line, n, &error);
	fv_status status = FV_OK;
	if (!json_is_object(row))
		status = core_fail_at(r->ctx, FV_DATA, csv->path, (int)r->line, 0,
			"no JSON object on one line, as JSON lines need it");
	else if (!core_csv_grow(r->ctx, &csv->line, csv->n_rows, &r->line_room, sizeof *csv->line))
		status = FV_FAILED;
	if (!status)
		status = add_value(r, "", row);
	if (!status)
		csv->line[csv->n_rows++] = r->line;
	json_decref(row);
	return status;
}

static fv_status make_header(struct reader *r)
{
	core_csv *csv = r->csv;
	csv->header = core_alloc(r->ctx, (size_t)csv->n_columns, sizeof *csv->header);
	if (!csv->header)
		return FV_FAILED;
	const char *name;
	json_t *index;
	json_object_foreach(r->columns, name, index)
	{
		char *copy = core_strdup(r->ctx, name);
		if (!copy)
			return FV_FAILED;
		csv->header[json_integer_value(index)] = copy;
	}
	return FV_OK;
}

static fv_status make_table(struct reader *r)
{
	core_csv *csv = r->csv;
	if (!csv->n_columns)
		return fv_fail(r->ctx, FV_DATA, "%s: no object has a value", csv->path);
	if (csv->n_rows > CELLS_LIMIT / csv->n_columns)
		return fv_fail(r->ctx, FV_DATA,
			"%s: %lld objects with %lld different keys: too many", csv->path,
			(long long)csv->n_rows, (long long)csv->n_columns);
	int64_t n = csv->n_rows * csv->n_columns;
	int64_t *line = core_csv_keep(r->ctx, csv->line, csv->n_rows, sizeof *line);
	csv->cell = core_alloc(r->ctx, (size_t)n, sizeof *csv->cell);
	char *empty = core_strdup(r->ctx, "");
	if (!line || !csv->cell || !empty)
		return FV_FAILED;
	csv->line = line; /* the caller frees what it was */
	for (int64_t i = 0; i < n; i++)
		csv->cell[i] = empty;
	for (int64_t i = 0; i < r->n; i++)
		csv->cell[r->value[i].row * csv->n_columns + r->value[i].column] = r->value[i].text;
	return make_header(r);
}

fv_status core_csv_read_json(fv_ctx *ctx, const char *data, size_t size, core_csv *out)
{
	struct reader r = {.ctx = ctx, .csv = out, .columns = json_object()};
	fv_status status = r.columns ? FV_OK : fv_fail(ctx, FV_FAILED, "out of memory");
	for (const char *end = data + size; !status && data < end;) {
		size_t n = core_csv_line_size(data, (size_t)(end - data));
		r.line++;
		size_t used = trim_end(data, n);
		if (used)
			status = read_line(&r, data, used);
		data += n;
	}
	int64_t *grown = out->line;
	if (!status)
		status = make_table(&r);
	if (out->line == grown)
		out->line = NULL;
	free(grown);
	free(r.value);
	free(r.last_row);
	json_decref(r.columns);
	return status;
}
