/* SPDX-License-Identifier: Apache-2.0 */
/* Words that mean missing, and spellings of one value. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "base/missing.h"

static void words_mean_missing(void **state)
{
	(void)state;
	static const char *const missing[] = {"", " ", "\t", "\xc2\xa0", "nan", "NaN", "NAN", "NA",
		"na", "N/A", "n/a", "None", "NONE", "null", "Null", "unknown", "Unknown", "?",
		" nan ", "\xc2\xa0?\xc2\xa0", "\xe3\x80\x80NA", "<NA>", "#N/A", "-nan", "-NaN"};
	static const char *const present[] = {"nana", "nan0", "0", "-", ".", "no", "Nancy", "n.a.",
		"unknown speaker", "??", "N A", "neutral", "\xc3\xa4", "<N>", "#1", "-na"};
	assert_true(core_is_missing(NULL));
	for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
		assert_true(core_is_missing(missing[i]));
	for (size_t i = 0; i < sizeof present / sizeof *present; i++)
		assert_false(core_is_missing(present[i]));
}

static void spellings_of_one_value(void **state)
{
	(void)state;
	static const char *const same[][2] = {{"male", "Male"}, {"male", " MALE\t"}, {"4", "4.0"},
		{"4.", "4.00"}, {"-1", "-1.0"}, {"04", "04.0"},
		{"African American", "african  american"}, {"African American", "AfricanAmerican"},
		{"African American", "African\xc2\xa0"
				     "American"},
		{"\xc3\x84rger", "\xc3\xa4rger"}, /* Latin-1: Ä, ä */
		{"\xc5\x9al\xc4\x85sk", "\xc5\x9b"
					"l\xc4\x84sk"},   /* Latin Extended-A: Ś, Ą */
		{"\xce\x9b\xce\xa0", "\xce\xbb\xcf\x80"}, /* Greek: ΛΠ */
		{"\xd0\x96\xd0\x81", "\xd0\xb6\xd1\x91"}, /* Cyrillic: ЖЁ */
		{"\xc3\x84rger", "A\xcc\x88rger"},        /* one character, and two */
		{"D\xc3\xa9go\xc3\xbbt", "de\xcc\x81gou\xcc\x82t"}, {"1 11", "1  11"},
		{"S 1", "s1"}, {"", " "}};
	static const char *const other[][2] = {{"male", "female"}, {"4", "4.1"}, {"4", "04"},
		{"1.1", "1.10"}, {"1 11", "11 1"}, {"1e2", "100"}, {"0x10", "16"}, {"a.0", "a"},
		{"4", "-4"}, {"\xc3\x97", "\xc3\xb7"} /* times, division */, {"a_b", "ab"},
		{"\xe4\xb8\xad", "\xe4\xb8\xae"}, {".0", ""}};
	for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
		assert_true(core_same_value(same[i][0], same[i][1]));
		assert_true(core_same_value(same[i][1], same[i][0]));
	}
	for (size_t i = 0; i < sizeof other / sizeof *other; i++)
		assert_false(core_same_value(other[i][0], other[i][1]));
}

/* Keeps the warnings of a context, one a line. */
static void keep_warning(void *user, core_level level, const char *line)
{
	char *kept = user;
	assert_int_equal(level, CORE_WARNING);
	assert_true(strlen(kept) + strlen(line) + 2 < 4096);
	strcat(strcat(kept, line), "\n");
}

/* Cleans a column whose first value is on line 2 and compares values ("-": NULL) and warnings. */
static void check_column(int64_t n, const char *const *in, const char *const *want, int32_t n_also,
	const char *const *also, const char *warnings)
{
	char kept[4096] = "";
	const char *value[16];
	int64_t line[16];
	fv_ctx *ctx = test_ctx();
	core_ctx_set_log(ctx, keep_warning, kept);
	for (int64_t i = 0; i < n; i++) {
		value[i] = in[i];
		line[i] = i + 2;
	}
	test_ok(ctx, core_clean_column(ctx, "t.csv", "gender", n, value, line, n_also, also));
	for (int64_t i = 0; i < n; i++) {
		if (!value[i])
			assert_string_equal(want[i], "-");
		else
			assert_string_equal(value[i], want[i]);
	}
	assert_string_equal(kept, warnings);
	core_ctx_free(ctx);
}

