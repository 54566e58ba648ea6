/* SPDX-License-Identifier: Apache-2.0 */
/* Text of others on a terminal: in messages, and in what is printed. */
#include <string.h>

#include <jansson.h>

#include "base/markup.h"
#include "base/sheet.h"
#include "base/visible.h"
#include "support.h"

/* Commands to a terminal as one byte and as two, in C0 and C1; bytes that are no UTF-8; marks that turn the text round. */
/* NOLINTBEGIN(misc-misleading-bidirectional): such characters are what is tested */
static const struct {
	const char *text, *shown;
} cases[] = {
	{"a\x1b[31mb", "a\\x1b[31mb"},
	{"a\x7f\tb\n", "a\\x7f\\x09b\\x0a"},
	{"a\xc2\x9b"
	 "31mb",
		"a\\xc2\\x9b31mb"},
	{"a\x9b"
	 "31mb",
		"a\\x9b31mb"},
	{"a\xe2\x80\xae"
	 "b",
		"a\\xe2\\x80\\xaeb"},
	{"a\xe2\x81\xa6"
	 "b",
		"a\\xe2\\x81\\xa6b"},
	{"a\xe2\x80\xa8"
	 "b",
		"a\\xe2\\x80\\xa8b"},
	{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
	{"\xc3", "\\xc3"},
	{"M\xc3\xbcller \xe4\xb8\xad", "M\xc3\xbcller \xe4\xb8\xad"},
};
/* NOLINTEND(misc-misleading-bidirectional) */

static void texts(void **state)
{
	(void)state;
	char buffer[100];
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		core_text out = {0};
		(void)core_put_visible(&out, cases[i].text);
		assert_string_equal(out.data, cases[i].shown);
		core_text_free(&out);
		core_escape(buffer, sizeof buffer, cases[i].text);
		assert_string_equal(buffer, cases[i].shown);
	}
}

static void messages(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	(void)fv_fail(ctx, FV_DATA, "%s: no such file",
		"c1\xc2\x9b"
		"31m\x9bX.wav");
	assert_string_equal(core_error_line(ctx, 0), "c1\\xc2\\x9b31m\\x9bX.wav: no such file");
	core_ctx_free(ctx);
}

/* A buffer that is too small holds whole characters and whole escapes. */
static void small_buffers(void **state)
{
	(void)state;
	char buffer[100];
	const char *const want[] = {
		"", "a", "a", "a", "a", "a\\x1b", "a\\x1b", "a\\x1b\xc3\xbc", "a\\x1b\xc3\xbc\x62"};
	for (size_t size = 1; size <= 9; size++) {
		core_escape(buffer, size, "a\x1b\xc3\xbc\x62");
		assert_string_equal(buffer, want[size - 1]);
		assert_true(strlen(buffer) < size);
	}
}

/* NOLINTBEGIN(misc-misleading-bidirectional) */
/* JSON stays the same JSON. */
static void json(void **state)
{
	(void)state;
	const char *const text =
		"{\"a\\n\": \"\x7f|\xc2\x9b|\xe2\x80\xae|\xf0\x9d\x85\xb3|\xc3\xbc\"}\n";
	core_text out = {0};
	core_put_json(&out, text);
	assert_string_equal(
		out.data, "{\"a\\n\": \"\\u007f|\\u009b|\\u202e|\\ud834\\udd73|\xc3\xbc\"}\n");
	json_t *before = json_loads(text, 0, NULL), *after = json_loads(out.data, 0, NULL);
	assert_true(before && json_equal(before, after));
	json_decref(before);
	json_decref(after);
	core_text_free(&out);
}

static void markup(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {
		{"<a href=\"x\">&'</a>", "&lt;a href=&quot;x&quot;&gt;&amp;&#39;&lt;/a&gt;"},
		{"a\x1b\x7f\r\t\n", "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\t\n"},
		{"\xc2\x9b|\xef\xbf\xbe|\xe2\x81\xa6|", /* C1, U+FFFE, a mark of direction */
			"\xef\xbf\xbd|\xef\xbf\xbd|\xef\xbf\xbd|"},
		{"\xff\xc3|\xed\xa0\x80|", /* no UTF-8 */
			"\xef\xbf\xbd\xef\xbf\xbd|\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd|"},
		{"M\xc3\xbcller \xe4\xb8\xad", "M\xc3\xbcller \xe4\xb8\xad"},
	};
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		core_text out = {0};
		core_text_markup(&out, pairs[i][0]);
		assert_string_equal(out.data, pairs[i][1]);
		core_text_free(&out);
	}
}

/* NOLINTEND(misc-misleading-bidirectional) */

static void sheets(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {{"=1+1", "'=1+1"}, {"@a", "'@a"}, {"+a", "'+a"},
		{"-a,b", "\"'-a,b\""}, {"\ta", "\"'\ta\""}, {"\ra", "\"'\ra\""},
		{"\na", "\"'\na\""}, {"-1.5", "-1.5"}, {"+2e3", "+2e3"}, {"a=1", "a=1"}, {"", ""}};
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
		core_text out = {0};
		core_text_sheet(&out, pairs[i][0]);
		assert_string_equal(out.data ? out.data : "", pairs[i][1]);
		core_text_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(messages),
		cmocka_unit_test(small_buffers),
		cmocka_unit_test(json),
		cmocka_unit_test(markup),
		cmocka_unit_test(sheets),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
