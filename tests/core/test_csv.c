/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as people have them: separators, encodings, quotes, JSON lines. */
#include "support.h"

#include <stdio.h>
#include <string.h>

#include "base/csv.h"
#include "base/text.h"

/* Parses a table and writes it as "a|b\n1:x|y\n": the header, then each row after its line. */
static fv_status parse(fv_ctx *ctx, const char *data, size_t size, const char **out)
{
	core_csv csv;
	fv_status status = core_csv_parse(ctx, "t.csv", data, size, &csv);
	core_text text = {0};
	for (int64_t i = -1; !status && i < csv.n_rows; i++) {
		if (i >= 0)
			core_text_add(&text, "%d:", (int)csv.line[i]);
		for (int64_t j = 0; j < csv.n_columns; j++)
			core_text_add(&text, "%s%s", j ? "|" : "",
				i < 0 ? csv.header[j] : core_csv_cell(&csv, i, j));
		core_text_add(&text, "\n");
	}
	*out = core_strdup(ctx, text.data ? text.data : "");
	core_text_free(&text);
	return status;
}

static void check_table(const char *data, const char *want)
{
	fv_ctx *ctx = test_ctx();
	const char *got;
	test_ok(ctx, parse(ctx, data, strlen(data), &got));
	assert_string_equal(got, want);
	core_ctx_free(ctx);
}

static void check_refused(const char *data, size_t size, const char *want)
{
	fv_ctx *ctx = test_ctx();
	const char *got;
	test_fails(ctx, parse(ctx, data, size, &got), FV_DATA, want);
	core_ctx_free(ctx);
}

static void check_message(const char *data, const char *want)
{
	check_refused(data, strlen(data), want);
}

static void separated_text(void **state)
{
	(void)state;
	check_table("\xef\xbb\xbf"
		    "a,b\r\n1,\"x,\"\"y\"\r\n\r\n2,z",
		"a|b\n2:1|x,\"y\n4:2|z\n");
	check_table("\xef\xbb\xbf\xef\xbb\xbf"
		    "a,b\n1,2\n",
		"a|b\n2:1|2\n");
	check_table("a,b\n", "a|b\n");
	check_table("a;b\n1;x,y\n", "a|b\n2:1|x,y\n");
	check_table("a\tb\n1\tx y\n2\t\n", "a|b\n2:1|x y\n3:2|\n");
	check_table("a\tb\tc\n\t\tx\n", "a|b|c\n2:||x\n");
	check_table("\"a,b,c,d\";\"e\"\n1;2\n", "a,b,c,d|e\n2:1|2\n");
	check_table("file,a;b\n1,2\n", "file|a;b\n2:1|2\n"); /* a tie: the comma */
	check_table("file\nx;y\n", "file\n2:x;y\n");
	check_table("a , b\n 1 , x \n", "a|b\n2:1|x\n");
	check_table("a,b\n\"1\n2\",x\n3,y\n", "a|b\n2:1\n2|x\n4:3|y\n"); /* the line it starts on */
	check_table("\n\na;b\n1;2\n", "a|b\n4:1|2\n");
}

static void separator_lines(void **state)
{
	(void)state;
	check_table("sep=;\na;b,c,d\n1;2\n", "a|b,c,d\n3:1|2\n");
	check_table("\xef\xbb\xbfsep=,\r\na,b;c;d\r\n1,2\r\n", "a|b;c;d\n3:1|2\n");
	check_table("\"sep=\t\"\na\tb\n1\t2\n", "a|b\n3:1|2\n");
	check_table("sep=|\na|b\n1|2\n", "a|b\n3:1|2\n");
	check_table("sep=\n1\n", "sep=\n2:1\n");
	check_message("sep=;\n", "t.csv: empty, a header line is needed");
	check_message("sep=;\na;b\n1\n", "t.csv:3: 1 field, the header has 2");
}

static void line_ends(void **state)
{
	(void)state;
	check_table("a,b\r1,2\r3,4\r", "a|b\n2:1|2\n3:3|4\n");
	check_table("a,b\r\n1,2\r3,4\n5,6", "a|b\n2:1|2\n3:3|4\n4:5|6\n");
	check_message("a,b\r1,2\r3\r", "t.csv:3: 1 field, the header has 2");
}

static void empty_rows_and_columns(void **state)
{
	(void)state;
	check_table("a;b;;\n1;2;;\n;;;\n3;4;;\n", "a|b\n2:1|2\n4:3|4\n");
	check_table("a,b,\n1,2,\n3,4,x\n", "a|b|\n2:1|2|\n3:3|4|x\n");
	check_table(",a\nx,1\n", "|a\n2:x|1\n");
	check_message("a,,\n1,2,3\n", "t.csv:1: column '' appears twice");
}

