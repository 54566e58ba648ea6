/* SPDX-License-Identifier: Apache-2.0 */
/* IEMOCAP's evaluation texts: turns, speakers, votes of evaluators, and every kind of bad line. */
#include "support.h"

#include <string.h>

#include "base/file.h"
#include "corpus/forms.h"

#define TITLE "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"

static const char *write_text(fv_ctx *ctx, const char *text)
{
	const char *path =
		core_format(ctx, "%s/Ses03M_script02_1b.txt", test_folder("emo_evaluation"));
	test_ok(ctx, core_file_write(ctx, path, text, strlen(text)));
	return path;
}

static const char *get_cell(const core_csv *csv, int64_t row, const char *column)
{
	int64_t c = core_csv_column(csv, column);
	assert_true(c >= 0);
	return core_csv_cell(csv, row, c);
}

static void turns_are_rows(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_csv csv;
	const char *path = write_text(ctx, TITLE
		"[5.1200 - 7.0400]\tSes03M_script02_1b_F004\tfru\t[2.3333, 3.6667, 4.0000]\r\n"
		"C-E1:\tFrustration; Anger;\t(short; loud)\r\n"
		"C-E2:\tFrustration;\t()\r\n"
		"C-E4:\tNeutral state;\t()\r\n"
		"C-F3:\tSadness;\t()\r\n"
		"A-E1:\tval 2; act 4; dom  4;\t()\r\n"
		"\r\n"
		"[8.5000 - 9.0000]\tSes03M_script02_1b_MXX1\txxx\t[3.0000, 2.5000, 2.0000]\r\n"
		"C-E1:\tHappiness;\t()\n"
		"C-E2:\tExcited;\t()\n"
		"C-E3:\tOther;\t(amused)");
	test_ok(ctx, core_read_emo_evaluation(ctx, path, &csv));
	assert_int_equal(csv.n_rows, 2);
	assert_int_equal(csv.line[0], 3);
	assert_int_equal(csv.line[1], 10);
	static const char *const want[][3] = {
		{"file", "Ses03M_script02_1b_F004", "Ses03M_script02_1b_MXX1"},
		{"emotion", "fru", "xxx"}, {"valence", "2.3333", "3.0000"},
		{"activation", "3.6667", "2.5000"}, {"dominance", "4.0000", "2.0000"},
		{"session", "3", "3"}, {"speaker", "Ses03F", "Ses03M"},
		{"gender", "Female", "Male"},
		{"dialog", "Ses03M_script02_1b", "Ses03M_script02_1b"},
		{"turn_start", "5.1200", "8.5000"}, {"turn_end", "7.0400", "9.0000"},
		{"fru", "2", "0"}, {"ang", "1", "0"}, {"neu", "1", "0"}, {"sad", "0", "0"},
		{"hap", "0", "1"}, {"exc", "0", "1"}, {"oth", "0", "1"}, {"fea", "0", "0"},
		{"sur", "0", "0"}, {"dis", "0", "0"}};
	for (size_t i = 0; i < sizeof want / sizeof *want; i++)
		for (int r = 0; r < 2; r++)
			assert_string_equal(get_cell(&csv, r, want[i][0]), want[i][r + 1]);
	assert_int_equal(core_csv_column(&csv, "start"), -1); /* recordings of turns are cut */
	core_ctx_free(ctx);
}

#define TURN "[5 - 6]\tSes01F_impro01_F000\tneu\t[1, 1, 1]\n"

/* The last line needs no line end, a rater may vote twice in a row, and a blank line may stand before
 * the raters. */
static void odd_lines_are_read(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_csv csv;
	const char *path = write_text(ctx, TITLE TURN "\nC-E1:\tAnger;\t()\nC-E2:\tSadness;\t(a)");
	test_ok(ctx, core_read_emo_evaluation(ctx, path, &csv));
	assert_string_equal(get_cell(&csv, 0, "ang"), "1");
	assert_string_equal(get_cell(&csv, 0, "sad"), "1");
	path = write_text(ctx, TITLE TURN "C-E1:\tAnger;\t()\nC-E1:\tSadness;\t()\n");
	test_ok(ctx, core_read_emo_evaluation(ctx, path, &csv));
	assert_string_equal(get_cell(&csv, 0, "sad"), "1");
	core_ctx_free(ctx);
}

static void bad_lines_are_named(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {{"[5 - x]\tSes01F_impro01_F000\tneu\t[1, 1, 1]", ":3: a turn begins with"},
		{"[5 - 6", ":3: a turn begins with"},
		{"[5 - 6]\tSes01X_impro01_F000\tneu\t[1, 1, 1]",
			"'Ses01X_impro01_F000' is no name"},
		{"[5 - 6]\tSes01F_impro01_K000\tneu\t[1, 1, 1]",
			"'Ses01F_impro01_K000' is no name"},
		{"[5 - 6]\tSes01F_im/ro01_F000\tneu\t[1, 1, 1]", "is no name of a turn"},
		{"[5 - 6]\tSes01F_impro01_F000\tneutral\t[1, 1, 1]",
			"'neutral' is no emotion code"},
		{"[5 - 6]\tSes01F_impro01_F000\tneu\t[1, 1]", "ends with three numbers"},
		{"[5 - 6]\tSes01F_impro01_F000\tneu", "ends with three numbers"},
		{"[5 - 6]\tSes01F_impro01_F000\tneu\t[1, 1, 1]\nC-E1:\tNeural;\t()",
			":4: 'Neural' is no category"},
		{"C-E1:\tNeutral;\t()\nA-E1:\tval 1; act 1; dom 1;\t()\n",
			":3: a rater before the first turn: the line of the turn is missing"},
		{TURN "C-E1:\tNeutral;\t()\nC-E2:\tSadness;\t()\n\nC-E2:\tNeutral;\t()\n",
			":7: C-E2 votes a second time on the turn of line 3"},
		{TURN "C-E1:\tNeutral;\t()\nA-E1:\tval 1; a",
			":5: the file ends within this line: was it cut off?"},
		{TURN "C", ":4: the file ends within this line"}, {"hello", ":3: neither a turn"},
		{"", "no turn in it"}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fv_ctx *ctx = test_ctx();
		core_csv csv;
		const char *path = write_text(ctx, core_format(ctx, "%s%s", TITLE, cases[i].text));
		test_fails(
			ctx, core_read_emo_evaluation(ctx, path, &csv), FV_DATA, cases[i].message);
		core_ctx_free(ctx);
	}
}

static void a_text_is_told_by_its_title(void **state)
{
	(void)state;
	assert_true(core_is_emo_evaluation(TITLE, strlen(TITLE)));
	assert_true(core_is_emo_evaluation("\xef\xbb\xbf" TITLE, strlen(TITLE) + 3));
	assert_false(core_is_emo_evaluation(TITLE, 20));
	assert_false(core_is_emo_evaluation("FileName,angry\n", 15));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(turns_are_rows),
		cmocka_unit_test(odd_lines_are_read),
		cmocka_unit_test(bad_lines_are_named),
		cmocka_unit_test(a_text_is_told_by_its_title),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
