/* SPDX-License-Identifier: Apache-2.0 */
/* Label files in forms of their own: IEMOCAP's evaluations, db.yaml with its tables, nkululeko's INI.
 * The input is one text, cut at lines of "====": the file itself, then the tables beside it. */
#include <string.h>

#include "base/utf8.h"
#include "corpus/forms.h"
#include "corpus/python_value.h"
#include "corpus/seconds.h"
#include "fuzz.h"

static const char *const names[] = {"", "db.emotion.csv", "db.files.csv", "db.speaker.csv"};

static void check_table(const fv_ctx *ctx, fv_status status, const core_csv *csv)
{
	fuzz_check_status(ctx, status);
	for (int64_t r = 0; !status && r < csv->n_rows; r++) {
		fuzz_require(csv->line[r] > 0, "a row without a line");
		for (int64_t c = 0; c < csv->n_columns; c++)
			fuzz_require(
				core_is_utf8(core_csv_cell(csv, r, c)), "a cell that is not UTF-8");
	}
}

/* Writes the parts of the input, the first of this name. Returns its path. */
static const char *write_parts(fv_ctx *ctx, const char *first, const char *text, size_t size)
{
	const char *name[sizeof names / sizeof *names];
	memcpy(name, names, sizeof names);
	name[0] = first;
	fuzz_write_parts((const uint8_t *)text, size, name, sizeof names / sizeof *names);
	return core_format(ctx, "%s/%s", fuzz_make_folder(), first);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	fv_ctx *ctx = core_ctx_new();
	core_files files = {0};
	core_csv csv;
	char *text = core_alloc(ctx, size, 1);
	memcpy(text, data + 1, size - 1);
	core_python_value value;
	double seconds;
	(void)core_python_parse(ctx, text, &value);
	fuzz_require(!core_parse_seconds(text, &seconds) || seconds >= 0, "a negative time");
	if (data[0] % 3 == 0) {
		const char *path = write_parts(ctx, "db.yaml", text, size - 1);
		check_table(ctx, core_read_audformat(ctx, path, "emotion", &files, &csv), &csv);
	} else if (data[0] % 3 == 1) {
		const char *path = write_parts(ctx, "x.ini", text, size - 1);
		check_table(ctx, core_read_nkululeko(ctx, path, data[0] & 4, &files, &csv), &csv);
	} else {
		const char *path = fuzz_write_file(data + 1, size - 1);
		check_table(ctx, core_read_emo_evaluation(ctx, path, &csv), &csv);
	}
	core_ctx_free(ctx);
	return 0;
}