static void decimal_commas(void **state)
{
	(void)state;
	check_table("f;p;q;r;s;t\na;0,25;1;1,5;0,1;nan\nb;-1,5e-3;0,5;x;0.2;,5\n",
		"f|p|q|r|s|t\n2:a|0.25|1|1,5|0,1|nan\n3:b|-1.5e-3|0.5|x|0.2|.5\n");
	check_table("f\tp\na\t0,25\n", "f|p\n2:a|0.25\n");
	check_table("f;p\na;1,2,3\n", "f|p\n2:a|1,2,3\n");
	check_table("f,p\na,\"0,25\"\n", "f|p\n2:a|0,25\n");
	check_message("f,p\na,0,25\n",
		"t.csv:2: 3 fields, the header has 2: a comma in a text needs "
		"quotes around it, decimal commas need ';' between the fields");
	check_message("f,p\nwell, yes,1\n",
		"t.csv:2: 3 fields, the header has 2: a comma in a text needs quotes around it");
}

static void wrong_rows(void **state)
{
	(void)state;
	check_message("a,b\n1,2\n1\n", "t.csv:3: 1 field, the header has 2");
	check_message("a,b\n1;2\n",
		"t.csv:2: 1 field, the header has 2: a file has one separator, that of its header");
	check_message(
		"a,b,c\n1,2,3\n1,2", "t.csv:3: 2 fields, the header has 3: was the file cut off?");
	check_message("a,a\n", "t.csv:1: column 'a' appears twice");
	check_message("", "t.csv: empty, a header line is needed");
	check_message("\n\n", "t.csv: empty, a header line is needed");
	check_message("a,b\n1,2\na,b\n3,4\n", "t.csv:3: line 3 is the header again");
	check_message("\xef\xbb\xbf"
		      "a,b\n1,2\n\xef\xbb\xbf"
		      "a,b\n",
		"t.csv:3: line 3 is the header again");
	check_table("a\na\n", "a\n2:a\n"); /* one column: may be a value */
}

static void stray_quotes(void **state)
{
	(void)state;
	check_message(
		"f,a\nx,1\ny\" z,2\n", "t.csv:3:2: a quote inside a field that does not start");
	check_message("f,a\nx,1\n\"y,2\nz,3\n",
		"t.csv:3:1: the quote that opens on line 3 is not closed: close it");
	check_message("f,a\nx,\"1\ny,2\n\nz,\"3\"\n",
		"t.csv:2:3: the quote that opens on line 2 is not closed before line 5: close it");
	check_message("f,a\nx,\"1\" or 2\n", "t.csv:2:3: text follows the closing quote");
	check_message(
		"f;a\n\"x;1\n\"\"\";2\n\"z\"q;3\n", "t.csv:4:1: text follows the closing quote");
	check_message("f,a,b\n\"x,1,2\ny\",3\n",
		"t.csv:2: 2 fields, the header has 3, read to line 3 because of a quoted field");
}

