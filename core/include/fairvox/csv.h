/* SPDX-License-Identifier: Apache-2.0 */
/* CSV files that a plugin reads: a header line and rows of as many fields, as strings. UTF-8 with
 * or without byte order mark, LF or CRLF, fields quoted as in RFC 4180, blank lines skipped.
 *
 * Tables are joined to recordings by stem: fv_stem(ctx, "clips/a.WAV") is "a".
 */
#ifndef FAIRVOX_CSV_H
#define FAIRVOX_CSV_H

#include <fairvox/abi.h>
#include <fairvox/context.h>

FV_BEGIN_DECLS

typedef struct fv_csv fv_csv;

/* Lives as long as the plugin's state, its strings too. Errors: FV_DATA with FILE:LINE: for a file
 * that cannot be read, a row with another number of fields, a column named twice, an unclosed
 * quote. [run] */
FV_NODISCARD fv_status fv_csv_read(fv_ctx *ctx, const char *path, const fv_csv **out);

int64_t fv_csv_rows(const fv_csv *csv); /* without the header */
int64_t fv_csv_columns(const fv_csv *csv);
const char *fv_csv_name(const fv_csv *csv, int64_t column); /* as in the header */
int64_t fv_csv_find(const fv_csv *csv, const char *name);   /* column of that name; -1: none */
const char *fv_csv_cell(const fv_csv *csv, int64_t row, int64_t column);

/* Records FILE:LINE: message for that row (-1: the header) and returns FV_DATA. */
fv_status fv_csv_fail(fv_ctx *ctx, const fv_csv *csv, int64_t row, const char *format, ...)
	FV_PRINTF(4, 5);

/* 1 and *out for a finite number with '.' as decimal point, whatever the locale; else 0. */
int32_t fv_parse_real(const char *text, double *out);

/* A recording's file name without folder and known audio extension (.wav .flac .ogg .mp3 .aif .aiff
 * .opus .m4a .sph .au .caf .w64, any case). Lives as long as the plugin's state; NULL (and a
 * message) when memory is out. */
const char *fv_stem(fv_ctx *ctx, const char *name);

FV_END_DECLS

#endif
