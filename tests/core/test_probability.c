/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that are probabilities, and labels that are one vote of C. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "base/positive.h"
#include "base/probability.h"

static void probabilities(void **state)
{
	(void)state;
	static const struct {
		const char *text, *why;
		double value;
	} cases[] = {{"0", NULL, 0}, {"1", NULL, 1}, {"0.25", NULL, 0.25}, {" 1e-3 ", NULL, 1e-3},
		{"1.000001", NULL, 1}, {"-1e-6", NULL, 0}, {"-0", NULL, 0},
		{"1.000002", "no probability (0 to 1): a count or a score?", 0},
		{"10", "no probability (0 to 1): a count or a score?", 0},
		{"10.5", "no probability (0 to 1): percent? divide by 100", 0},
		{"27.9%", "not a number: percent? remove the sign and divide by 100", 0},
		{"50%", "not a number: percent? remove the sign and divide by 100", 0},
		{"%", "not a finite number", 0}, {"5%5", "not a finite number", 0},
		{"0x1p-1", "not a finite number", 0},
		{"100", "no probability (0 to 1): percent? divide by 100", 0},
		{"100.1", "no probability (0 to 1)", 0},
		{"-2e-6", "no probability (0 to 1): logits?", 0},
		{"-700", "no probability (0 to 1): logits?", 0}, {"", "not a finite number", 0},
		{"nan", "not a finite number", 0}, {"inf", "not a finite number", 0},
		{"1e39", "not a finite number", 0}, {"a,b", "not a finite number", 0},
		{"1,2,3", "not a finite number", 0},
		{"0,25",
			"not a number: write a point in place of the comma, or separate the "
			"fields by ';'",
			0}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		double value;
		const char *why = core_parse_probability(cases[i].text, &value);
		if (cases[i].why) {
			assert_non_null(why);
			assert_string_equal(why, cases[i].why);
		} else {
			assert_null(why);
			assert_true(value == cases[i].value);
		}
	}
}

static void one_failure_for_a_table(void **state)
{
	(void)state;
	static const int64_t columns[2] = {2, 1};
	static const char *const tables[][2] = {
		{"f,a,b\nx,1.5,0\ny,7,-3\nz,-1,0\n",
			"t.csv:3: b is '-3', no probability (0 to 1): logits? (4 such numbers "
			"outside 0 to 1)"},
		{"f,a,b\nx,0,0\ny,30,0\n", "t.csv:3: a is '30', no probability (0 to 1): percent?"},
		{"f,a,b\nx,2.5,0\ny,30,0\n",
			"t.csv:3: a is '30', no probability (0 to 1): percent? divide by 100 (2 "
			"such numbers outside 0 to 1)"},
		{"f,a,b\nx,0,0\ny,3,5\n",
			"t.csv:3: b is '5', no probability (0 to 1): a count or a score? (2 such "
			"numbers outside 0 to 1)"},
		{"f,a,b\nx,?,0\ny,30,0\n", "t.csv:2: a is '?', not a finite number"}};
	fv_ctx *ctx = test_ctx();
	core_csv csv;
	float out[8];
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		test_ok(ctx,
			core_csv_parse(ctx, "t.csv", tables[i][0], strlen(tables[i][0]), &csv));
		test_fails(ctx, core_read_probabilities(ctx, &csv, 2, columns, out), FV_DATA,
			tables[i][1]);
	}
	static const char good[] = "f,a,b\nx,0.5,1\ny,0.25,0\n";
	test_ok(ctx, core_csv_parse(ctx, "t.csv", good, sizeof good - 1, &csv));
	test_ok(ctx, core_read_probabilities(ctx, &csv, 2, columns, out));
	assert_true(out[0] == 1 && out[1] == 0.5f && out[2] == 0 && out[3] == 0.25f);
	core_ctx_free(ctx);
}

static void keep_warning(void *user, core_level level, const char *line)
{
	(void)level;
	snprintf(user, 256, "%s", line);
}

/* Rounds the six labels of one row and compares which are then above 1/6, as bits. */
static void check_row(const float *row, unsigned want, const char *warning)
{
	char said[256] = "";
	float label[6];
	unsigned above = 0;
	fv_ctx *ctx = test_ctx();
	core_ctx_set_log(ctx, keep_warning, said);
	memcpy(label, row, sizeof label);
	core_round_labels(ctx, "l.csv", label, 1, 6);
	for (int k = 0; k < 6; k++) {
		above |= (unsigned)(label[k] > core_chance_share(6)) << k;
		assert_true(label[k] == row[k] || label[k] == core_chance_share(6));
	}
	assert_int_equal(above, want);
	assert_string_equal(said, warning);
	core_ctx_free(ctx);
}

static void votes_are_rounded(void **state)
{
	(void)state;
	static const float exact[6] = {0.166666667f, 0.5f, 0.333333333f, 0, 0, 0},
			   digits[6] = {0.1667f, 0.16667f, 0.166667f, 0.167f, 0.333f, 0},
			   more[6] = {0.1677f, 0.1666f, 0.16f, 0.3f, 0.2f, 0},
			   cremad[6] = {0.01f, 0.245f, 0.166667f, 0.166667f, 0.401667f, 0.01f},
			   smoothed[6] = {0.01f, 0.245f, 0.1667f, 0.1667f, 0.4017f, 0.01f},
			   one[6] = {0.1667f, 0.3333f, 0.5f, 0, 0, 0};
	check_row(exact, 0x6, "");
	check_row(digits, 0x10,
		"l.csv: 4 labels within 0.001 above 1/6 are read as 1/6, which is one vote of 6 "
		"rounded up and not above it");
	check_row(more, 0x19, "");
	check_row(cremad, 0x1e, ""); /* no label is 0: smoothed */
	check_row(smoothed, 0x12,
		"l.csv: 2 labels within 0.001 above 1/6 are read as 1/6, which is one vote of 6 "
		"rounded up and not above it");
	check_row(one, 0x6,
		"l.csv: 1 label within 0.001 above 1/6 is read as 1/6, which is one vote of 6 "
		"rounded up and not above it");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probabilities),
		cmocka_unit_test(one_failure_for_a_table),
		cmocka_unit_test(votes_are_rounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
