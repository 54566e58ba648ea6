/* SPDX-License-Identifier: Apache-2.0 */
/* A CSV file as a table of strings (libcsv). A UTF-8 byte order mark and CRLF are accepted, blank
 * lines are skipped. A row with a different number of fields than the header, or a field that is
 * not UTF-8, is an error with its line. */
#ifndef CORE_BASE_CSV_H
#define CORE_BASE_CSV_H

#include <stdbool.h>

#include "base/context.h"

typedef struct core_csv {
	const char *path;
	int64_t n_rows, n_columns;
	char **header; /* [n_columns] */
	char **cell;   /* [n_rows * n_columns] */
	int64_t *line; /* [n_rows] line number in the file, from 1 */
} core_csv;

/* Reads a file. The table lives as long as the context. Errors: FV_DATA. */
FV_NODISCARD fv_status core_csv_read(fv_ctx *ctx, const char *path, core_csv *out);
/* Parses text in memory; `path` is for messages. */
FV_NODISCARD fv_status core_csv_parse(
	fv_ctx *ctx, const char *path, const char *data, size_t size, core_csv *out);
int64_t core_csv_column(const core_csv *csv, const char *name); /* -1: none */
const char *core_csv_cell(const core_csv *csv, int64_t row, int64_t column);

#endif
