/* SPDX-License-Identifier: Apache-2.0 */
/* Labels from the names of recordings: templates with and without widths, folders, and names that do
 * not fit. */
#include "support.h"

#include <string.h>

#include "base/file.h"
#include "corpus/corpus.h"
#include "corpus/forms.h"

/* A folder with an empty file for each name. */
static const char *make_folder(fv_ctx *ctx, const char *const *name)
{
	const char *folder = test_folder("names");
	for (; *name; name++) {
		const char *path = core_format(ctx, "%s/%s", folder, *name);
		test_ok(ctx, core_make_dirs(ctx, core_path_dir(ctx, path)));
		test_ok(ctx, core_file_write(ctx, path, "", 0));
	}
	return folder;
}

/* Checks the cells of the row whose recording has a path that ends so. */
static void check_row(const core_csv *csv, const char *path, const char *const *cell)
{
	for (int64_t r = 0; r < csv->n_rows; r++) {
		size_t n = strlen(csv->row_path[r]), m = strlen(path);
		if (n < m || strcmp(csv->row_path[r] + n - m, path) != 0)
			continue;
		for (int64_t c = 0; c < csv->n_columns; c++)
			assert_string_equal(core_csv_cell(csv, r, c), cell[c]);
		return;
	}
	fail_msg("no row of %s", path);
}

static void names_are_cut(void **state)
{
	static const char *const berlin[] = {
		"wav/03a01Fa.wav", "wav/16b10Td.wav", "notes.txt", NULL};
	static const char *const surrey[] = {"DC/sa01.wav", "KL/a15.wav", "JE/su07.wav", NULL};
	static const char *const dashes[] = {
		"Actor_01/03-01-05-02-01-01-01.wav", "Actor_12/03-01-01-01-02-02-12.wav", NULL};
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_csv csv;
	core_corpus_spec spec = {.column_file = "{speaker:2}{text:3}{emotion:1}{take}"};
	test_ok(ctx, core_read_names(ctx, make_folder(ctx, berlin), &spec, &csv));
	assert_int_equal(csv.n_rows, 2);
	assert_string_equal(csv.header[1], "text");
	check_row(&csv, "wav/03a01Fa.wav", (const char *[]){"03", "a01", "F", "a"});
	check_row(&csv, "wav/16b10Td.wav", (const char *[]){"16", "b10", "T", "d"});
	spec.column_file = "{speaker}/{emotion}{number:2}";
	test_ok(ctx, core_read_names(ctx, make_folder(ctx, surrey), &spec, &csv));
	assert_int_equal(csv.n_rows, 3);
	check_row(&csv, "DC/sa01.wav", (const char *[]){"DC", "sa", "01"});
	check_row(&csv, "KL/a15.wav", (const char *[]){"KL", "a", "15"});
	check_row(&csv, "JE/su07.wav", (const char *[]){"JE", "su", "07"});
	spec.column_file = "03-01-{emotion}-{strength}-{text}-{take}-{speaker}";
	test_ok(ctx, core_read_names(ctx, make_folder(ctx, dashes), &spec, &csv));
	check_row(&csv, "01-01-01.wav", (const char *[]){"05", "02", "01", "01", "01"});
	check_row(&csv, "02-02-12.wav", (const char *[]){"01", "01", "02", "02", "12"});
	core_ctx_free(ctx);
}

static void the_hash_is_that_of_the_names(void **state)
{
	static const char *const one[] = {"a/x.wav", "y.wav", NULL};
	static const char *const moved[] = {"a/x.flac", "y.wav", "z.txt", NULL};
	static const char *const other[] = {"a/x.wav", "z.wav", NULL};
	char a[CORE_SHA256_HEX], b[CORE_SHA256_HEX], c[CORE_SHA256_HEX];
	(void)state;
	fv_ctx *ctx = test_ctx();
	test_ok(ctx, core_names_sha256(ctx, make_folder(ctx, one), a));
	test_ok(ctx, core_names_sha256(ctx, make_folder(ctx, moved), b));
	test_ok(ctx, core_names_sha256(ctx, make_folder(ctx, other), c));
	assert_string_equal(a, b);
	assert_string_not_equal(a, c);
	core_ctx_free(ctx);
}

static void bad_names_and_templates_are_refused(void **state)
{
	static const char *const files[] = {"s1_joy.wav", "s1-joy.wav", NULL};
	static const char *const none[] = {"notes.txt", NULL};
	static const struct {
		const char *const *files;
		const char *template;
		fv_status status;
		const char *message;
	} cases[] = {{files, NULL, FV_CONFIG, "is a folder: say with corpus.columns.file"},
		{files, "path", FV_CONFIG, "is a folder: say with corpus.columns.file"},
		{files, "{speaker}_{emotion}", FV_DATA,
			"s1-joy.wav: its name does not fit corpus.columns.file, "
			"'{speaker}_{emotion}'"},
		{files, "{speaker:2}{emotion:9}", FV_DATA, "does not fit"},
		{files, "{a}{a}", FV_CONFIG, "'{a}' is no part of a name"},
		{files, "{}", FV_CONFIG, "'{}' is no part of a name"},
		{files, "{a:0}", FV_CONFIG, "'{a:0}' is no part of a name"},
		{files, "{a:x}", FV_CONFIG, "'{a:x}' is no part of a name"},
		{files, "{file}", FV_CONFIG, "'{file}' is no part of a name"},
		{none, "{a}", FV_DATA, "no recordings in it"}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fv_ctx *ctx = test_ctx();
		core_csv csv;
		core_corpus_spec spec = {.column_file = cases[i].template};
		test_fails(ctx, core_read_names(ctx, make_folder(ctx, cases[i].files), &spec, &csv),
			cases[i].status, cases[i].message);
		core_ctx_free(ctx);
	}
}

/* Two recordings of one name are a row each, and are told by their paths. */
static void names_that_appear_twice(void **state)
{
	static const char *const files[] = {"DC/a01.flac", "DC/a01.wav", "JE/a01.wav", NULL};
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_corpus *c;
	const char *folder = make_folder(ctx, files);
	core_corpus_spec spec = {.labels = folder, .column_file = "{speaker}/{emotion}{take:2}"};
	test_fails(ctx, core_corpus_read(ctx, &spec, 0, &c), FV_DATA,
		core_format(ctx, "%s: no column 'Split_Set' or 'split'", folder));
	spec.make_folds = 3;
	test_fails(ctx, core_corpus_read(ctx, &spec, 0, &c), FV_DATA,
		core_format(ctx, "%s/DC/a01.wav: 'DC/a01' appears twice, first as %s/DC/a01.flac",
			folder, folder));
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_cut),
		cmocka_unit_test(the_hash_is_that_of_the_names),
		cmocka_unit_test(bad_names_and_templates_are_refused),
		cmocka_unit_test(names_that_appear_twice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
