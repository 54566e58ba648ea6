/* SPDX-License-Identifier: Apache-2.0 */
/* Names that others chose, in every format of a document: as heading, title, column, cell and note. What is asserted are
 * properties of the bytes, whatever the name. */
#include <stdio.h>
#include <string.h>

#include <utf8proc.h>

#include "base/csv.h"
#include "base/number.h"
#include "base/utf8.h"
#include "base/visible.h"
#include "report/write.h"
#include "support.h"

/* NOLINTBEGIN(misc-misleading-bidirectional): such characters are what is tested */
static const char *const names[] = {"\x1b[31mred\x1b]0;title\x07", "a\x7f\b\r",
	"c1\xc2\x9b\x33\x31m\xc2\x85", "\xe2\x80\xae\xe2\x81\xa6turned", "\xe2\x80\xa8line",
	"a\nb\tc", "=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-x", "\t=1", "\r=1", "\n=1",
	"<script>alert(1)</script>", "</title><img src=x onerror=y>", "]]>&#x1b;&lt;",
	"a|b`c`*d*_e_[x](javascript:y)", "\\input{/etc/passwd}", "$x^2$%#&{}~\\", "---''',,,",
	"[5cm]x", "*x", "'; DROP TABLE runs; --", "\"quoted\",comma;semicolon",
	"M\xc3\xbcller \xe4\xb8\xad", "\xf0\x9d\x85\xb3"};
