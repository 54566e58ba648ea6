/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin interface to core_csv. */
#include <fairvox/csv.h>

#include <stdarg.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/number.h"
#include "base/probability.h"

struct fv_csv {
	core_csv table;
};

fv_status fv_csv_read(fv_ctx *ctx, const char *path, const fv_csv **out)
{
	fv_csv *csv = core_alloc(ctx, 1, sizeof *csv);
	if (!csv)
		return FV_FAILED;
	*out = csv;
	return core_csv_read(ctx, path, &csv->table);
}

int64_t fv_csv_rows(const fv_csv *csv)
{
	return csv->table.n_rows;
}

int64_t fv_csv_columns(const fv_csv *csv)
{
	return csv->table.n_columns;
}

const char *fv_csv_name(const fv_csv *csv, int64_t column)
{
	return csv->table.header[column];
}

int64_t fv_csv_find(const fv_csv *csv, const char *name)
{
	return core_csv_column(&csv->table, name);
}

const char *fv_csv_cell(const fv_csv *csv, int64_t row, int64_t column)
{
	return core_csv_cell(&csv->table, row, column);
}

fv_status fv_csv_fail(fv_ctx *ctx, const fv_csv *csv, int64_t row, const char *format, ...)
{
	int line = row < 0 ? core_csv_header_line(&csv->table) : (int)csv->table.line[row];
	va_list args;
	va_start(args, format);
	core_fail_at_va(ctx, FV_DATA, csv->table.path, line, 0, format, args);
	va_end(args);
	return FV_DATA;
}

fv_status fv_csv_clean(fv_ctx *ctx, const fv_csv *csv, int64_t column)
{
	return core_csv_clean(ctx, &csv->table, column);
}

fv_status fv_csv_probability(
	fv_ctx *ctx, const fv_csv *csv, int64_t row, int64_t column, double *out)
{
	const char *text = fv_csv_cell(csv, row, column);
	const char *why = core_parse_probability(text, out);
	return why ? fv_csv_fail(
			     ctx, csv, row, "%s is '%s', %s", fv_csv_name(csv, column), text, why)
		   : FV_OK;
}

fv_status fv_csv_fail_column(fv_ctx *ctx, const fv_csv *csv, const char *name)
{
	return core_csv_fail_column(ctx, &csv->table, name);
}

int32_t fv_parse_real(const char *text, double *out)
{
	return core_parse_double(text, out);
}

const char *fv_stem(fv_ctx *ctx, const char *name)
{
	return core_path_stem(ctx, name);
}

const char *fv_path_id(fv_ctx *ctx, const char *name)
{
	return core_path_id(ctx, name);
}
