/* SPDX-License-Identifier: Apache-2.0 */
/* Text tables that a plugin reads, as strings: a header line, then rows with the same number of
 * fields. UTF-8 with or without byte order mark; LF, CRLF or CR; fields quoted as in RFC 4180; blank
 * lines are skipped. The separator is a comma, a semicolon or a tab, whichever occurs most often in
 * the header line, or what a first line `sep=X` says; without commas as separator, decimal commas
 * are read as points. JSON lines are read too: the columns are the keys, in order of appearance.
 *
 * Rows are matched to recordings by stem: fv_stem(ctx, "clips/a.WAV") is "a".
 */
#ifndef FAIRVOX_CSV_H
#define FAIRVOX_CSV_H

#include <fairvox/abi.h>
#include <fairvox/context.h>

FV_BEGIN_DECLS

typedef struct fv_csv fv_csv;

/* Reads a file. It and its strings live as long as the plugin's state. Errors: FV_DATA, with a
 * message that starts with FILE:LINE: where it is about a line, if the file cannot be read or is no
 * text in UTF-8, a row has another number of fields than the header, two columns have the same name,
 * or a quote is not closed. [run] */
FV_NODISCARD fv_status fv_csv_read(fv_ctx *ctx, const char *path, const fv_csv **out);

int64_t fv_csv_rows(const fv_csv *csv); /* without the header */
int64_t fv_csv_columns(const fv_csv *csv);
const char *fv_csv_name(const fv_csv *csv, int64_t column); /* as in the header */
int64_t fv_csv_find(const fv_csv *csv, const char *name);   /* index of a column; -1: none */
const char *fv_csv_cell(const fv_csv *csv, int64_t row, int64_t column);

/* Records an error message for that row (-1: the header), with FILE:LINE: in front, and returns
 * FV_DATA. */
fv_status fv_csv_fail(fv_ctx *ctx, const fv_csv *csv, int64_t row, const char *format, ...)
	FV_PRINTF(4, 5);

/* Records that there is no column of this name, with those there are, and returns FV_DATA. */
fv_status fv_csv_fail_column(fv_ctx *ctx, const fv_csv *csv, const char *name);

/* Cleans a column of names. Words that mean missing (nan, na, n/a, none, null, unknown, ?, <na>,
 * #n/a and -nan in any case) become "". Spellings of one value, which differ in case, in blanks, in
 * whether characters are composed, or as 4 and 4.0, become the most frequent of them. Warns about
 * either. Errors: FV_DATA, with FILE:LINE, for a name with a line break or of more than 1,000 bytes;
 * FV_FAILED if memory is out. [run] */
FV_NODISCARD fv_status fv_csv_clean(fv_ctx *ctx, const fv_csv *csv, int64_t column);

/* Reads a cell as a probability from 0 to 1; a number outside by at most 1e-6 is set to 0 or 1.
 * Errors: FV_DATA, with FILE:LINE and what the number looks like (logits, percent). [run] */
FV_NODISCARD fv_status fv_csv_probability(
	fv_ctx *ctx, const fv_csv *csv, int64_t row, int64_t column, double *out);

/* Parses a finite number with '.' as decimal point, whatever the locale. Returns 1 and writes *out,
 * or returns 0. */
int32_t fv_parse_real(const char *text, double *out);

/* Returns a recording's file name without folder and without a known audio extension (.wav .flac
 * .ogg .mp3 .aif .aiff .opus .m4a .sph .au .caf .w64, in any case). Lives as long as the plugin's
 * state. Returns NULL, with a message, if memory is out. */
const char *fv_stem(fv_ctx *ctx, const char *name);

/* Returns the one spelling of a recording's path: "/" between folders, no drive letter, no leading
 * "/", characters composed (NFC), no known extension of audio or video. "C:\\data\\a.wav" is
 * "data/a". Lives as long as the plugin's state. Returns NULL, with a message, if memory is out. */
const char *fv_path_id(fv_ctx *ctx, const char *name);

FV_END_DECLS

#endif
