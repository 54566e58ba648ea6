/* SPDX-License-Identifier: Apache-2.0 */
/* Mistakes that people make in YAML: each is named where it is, in words that say what to do. */
#include "support.h"

#include <string.h>

#include "config/yaml.h"

#define HEAD "corpus:\n  labels: l.csv\n"
#define NBSP "\xc2\xa0"
#define LEFT "\xe2\x80\x9c"
#define RIGHT "\xe2\x80\x9d"

struct mistake {
	const char *text, *message;
};

static const struct mistake mistakes[] = {
	/* tabs */
	{HEAD "train:\n\tepochs: 5\n  batch: 3\n", "4:1: a tab: indent with spaces"},
	{HEAD "train:\n  epochs: 5\n\tbatch: 3\n", "5:1: a tab: indent with spaces"},
	{HEAD "  \taudio: a\n", "3:3: a tab: indent with spaces"},
	{"a: 1\n\t\nb: 2\n", "2:1: a tab: indent with spaces"},
	{"a:\n  -\tb\n", "2:4: a tab: write spaces"},
	/* no space behind ':' */
	{HEAD "train:\n  epochs:5\n  batch: 3\n", "4:10: a space is missing after ':'"},
	{HEAD "train:\n  batch: 3\n  epochs:5\n", "5:10: a space is missing after ':'"},
	{HEAD "train:\n  batch: 3\n\n# five\n  epochs:5\nloss: {name: erm}\n",
		"7:10: a space is missing after ':'"},
	{HEAD "train:\n  epochs:5\n", "4:10: a space is missing after ':'"},
	{HEAD "train:\n  epochs:5\n  batch:3\n", "4:10: a space is missing after ':'"},
	{HEAD "encoder: {name:pitch}\n", "3:16: a space is missing after ':'"},
	{HEAD "encoder:{name: pitch}\n", "3:9: a space is missing after ':'"},
	{"seed:5\n", "1:6: a space is missing after ':'"},
	{"\xc3\xa4: 1\nb: {name:\xc3\xa4}\n", "2:10: a space is missing after ':'"},
	/* other blanks and quotes */
	{HEAD "train:\n  epochs:" NBSP "5\n  batch: 3\n",
		"4:10: a no-break space (U+00A0): replace it by a normal space"},
	{HEAD "train:\n" NBSP NBSP "epochs: 5\n  batch: 3\n",
		"4:1: a no-break space (U+00A0): replace it by a normal space or remove it"},
	{HEAD "train: {epochs: " NBSP "5}\n",
		"3:17: a no-break space (U+00A0): replace it by a normal space or remove it"},
	{HEAD "train:\n  epochs" NBSP ": 5\n",
		"4:9: a no-break space (U+00A0): replace it by a normal space"},
	{HEAD "\xef\xbb\xbftrain: {epochs: 5}\n",
		"3:1: a byte order mark (U+FEFF): replace it by a normal space or remove it"},
	{HEAD "train:\n  epochs:" NBSP "5\n  batch: 3\n",
		"4:10: a no-break space (U+00A0): replace it by a normal space"},
	{"a: b\xe2\x80\xaf\nc: d\n",
		"1:5: a narrow no-break space (U+202F): replace it by a normal space or remove it"},
	{"a: b" NBSP "# c\n",
		"1:5: a no-break space (U+00A0): replace it by a normal space or remove it"},
	{"a: [b,\xe3\x80\x80"
	 "c]\n",
		"1:7: a wide space (U+3000): replace it by a normal space or remove it"},
	{"a:\n  -" NBSP "b\n  - c\n",
		"2:4: a no-break space (U+00A0): replace it by a normal space"},
	{"a:\n  - b\n  -\xe2\x80\x82"
	 "c\n",
		"3:4: an en space (U+2002): replace it by a normal space"},
	{"a: one\n  two" NBSP "\n  three\nb: 1\n",
		"2:6: a no-break space (U+00A0): replace it by a normal space or remove it"},
	{"a: one\n  " NBSP "two\nb: 1\n",
		"2:3: a no-break space (U+00A0): replace it by a normal space or remove it"},
	{"a: b" NBSP "c" NBSP "\n",
		"1:7: a no-break space (U+00A0): replace it by a normal space or remove it"},
	{"a: 1\n" NBSP "\nb: 2\n",
		"2:1: a no-break space (U+00A0): replace it by a normal space or remove it"},
	{"a: 'x" NBSP "y'\nb 2\nc: 3\n", "2:1: ':' is missing: write KEY: VALUE"},
	{"a:\xc2\xad"
	 "b\nc: 1\n",
		"1:3: a soft hyphen (U+00AD): replace it by a normal space"},
	{"a\xe1\x9a\x80: b\n",
		"1:2: a space of another kind (U+1680): replace it by a normal space or remove it"},
	{"a: \xe2\x80\x88"
	 "b\n",
		"1:4: a space of another kind (U+2008): replace it by a normal space or remove it"},
	{"a: b\xe2\x80\x8e\n",
		"1:5: an invisible character (U+200E): replace it by a normal space or remove it"},
	{"a: b\n\xe2\x81\xa0"
	 "c: d\n",
		"2:1: an invisible character (U+2060): replace it by a normal space or remove it"},
	{"a: 1\nb: x\xe2\x80\xa8y\nc: 3\n",
		"2:5: a line separator (U+2028), which YAML reads as a new line: remove it"},
	{"a: 1\r\nb: 'x\xe2\x80\xa9y'\r\n",
		"2:6: a line separator (U+2029), which YAML reads as a new line: remove it"},
	{"a: 1 # x\xc2\x85\nb: 2\n",
		"1:9: a line separator (U+0085), which YAML reads as a new line: remove it"},
	{"labels: " LEFT "l.csv" RIGHT "\n",
		"1:9: '" LEFT "' is a typographic quote: write ' or \""},
	{"labels: " LEFT "a: l.csv" RIGHT "\n",
		"1:9: '" LEFT "' is a typographic quote: write ' or \""},
	{"{" LEFT "labels" RIGHT ": l.csv}\n",
		"1:2: '" LEFT "' is a typographic quote: write ' or \""},
	/* quotes and brackets */
	{"a: \"l.csv\nb: 3\nc: 4\n", "1:4: the quote that opens here is not closed"},
	{"a: \"l.csv\nb: \"x\"\n", "1:4: the quote that opens here is closed lines later: close it "
				   "where the text ends"},
	{"a: 'it's'\n", "1:8: text behind a closing quote: put quotes around all of it, and write "
			"a quote inside single quotes twice"},
	{"a: [1, 2\n", "1:4: the '[' that opens here is not closed"},
	{"a: {b: 1\nc: {d: 2}\n", "1:4: the '{' that opens here is not closed"},
	{"a: {b: 1 c: 2}\n", "1:11: ',' or '}' is missing before this"},
	{"a: [1, 2]]\n", "1:10: ']' without its opening bracket"},
	{"a: [1, {b: 2]}\n", "1:13: ']' closes a '{': write '}'"},
	{"a: {fold}.csv\nb: 1\n", "1:10: put text that contains {fold} in quotes"},
	{"a: {x}.csv\nb: 1\n", "1:7: text behind the end of a value: put quotes around all of it"},
	/* keys and indentation */
	{"a:\n  b: 1\n   c: 2\n", "3:4: indented more than line 2, which has a value already: "
				  "indent the keys of a block alike"},
	{"a:\n  b: 1\n c: 2\n", "3:2: column 2, but the block from line 1 on starts in column 1: "
				"indent the keys of a block alike"},
	{" a: 1\nb: 2\n",
		"2:1: indented less than the keys before: indent the keys of a block alike"},
	{"a: 1\nb 2\nc: 3\n", "2:1: ':' is missing: write KEY: VALUE"},
	{"a: 1\nb = 2\nc: 3\n", "2:1: ':' is missing: write KEY: VALUE, not KEY = VALUE"},
	{"a: 1\nb 2\n", "2:1: ':' is missing: write KEY: VALUE"},
	{"train\n  epochs: 5\n", "1:1: ':' is missing: write KEY: VALUE"},
	{"a: 1\n// b\nc: 3\n", "2:1: a comment starts with '#', not '//'"},
	{"a: 1\n<<<<<<< HEAD\nc: 3\n",
		"2:1: a conflict that git left: keep one of the two versions"},
	{"a: b: c\n", "1:5: a second ':' in one line: put the value in quotes"},
	{"a: - 1\n", "1:4: a list cannot start behind its key: write '- ' on lines of their own, "
		     "or [a, b]"},
	{"a:\n- 1\n2\nb: 3\n", "3:1: a list item starts with '- '"},
	{"a:\n  - 1\n  2\nb: 3\n", "3:3: a list item starts with '- '"},
	{"a: |\nb\nc: 1\n", "2:1: indent the text behind '|' more than its key"},
	{"a: 1\nb: 2\na: 3\n", "3:1: key 'a' is already in line 1: remove one of them"},
	/* signs of YAML's own */
	{"a: %b\n", "1:4: a value cannot start with '%': put it in quotes"},
	{"a: @b\n", "1:4: a value cannot start with '@': put it in quotes"},
	{"a: `b`\n", "1:4: a value cannot start with '`': put it in quotes"},
	{"a: *.csv\n", "1:4: '*' has a meaning of its own in YAML: put a value that starts with it "
		       "in quotes"},
	{"a: *b\n", "1:4: aliases are not allowed ('*b'): write the value out, or put it in "
		    "quotes"},
	{"a: & b\n",
		"1:4: '&' has a meaning of its own in YAML: put a value that starts with it in "
		"quotes"},
	{"a: |x\n", "1:4: '|' has a meaning of its own in YAML: put a value that starts with it in "
		    "quotes"},
	{"a: \"C:\\data\"\n", "1:7: '\\d' is no complete escape of double quotes: put a path with "
			      "'\\' in single quotes"},
	{"a: \"C:\\Users\"\n", "1:7: '\\U' is no complete escape of double quotes: put a path with "
			       "'\\' in single quotes"},
	{"a: 1\n---\nb: 1\n", "2:1: a second document is not allowed: remove this '---'"},
	{"[EXP]\nroot = ./\nname = x\n",
		"2:1: this looks like an INI file: a configuration is YAML, KEY: VALUE"},
};

