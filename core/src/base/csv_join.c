/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"

#include <string.h>

fv_status core_csv_make(fv_ctx *ctx, const char *path, int64_t n_rows, const char *const *header,
	int64_t n_columns, core_csv *out)
{
	static char empty[] = "";
	size_t cells = (size_t)n_rows * (size_t)n_columns;
	*out = (core_csv){.path = core_strdup(ctx, path), .n_rows = n_rows, .n_columns = n_columns};
	out->header = core_alloc(ctx, (size_t)n_columns, sizeof *out->header);
	out->cell = core_alloc(ctx, cells, sizeof *out->cell);
	out->line = core_alloc(ctx, (size_t)n_rows, sizeof *out->line);
	if (!out->path || !out->header || !out->cell || !out->line)
		return FV_FAILED;
	if (n_columns)
		memcpy(out->header, header, (size_t)n_columns * sizeof *header);
	for (size_t i = 0; i < cells; i++)
		out->cell[i] = empty;
	return FV_OK;
}

/* Makes the union of the columns. column [n][their columns] is the place of each column in it. */
static fv_status join_headers(fv_ctx *ctx, const core_csv *const *part, int32_t n, int64_t **column,
	const char ***header, int64_t *n_header)
{
	int64_t most = 0;
	for (int32_t p = 0; p < n; p++)
		most += part[p]->n_columns;
	*header = core_alloc(ctx, (size_t)most, sizeof **header);
	*n_header = 0;
	if (!*header)
		return FV_FAILED;
	for (int32_t p = 0; p < n; p++) {
		column[p] = core_alloc(ctx, (size_t)part[p]->n_columns, sizeof *column[p]);
		if (!column[p])
			return FV_FAILED;
		for (int64_t j = 0; j < part[p]->n_columns; j++) {
			int64_t k = 0;
			while (k < *n_header && strcmp((*header)[k], part[p]->header[j]) != 0)
				k++;
			if (k == *n_header)
				(*header)[(*n_header)++] = part[p]->header[j];
			column[p][j] = k;
		}
	}
	return FV_OK;
}

fv_status core_csv_join(fv_ctx *ctx, const core_csv *const *part, int32_t n, core_csv *out)
{
	int64_t **column = core_alloc(ctx, (size_t)n, sizeof *column);
	int64_t n_header, n_rows = 0, row = 0;
	const char **header;
	for (int32_t p = 0; p < n; p++)
		n_rows += part[p]->n_rows;
	if (!column || join_headers(ctx, part, n, column, &header, &n_header) ||
		core_csv_make(ctx, part[0]->path, n_rows, header, n_header, out))
		return FV_FAILED;
	out->header_line = part[0]->header_line;
	out->row_path = core_alloc(ctx, (size_t)n_rows, sizeof *out->row_path);
	if (!out->row_path)
		return FV_FAILED;
	for (int32_t p = 0; p < n; p++)
		for (int64_t r = 0; r < part[p]->n_rows; r++, row++) {
			const core_csv *csv = part[p];
			out->row_path[row] = csv->row_path ? csv->row_path[r] : csv->path;
			out->line[row] = csv->line[r];
			for (int64_t j = 0; j < csv->n_columns; j++)
				out->cell[row * n_header + column[p][j]] =
					csv->cell[r * csv->n_columns + j];
		}
	return FV_OK;
}