/* No text at all, where a folder or a file is called so. */
static const char *const bytes[] = {
	"raw\x9b\x33\x31m", "\xff\xfe", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80"};
/* NOLINTEND(misc-misleading-bidirectional) */

static core_document *make_document(fv_ctx *ctx, const char *name)
{
	core_document *d = core_document_new(ctx);
	core_result_table *t = core_document_add(ctx, d, "rows", name, 2, 3);
	d->heading = name;
	t->audience = CORE_FOR_ALL;
	t->column[0] = core_plain_column("first", name, CORE_FOR_ALL);
	t->column[1] = core_plain_column("second", "second", CORE_FOR_ALL);
	t->column[2] = core_plain_column("third", name, CORE_FOR_ALL);
	for (size_t i = 0; i < 2; i++) {
		*core_table_at(t, i, 0) = core_value_text(name);
		*core_table_at(t, i, 1) = core_value_text(i ? "plain" : name);
		*core_table_at(t, i, 2) = core_value_text(name);
	}
	test_ok(ctx, core_document_note(ctx, d, "note on %s", name));
	return d;
}

static const char *write_document(fv_ctx *ctx, const char *name, core_table_format format)
{
	core_document *d = make_document(ctx, name);
	core_text text = {0};
	test_ok(ctx, core_document_write(ctx, d, format, &text));
	core_document_free(d);
	return core_text_move(ctx, &text);
}

/* Fails unless a terminal shows the text and does nothing else. */
static void assert_shown(const char *text)
{
	size_t left = strlen(text);
	for (const unsigned char *c = (const unsigned char *)text; left;) {
		size_t n = core_utf8_length(c, left);
		utf8proc_int32_t point = 0;
		assert_true(n > 0);
		(void)utf8proc_iterate(c, (utf8proc_ssize_t)n, &point);
		utf8proc_category_t kind = utf8proc_category(point);
		if (*c != '\n')
			assert_true(kind != UTF8PROC_CATEGORY_CC && kind != UTF8PROC_CATEGORY_CF &&
				    kind != UTF8PROC_CATEGORY_ZL && kind != UTF8PROC_CATEGORY_ZP);
		c += n;
		left -= n;
	}
}

static const char *find_next_line(const char *line)
{
	const char *end = strchr(line, '\n');
	return end ? end + 1 : NULL;
}

/* How often a sign stands in a line without a backslash. */
static size_t count_bare(const char *line, char sign)
{
	size_t n = 0;
	for (const char *c = line; *c && *c != '\n'; c++)
		if (*c == '\\' && c[1])
			c++;
		else
			n += *c == sign;
	return n;
}

/* Markdown: the rows keep their cells, and nothing is a tag, code or a link. */
static void check_md(const char *text)
{
	assert_shown(text);
	for (const char *line = text; line; line = find_next_line(line)) {
		assert_int_equal(count_bare(line, '|'), *line == '|' ? 4 : 0);
		assert_int_equal(
			count_bare(line, '<') + count_bare(line, '`') + count_bare(line, '['), 0);
	}
}

/* Is the command at a backslash one of the document of a plain name, or one that stands for a sign? */
static bool is_own_command(const char *plain, const char *c)
{
	static const char signs[] =
		"\\fairvoxchar \\textbackslash \\textasciitilde \\textasciicircum \\textasciigrave "
		"\\textbar \\ttfamily \\char";
	char word[64];
	size_t n = 1 + strspn(c + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
	if (n == 1)
		return strchr("\\_%&#${} \n", c[1]) != NULL;
	snprintf(word, sizeof word, "%.*s", (int)n, c);
	return strstr(plain, word) || strstr(signs, word);
}

/* LaTeX: braces are balanced, commands are the writer's own, and no row begins like an argument of the one before. */
static void check_tex(const char *plain, const char *text)
{
	int depth = 0;
	assert_shown(text);
	for (const char *c = text; *c; c++) {
		if (*c == '\\') {
			if (!is_own_command(plain, c))
				fail_msg("a command of others: %.40s", c);
			if (!strncmp(c, "\\\\\n", 3))
				assert_true(c[3] != '[' && c[3] != '*');
			c++;
			continue;
		}
		depth += (*c == '{') - (*c == '}');
		assert_true(depth >= 0);
		assert_false(strchr("-',", *c) && c[1] == *c);
		assert_false(*c == '^' && c[1] == '^');
	}
	assert_int_equal(depth, 0);
}

/* CSV: the cells are read back as they were, and what a spreadsheet would run has an apostrophe before it. */
static void check_csv(fv_ctx *ctx, const char *text, const char *name)
{
	core_csv csv;
	test_ok(ctx, core_csv_parse(ctx, "table", text, strlen(text), &csv));
	size_t found = 0;
	for (int64_t i = 0; i < csv.n_rows * csv.n_columns; i++) {
		const char *cell = csv.cell[i];
		double number;
		assert_true(
			!*cell || !strchr("=+-@\t\r\n", *cell) || core_parse_double(cell, &number));
		found += !strcmp(cell, name) || (*cell == '\'' && !strcmp(cell + 1, name));
	}
	assert_true(found > 0);
}

/* JSON: the same strings, which a terminal shows. */
static void check_json(const char *text, const char *name)
{
	core_text out = {0};
	core_put_json(&out, text);
	assert_shown(out.data);
	json_t *root = json_loads(out.data, 0, NULL);
	const json_t *row = json_array_get(json_object_get(root, "rows"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "first")), name);
	json_decref(root);
	core_text_free(&out);
}

static void documents(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		fv_ctx *ctx = test_ctx();
		assert_shown(write_document(ctx, names[i], CORE_TABLE_TEXT));
		check_md(write_document(ctx, names[i], CORE_TABLE_MD));
		check_tex(write_document(ctx, "plain", CORE_TABLE_TEX),
			write_document(ctx, names[i], CORE_TABLE_TEX));
		check_csv(ctx, write_document(ctx, names[i], CORE_TABLE_CSV), names[i]);
		check_json(write_document(ctx, names[i], CORE_TABLE_JSON), names[i]);
		core_ctx_free(ctx);
	}
}

static void names_of_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
		fv_ctx *ctx = test_ctx();
		assert_shown(write_document(ctx, bytes[i], CORE_TABLE_TEXT));
		check_md(write_document(ctx, bytes[i], CORE_TABLE_MD));
		check_tex(write_document(ctx, "plain", CORE_TABLE_TEX),
			write_document(ctx, bytes[i], CORE_TABLE_TEX));
		(void)core_fail_at(ctx, FV_DATA, bytes[i], 3, 0, "bad: %s", bytes[i]);
		assert_shown(core_error_line(ctx, 0));
		core_ctx_free(ctx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents),
		cmocka_unit_test(names_of_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