static void mistakes_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
		const struct mistake *m = &mistakes[i];
		fv_ctx *ctx = test_ctx();
		core_yaml *root;
		assert_int_equal(
			core_yaml_parse(ctx, "f.yaml", m->text, strlen(m->text), &root), FV_CONFIG);
		const char *want = core_format(ctx, "f.yaml:%s", m->message);
		if (!strstr(core_error_line(ctx, 0), want))
			fail_msg("%s'%s' lacks '%s'", m->text, core_error_line(ctx, 0), want);
		core_ctx_free(ctx);
	}
}

/* Forms that are right, though they look like the mistakes. */
static void valid_forms_are_read(void **state)
{
	(void)state;
	static const char *const forms[] = {"a: 1\nb: {c: x}\n", "\357\273\277a: 1\nb: {c: x}\n",
		"\xef\xbb\xbf---\na: 1\nb: {c: x}\n", "---\na: 1\nb: {c: x}\n...\n",
		"%YAML 1.1\n---\na: 1\nb: {c: x}\n", "a : 1\nb: {c : x}\n", "a:\t1\t\nb: {c: x}\n",
		"a: 1\r\nb: {c: x}\r\n", "a: 1\rb: {c: x}\r", "{\"a\":1,\"b\":{\"c\":\"x\"}}\n",
		"\357\273\277\357\273\277a: 1\nb: {c: x}\n",
		"\xef\xbb\xbf{\"a\": 1, \"b\": {\"c\": \"x\"}}\n",
		"a: 1 # \xc2\xa0x:5\nb:\n  c: x\n"};
	fv_ctx *ctx = test_ctx();
	core_yaml *first = NULL, *root;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		test_ok(ctx, core_yaml_parse(ctx, "f.yaml", forms[i], strlen(forms[i]), &root));
		first = first ? first : root;
		assert_true(core_yaml_equal(first, root));
	}
	static const char words[] =
		"url: http://x/y\ndrive: C:\\data\nname: a" NBSP "b\n"
		"long: a" NBSP "b\n  c" NBSP "d # " NBSP "\nends: '" NBSP "a" NBSP "'\n"
		"tag: a#" NBSP "b\n"
		"file:\n  D:\\x\nquoted: '" LEFT "x" RIGHT "'\n"
		"list:\n- a\n- b:c\n";
	test_ok(ctx, core_yaml_parse(ctx, "f.yaml", words, strlen(words), &root));
	assert_string_equal(core_yaml_get(root, "drive")->text, "C:\\data");
	assert_string_equal(core_yaml_get(root, "file")->text, "D:\\x");
	assert_string_equal(core_yaml_get(root, "name")->text, "a" NBSP "b");
	assert_string_equal(core_yaml_get(root, "long")->text, "a" NBSP "b c" NBSP "d");
	assert_string_equal(core_yaml_get(root, "ends")->text, NBSP "a" NBSP);
	assert_string_equal(core_yaml_get(root, "tag")->text, "a#" NBSP "b");
	assert_string_equal(core_yaml_get(root, "list")->entry[1].value->text, "b:c");
	core_ctx_free(ctx);
}

static void other_files_are_named(void **state)
{
	(void)state;
	static const struct {
		const char *data;
		size_t size;
		const char *message;
	} files[] = {
		{"\xff\xfe"
		 "a\0:\0 \0001\0\n\0",
			12,
			"f.yaml: is text in UTF-16, no configuration in YAML: save it in the "
			"encoding UTF-8"},
		{"\x1f\x8b\x08\0\0\0\0\0", 8,
			"f.yaml: is a gzip archive, no configuration in YAML"},
	};
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		fv_ctx *ctx = test_ctx();
		core_yaml *root;
		assert_int_equal(
			core_yaml_parse(ctx, "f.yaml", files[i].data, files[i].size, &root),
			FV_CONFIG);
		assert_string_equal(core_error_line(ctx, 0), files[i].message);
		core_ctx_free(ctx);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mistakes_are_named),
		cmocka_unit_test(valid_forms_are_read),
		cmocka_unit_test(other_files_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
