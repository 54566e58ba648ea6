/* SPDX-License-Identifier: Apache-2.0 */
/* The CSV reader: every cell is UTF-8 text that can be tested for being a number. */
#include <string.h>

#include "base/csv.h"
#include "base/number.h"
#include "base/utf8.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fv_ctx *ctx = core_ctx_new();
	core_csv csv;
	fv_status status = core_csv_read(ctx, fuzz_write_file(data, size), &csv);
	fuzz_check_status(ctx, status);
	for (int64_t i = 0; !status && i < csv.n_rows; i++)
		for (int64_t j = 0; j < csv.n_columns; j++) {
			const char *cell = core_csv_cell(&csv, i, j);
			double real;
			int64_t whole;
			fuzz_require(core_is_utf8(cell), "a cell that is not UTF-8");
			(void)core_parse_double(cell, &real);
			(void)core_parse_int(cell, &whole);
		}
	for (int64_t j = 0; !status && j < csv.n_columns; j++)
		fuzz_require(core_csv_column(&csv, csv.header[j]) == j, "a column is not found");
	core_ctx_free(ctx);
	return 0;
}