static void other_encodings(void **state)
{
	(void)state;
	static const char le[] = "\xff\xfe"
				 "f\0,\0a\0\n\0x\0,\0001\0\n",
			  be[] = "\0f\0,\0a\0\n\0x\0,\0001\0\n";
	check_refused(le, sizeof le - 1,
		"t.csv: this is text in UTF-16, not a text table: save it as "
		"UTF-8 CSV");
	check_refused(be, sizeof be - 1, "t.csv: this is text in UTF-16");
	check_refused("f,a\nx\0y,1\n", 10, "t.csv:2: a NUL byte: save the table as UTF-8 CSV");
	check_refused("\x1f\x8b\x08\0\0\0\0\0", 8,
		"t.csv: this is a gzip archive, not a text table: "
		"unpack it first");
	check_refused("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8, "t.csv: this is an old Office file");
	check_message("<!DOCTYPE html>\n<html>",
		"t.csv: this is an HTML page, not a text table: save "
		"the table as UTF-8 CSV");
	check_message("f,a\nx,J\xfcrgen\n",
		"t.csv:2: a is not UTF-8: 'J' is followed by the byte 0xfc "
		"(Latin-1 or Windows-1252?): save the table as UTF-8 CSV");
	check_message("f,a\nx,\xc3\xa4\x80\n", "by the byte 0x80 (Windows-1252?)");
	check_message("f,\xe4\nx,1\n",
		"t.csv:1: the header is not UTF-8: '' is followed by the byte "
		"0xe4");
	check_message("sep=,\nf,\xe4\nx,1\n", "t.csv:2: the header is not UTF-8");
}

/* 2^28 cells at most, however few of them have a value. */
static void too_many_cells(void **state)
{
	(void)state;
	core_text lines = {0};
	for (int i = 0; i < 16385; i++)
		core_text_add(&lines, "{\"k%d\": 1}\n", i);
	check_refused(
		lines.data, lines.size, "t.csv: 16385 objects with 16385 different keys: too many");
	core_text_free(&lines);
}

static void json_lines(void **state)
{
	(void)state;
	check_table(
		"{\"key\": \"a\", \"emo\": \"sad\", \"length\": 2.5}\n\n"
		"{\"emo\": null, \"key\": \"b\", \"n\": 3, \"ok\": true}\r\n"
		"{\"key\": \"c\", \"p\": [0.1, 1e-5], \"who\": {\"id\": 7, \"x\": {\"y\": \"\"}}}",
		"key|emo|length|n|ok|p.0|p.1|who.id|who.x.y\n1:a|sad|2.5||||||\n3:b|||3|true||||\n"
		"4:c|||||0.1|1.0e-05|7|\n");
	check_table("\xef\xbb\xbf{\"a\": 0.30000000000000004, \"b\": -9007199254740993}\n",
		"a|b\n1:0.30000000000000004|-9007199254740993\n");
	check_table("{\"a\": \"\xc3\xa4, \\\"x\\\"\"}\n{\"a\": \"\\u00e4\"}\n",
		"a\n1:\xc3\xa4, \"x\"\n2:\xc3\xa4\n");
	check_table("{}\n{\"a\": 1}\n", "a\n1:\n2:1\n");
	check_message("{\"a\": 1}\n{\"a\": 1, \"a\": 2}\n", "t.csv:2:");
	check_message("{\"a.b\": 1, \"a\": {\"b\": 2}}\n", "t.csv:1: 'a.b' is given twice");
	check_message(
		"{\n \"a\": 1\n}\n", "t.csv:1: no JSON object on one line, as JSON lines need it");
	check_message("{\"a\": 1}\n[1]\n", "t.csv:2: no JSON object on one line");
	check_message("{\"a\": 1}\n{\"a\": 1 2}\n", "t.csv:2:9: ");
	check_message("{}\n", "t.csv: no object has a value");
	check_message("{\"a\": 1}\n{\"a\": NaN}\n",
		"t.csv:2:9: invalid token near 'NaN': JSON has no such number: write null");
	check_message("[{\"a\": 1}]\n", "t.csv: this is a JSON list, not a text table: write one "
					"object a line (JSON lines)");
}

static void columns_are_listed(void **state)
{
	(void)state;
	static const char *const tables[][2] = {
		{"file,emotion,speaker\n",
			"t.csv:1: no column 'emotoin', did you mean 'emotion'? it "
			"has: file, emotion, speaker"},
		{"sep=,\nfile,speaker\n", "t.csv:2: no column 'emotoin': it has: file, speaker"},
		{"\"file,emo\"\n", "'emotoin': it has: file,emo (one column: is the whole line in "
				   "quotes?)"},
		{"file|emo\n", "it has: file|emo (one column: the separator must be , ; or a tab)"},
		{"{\"file\": 1}\n", "t.csv:1: no column 'emotoin': it has: file"}};
	fv_ctx *ctx = test_ctx();
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
		core_csv csv;
		test_ok(ctx,
			core_csv_parse(ctx, "t.csv", tables[i][0], strlen(tables[i][0]), &csv));
		test_fails(ctx, core_csv_fail_column(ctx, &csv, "emotoin"), FV_DATA, tables[i][1]);
	}
	core_text wide = {0};
	for (int i = 0; i < 200; i++)
		core_text_add(&wide, "%scolumn%d", i ? ";" : "", i);
	core_csv csv;
	test_ok(ctx, core_csv_parse(ctx, "t.csv", wide.data, wide.size, &csv));
	assert_int_equal(csv.n_columns, 200);
	const char *text = core_csv_columns_text(ctx, &csv);
	assert_non_null(strstr(text, "column39 and 160 more"));
	core_text_free(&wide);
	core_ctx_free(ctx);
}

/* What core_text_csv writes is what is read, also where it looks like syntax. */
static void written_fields_are_read_back(void **state)
{
	static const char *const field[] = {
		"a;b;c", "x\ty", " led", "ended ", "\t", "a,b", "say \"x\"", "two\nlines", "1,5"};
	enum { N = sizeof field / sizeof *field };
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_text text = {0};
	core_text_csv(&text, "class;angry;sad"); /* would be the separator */
	core_text_add(&text, ",p\n");
	for (int i = 0; i < N; i++) {
		core_text_csv(&text, field[i]);
		core_text_add(&text, ",0.5\n");
	}
	core_csv csv;
	test_ok(ctx, core_csv_parse(ctx, "t.csv", text.data, text.size, &csv));
	assert_int_equal(csv.n_columns, 2);
	assert_string_equal(csv.header[0], "class;angry;sad");
	assert_int_equal(csv.n_rows, N);
	for (int i = 0; i < N; i++)
		assert_string_equal(core_csv_cell(&csv, i, 0), field[i]);
	core_text_free(&text);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(separated_text),
		cmocka_unit_test(separator_lines),
		cmocka_unit_test(line_ends),
		cmocka_unit_test(empty_rows_and_columns),
		cmocka_unit_test(decimal_commas),
		cmocka_unit_test(wrong_rows),
		cmocka_unit_test(stray_quotes),
		cmocka_unit_test(other_encodings),
		cmocka_unit_test(json_lines),
		cmocka_unit_test(too_many_cells),
		cmocka_unit_test(columns_are_listed),
		cmocka_unit_test(written_fields_are_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
