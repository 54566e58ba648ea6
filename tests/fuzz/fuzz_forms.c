/* SPDX-License-Identifier: Apache-2.0 */
/* Label files in forms of their own: IEMOCAP's evaluations, db.yaml with its tables, nkululeko's INI.
 * The input is one text, cut at lines of "====": the file itself, then the tables beside it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"
#include "corpus/forms.h"
#include "corpus/python_value.h"
#include "corpus/seconds.h"
#include "fuzz.h"

static const char mark[] = "====\n";
static const char *const names[] = {"db.emotion.csv", "db.files.csv", "db.speaker.csv"};

static const char *make_folder(void)
{
	static char folder[] = "/tmp/fuzz-forms-XXXXXX";
	static bool made;
	if (!made)
		fuzz_require(mkdtemp(folder) != NULL, "a folder cannot be made");
	made = true;
	return folder;
}

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

static void write_file(const char *path, const char *data, size_t size)
{
	FILE *file = fopen(path, "wb");
	fuzz_require(file != NULL, "a file cannot be written");
	size_t written = fwrite(data, 1, size, file);
	fuzz_require(!fclose(file) && written == size, "a file cannot be written");
}

/* Writes the parts of the input; files that it has no part for are removed. */
static void write_parts(fv_ctx *ctx, const char *folder, const char *first, char *text, size_t size)
{
	char *at = text, *end = text + size;
	for (size_t i = 0; i <= sizeof names / sizeof *names; i++) {
		const char *path = core_format(ctx, "%s/%s", folder, i ? names[i - 1] : first);
		char *next = at ? memmem(at, (size_t)(end - at), mark, sizeof mark - 1) : NULL;
		fuzz_require(path != NULL, "out of memory");
		if (at)
			write_file(path, at, (size_t)((next ? next : end) - at));
		else
			(void)unlink(path);
		at = next ? next + sizeof mark - 1 : NULL;
	}
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
	const char *folder = make_folder();
	core_python_value value;
	double seconds;
	(void)core_python_parse(ctx, text, &value);
	fuzz_require(!core_parse_seconds(text, &seconds) || seconds >= 0, "a negative time");
	if (data[0] % 3 == 0) {
		write_parts(ctx, folder, "db.yaml", text, size - 1);
		const char *path = core_format(ctx, "%s/db.yaml", folder);
		check_table(ctx, core_read_audformat(ctx, path, "emotion", &files, &csv), &csv);
	} else if (data[0] % 3 == 1) {
		write_parts(ctx, folder, "x.ini", text, size - 1);
		const char *path = core_format(ctx, "%s/x.ini", folder);
		check_table(ctx, core_read_nkululeko(ctx, path, data[0] & 4, &files, &csv), &csv);
	} else {
		const char *path = fuzz_write_file(data + 1, size - 1);
		check_table(ctx, core_read_emo_evaluation(ctx, path, &csv), &csv);
	}
	core_ctx_free(ctx);
	return 0;
}