static void clean_columns_stay(void **state)
{
	(void)state;
	static const char *const in[] = {"male", "female", "", "male", NULL, " other "};
	static const char *const want[] = {"male", "female", "-", "male", "-", "other"};
	check_column(6, in, want, 0, NULL, "");
	check_column(0, in, want, 0, NULL, "");
}

static void missing_words_are_told(void **state)
{
	(void)state;
	static const char *const in[] = {"N/A", "male", "nan", "", "nan", "-1", "x"};
	static const char *const want[] = {"-", "male", "-", "-", "-", "-1", "x"};
	check_column(7, in, want, 0, NULL,
		"t.csv:2: gender: read as missing: 'N/A' (1 row, first on line 2), "
		"'nan' (2 rows, first on line 4)\n");
	static const char *const also[] = {"X", "-1.0"};
	static const char *const rest[] = {"-", "male", "-", "-", "-", "-", "-"};
	check_column(7, in, rest, 2, also,
		"t.csv:2: gender: read as missing: '-1' (1 row, first on line 7), "
		"'N/A' (1 row, first on line 2), 'nan' (2 rows, first on line 4), "
		"'x' (1 row, first on line 8)\n");
}

static void spellings_are_merged(void **state)
{
	(void)state;
	static const char *const in[] = {
		"male", "Male", "Male ", "male", "4.0", "4", "?", "female", "FEMALE"};
	static const char *const want[] = {
		"male", "male", "male", "male", "4", "4", "-", "FEMALE", "FEMALE"};
	check_column(9, in, want, 0, NULL,
		"t.csv:8: gender: read as missing: '?' (1 row, first on line 8)\n"
		"t.csv: gender: '4' (1 row, first on line 7) and '4.0' (1 row, first on line 6) "
		"are read as '4'; 'FEMALE' (1 row, first on line 10) and 'female' (1 row, first on "
		"line 9) are read as 'FEMALE'; 'Male' (1 row, first on line 3) and 'Male ' (1 row, "
		"first on line 4) and 'male' (2 rows, first on line 2) are read as 'male'\n");
}

/* The text that is kept is composed, whichever form is more frequent. */
static void decomposed_values_are_composed(void **state)
{
	(void)state;
	static const char *const in[] = {
		"A\xcc\x88rger", "\xc3\x84rger", "A\xcc\x88rger", "e\xcc\x81 "};
	static const char *const want[] = {
		"\xc3\x84rger", "\xc3\x84rger", "\xc3\x84rger", "\xc3\xa9"};
	check_column(4, in, want, 0, NULL,
		"t.csv: gender: 'A\xcc\x88rger' (2 rows, first on line 2) and '\xc3\x84rger' "
		"(1 row, first on line 3) are read as '\xc3\x84rger'\n");
}

static void many_merged_values_are_counted(void **state)
{
	(void)state;
	static const char *const in[] = {"a", "A", "b", "B", "c", "C", "d", "D", "e", "E"};
	static const char *const want[] = {"A", "A", "B", "B", "C", "C", "D", "D", "E", "E"};
	check_column(10, in, want, 0, NULL,
		"t.csv: gender: 'A' (1 row, first on line 3) and 'a' (1 row, first on line 2) are "
		"read as 'A'; 'B' (1 row, first on line 5) and 'b' (1 row, first on line 4) are "
		"read as 'B'; 'C' (1 row, first on line 7) and 'c' (1 row, first on line 6) are "
		"read as 'C'; and 2 more values\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_mean_missing),
		cmocka_unit_test(spellings_of_one_value),
		cmocka_unit_test(clean_columns_stay),
		cmocka_unit_test(missing_words_are_told),
		cmocka_unit_test(spellings_are_merged),
		cmocka_unit_test(decomposed_values_are_composed),
		cmocka_unit_test(many_merged_values_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
