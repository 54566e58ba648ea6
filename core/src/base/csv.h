/* SPDX-License-Identifier: Apache-2.0 */
/* A text table as a table of strings. Every table that people bring is read here.
 *
 * Separated text (libcsv): a header line, then rows with the same number of fields. The separator
 * is told by the header line alone and is the same in the whole file: of comma, semicolon and tab
 * the one that occurs most often outside quotes (ties: in this order), or what a first line `sep=X`
 * says. Lines end with LF, CRLF or CR; fields are quoted as in RFC 4180. Blank lines, rows of empty
 * fields only, and columns at the end that have neither name nor value are skipped. Where the
 * separator is no comma, decimal commas become points in every column that holds numbers only.
 *
 * JSON lines: one object a line. The header is the union of the keys in order of appearance. An
 * object or list in an object gives one column a member, `key.name` or `key.0`. Numbers become
 * their shortest text that reads back as the same number, true and false words, null and absent
 * keys empty.
 *
 * A UTF-8 byte order mark is accepted. Files of another kind are refused by name. */
#ifndef CORE_BASE_CSV_H
#define CORE_BASE_CSV_H

#include <stdbool.h>

#include "base/context.h"

typedef struct core_csv {
	const char *path;
	int64_t n_rows, n_columns;
	char **header;       /* [n_columns] */
	char **cell;         /* [n_rows * n_columns] */
	int64_t *line;       /* [n_rows] line on which the row starts, from 1 */
	int64_t header_line; /* 0: the table has none, as JSON lines */
	/* [n_rows] file of each row, where a table is made from several; NULL: all are in path */
	const char **row_path;
} core_csv;

/* Reads a file. The table lives as long as the context. Errors: FV_DATA, with FILE:LINE where there
 * is one. */
FV_NODISCARD fv_status core_csv_read(fv_ctx *ctx, const char *path, core_csv *out);
/* Parses text in memory; `path` is for messages. */
FV_NODISCARD fv_status core_csv_parse(
	fv_ctx *ctx, const char *path, const char *data, size_t size, core_csv *out);
/* Makes a table of n_rows rows whose cells are empty. `header` is copied, its texts are not. */
FV_NODISCARD fv_status core_csv_make(fv_ctx *ctx, const char *path, int64_t n_rows,
	const char *const *header, int64_t n_columns, core_csv *out);
/* Puts n > 0 tables one below the other: the header is the union of theirs in order of appearance, a
 * cell that a table does not have is empty, row_path is set, and path is the first's. Cells are
 * shared. Errors: FV_FAILED if memory is out. */
FV_NODISCARD fv_status core_csv_join(
	fv_ctx *ctx, const core_csv *const *part, int32_t n, core_csv *out);
int64_t core_csv_column(const core_csv *csv, const char *name); /* -1: none */
const char *core_csv_cell(const core_csv *csv, int64_t row, int64_t column);
/* The line that messages about columns name: that of the header, or the first; 0 where the rows have no
 * lines, as the names of a folder. */
int core_csv_header_line(const core_csv *csv);

/* Checks that each of value [n_rows], NULL or empty where it is missing, can be a name: one line of at most CORE_NAME_MAX bytes.
 * `column` is for the messages. Errors: FV_DATA, with FILE:LINE. */
FV_NODISCARD fv_status core_csv_check_names(
	fv_ctx *ctx, const core_csv *csv, const char *column, const char *const *value);

/* Cleans a column of names as core_clean_column does (missing.h), and checks them; missing values become empty. Errors: those of
 * core_csv_check_names; FV_FAILED if memory is out. */
FV_NODISCARD fv_status core_csv_clean(fv_ctx *ctx, const core_csv *csv, int64_t column);

/* Says which columns a table has, to follow a message about one that it lacks: "it has: a, b". Names
 * the likely cause where the header is a single column. Lives as long as the context. */
const char *core_csv_columns_text(fv_ctx *ctx, const core_csv *csv);

/* Records that the table has no column `name`, with the nearest and with those it has. Returns
 * FV_DATA. */
fv_status core_csv_fail_column(fv_ctx *ctx, const core_csv *csv, const char *name);

#endif
