/* SPDX-License-Identifier: Apache-2.0 */
/* Text of others on a terminal: in messages, and in what is printed. */
#include <string.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts),
		cmocka_unit_test(messages),
		cmocka_unit_test(small_buffers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
