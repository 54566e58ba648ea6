/* SPDX-License-Identifier: Apache-2.0 */
/* What the readers of a table's forms share. They fill header, cell, line and header_line. */
#ifndef CORE_BASE_CSV_PRIVATE_H
#define CORE_BASE_CSV_PRIVATE_H

#include "base/csv.h"

FV_NODISCARD fv_status core_csv_read_fields(
	fv_ctx *ctx, const char *data, size_t size, core_csv *out);
FV_NODISCARD fv_status core_csv_read_json(
	fv_ctx *ctx, const char *data, size_t size, core_csv *out);

/* Bytes of the line at the start of a text, with its end: LF, CRLF or CR. */
size_t core_csv_line_size(const char *data, size_t size);

/* Doubles an array that is full: `n` of `*room` elements are used. False: out of memory, with a
 * message. */
bool core_csv_grow(fv_ctx *ctx, void *array, int64_t n, int64_t *room, size_t element);

/* Copies `n` elements to memory of the context. */
void *core_csv_keep(fv_ctx *ctx, const void *array, int64_t n, size_t element);

#endif
