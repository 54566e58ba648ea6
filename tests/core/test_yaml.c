/* SPDX-License-Identifier: Apache-2.0 */
/* The YAML reader: places, limits and refusals; writing and reading back; mutated bytes. */
#include "support.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/number.h"
#include "base/stream.h"
#include "config/yaml.h"

static core_yaml *read_text(fv_ctx *ctx, const char *text)
{
	core_yaml *root = NULL;
	test_ok(ctx, core_yaml_parse(ctx, "f.yaml", text, strlen(text), &root));
	return root;
}

static void check_place(const core_yaml *node, int line, int column)
{
	assert_non_null(node);
	assert_string_equal(node->place.file, "f.yaml");
	assert_int_equal(node->place.line, line);
	assert_int_equal(node->place.column, column);
}

static void places_count_from_one(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_yaml *root = read_text(ctx, "\xef\xbb\xbf"
					 "# head\na: 1\nb:\n  - {x: 'y'}\n"
					 "\xc3\xa4\xc3\xb6: \"z\"\r\nlast: |\n  two\n  lines\n");
	assert_int_equal(root->kind, CORE_YAML_MAP);
	assert_int_equal(root->n, 4);
	check_place(core_yaml_get(root, "a"), 2, 4);
	assert_true(core_yaml_get(root, "a")->plain);
	const core_yaml *item = core_yaml_get(root, "b")->entry[0].value;
	check_place(item, 4, 5);
	check_place(core_yaml_get(item, "x"), 4, 9);
	assert_false(core_yaml_get(item, "x")->plain);
	check_place(core_yaml_get(root, "\xc3\xa4\xc3\xb6"), 5, 5); /* characters, not bytes */
	assert_string_equal(core_yaml_get(root, "last")->text, "two\nlines\n");
	assert_int_equal(core_yaml_entry(root, "b")->key_place.line, 3);
	assert_null(core_yaml_get(root, "c"));
	core_ctx_free(ctx);
}

static void scalars_stay_text(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_yaml *root = read_text(ctx, "{a: no, b: ~, c: '', d: 'null', e: , f: 1e3}");
	assert_string_equal(core_yaml_get(root, "a")->text, "no");
	assert_true(core_yaml_is_word(core_yaml_get(root, "a"), "no"));
	assert_true(core_yaml_is_null(core_yaml_get(root, "b")));
	assert_false(core_yaml_is_null(core_yaml_get(root, "c")));
	assert_false(core_yaml_is_null(core_yaml_get(root, "d")));
	assert_true(core_yaml_is_null(core_yaml_get(root, "e")));
	core_yaml *same = read_text(ctx, "{f: 1000, e: , d: \"null\", c: '', b: ~, a: 'no'}");
	assert_true(core_yaml_equal(root, same));
	assert_false(core_yaml_equal(root, read_text(ctx, "{a: no}")));
	assert_false(core_yaml_equal(read_text(ctx, "[1, 2]"), read_text(ctx, "[2, 1]")));
	assert_false(core_yaml_equal(read_text(ctx, "['1']"), read_text(ctx, "[1.0]")));
	core_ctx_free(ctx);
}

struct refusal {
	const char *text;
	size_t size; /* 0: strlen */
	const char *message;
};

/* Each rule of the reader, with its complete message. */
static const struct refusal refusals[] = {
	{"a: &x 1\n", 0,
		"f.yaml:1:4: anchors are not allowed ('&x'): write the value out, or put it in "
		"quotes"},
	{"a: &x [1]\n", 0,
		"f.yaml:1:4: anchors are not allowed ('&x'): write the value out, or put it in "
		"quotes"},
	{"a: &x {b: 1}\n", 0,
		"f.yaml:1:4: anchors are not allowed ('&x'): write the value out, or put it in "
		"quotes"},
	{"a: *x\n", 0,
		"f.yaml:1:4: aliases are not allowed ('*x'): write the value out, or put it in "
		"quotes"},
	{"a: !!int 1\n", 0,
		"f.yaml:1:4: tags are not allowed ('tag:yaml.org,2002:int'): remove it, or put the "
		"value in quotes"},
	{"a: ! 1\n", 0,
		"f.yaml:1:4: tags are not allowed ('!'): remove it, or put the value in quotes"},
	{"a: !t [1]\n", 0,
		"f.yaml:1:4: tags are not allowed ('!t'): remove it, or put the value in quotes"},
	{"a: !t {b: 1}\n", 0,
		"f.yaml:1:4: tags are not allowed ('!t'): remove it, or put the value in quotes"},
	{"%TAG !e! tag:x,2000:\n---\na: 1\n", 0,
		"f.yaml:1:1: tags are not allowed (%TAG): remove this line"},
	{"a: 1\nb: 2\na: 3\n", 0, "f.yaml:3:1: key 'a' is already in line 1: remove one of them"},
	{"x: {b: 1, b: 1}\n", 0, "f.yaml:1:11: key 'b' is already in line 1: remove one of them"},
	{"a: 1\n---\nb: 1\n", 0, "f.yaml:2:1: a second document is not allowed: remove this '---'"},
	{"? [1]\n: 2\n", 0,
		"f.yaml:1:3: a key must be a single word: put text with brackets in quotes"},
	{"? {a: 1}\n: 2\n", 0,
		"f.yaml:1:3: a key must be a single word: put text with brackets in quotes"},
	{"a: \"x\\0y\"\n", 0, "f.yaml:1:4: NUL in a text"},
	{"a: x\0y\n", 7, "f.yaml:1:5: a control character (0x00): remove it"},
	{"a: 1\nb: \x01\n", 0, "f.yaml:2:4: a control character (0x01): remove it"},
	{"a: 1\nb: \xc3(\n", 0,
		"f.yaml:2:4: no UTF-8 (byte 0xC3): save the file in the encoding UTF-8"},
	{"a: \xff\n", 0, "f.yaml:1:4: no UTF-8 (byte 0xFF): save the file in the encoding UTF-8"},
	{"a: \xed\xa0\x80\n", 0,
		"f.yaml:1:4: no UTF-8 (byte 0xED): save the file in the encoding UTF-8"},
	{"", 0, "f.yaml: is empty"},
	{"# nothing\n", 0, "f.yaml: is empty"},
	{"a: [1, 2\nb: 3\n", 0, "f.yaml:1:4: the '[' that opens here is not closed"},
	{"x: 1\na: {b: l_{fold}.csv, c: d}\n", 0,
		"f.yaml:2:10: put text that contains {fold} in quotes"},
	{"a: b: c\n", 0, "f.yaml:1:5: a second ':' in one line: put the value in quotes"},
	{"a: 'open\n", 0, "f.yaml:1:4: the quote that opens here is not closed"},
	{"\ta: 1\n", 0, "f.yaml:1:1: a tab: indent with spaces"},
};

static void refusals_have_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		const struct refusal *r = &refusals[i];
		fv_ctx *ctx = test_ctx();
		core_yaml *root;
		fv_status status = core_yaml_parse(
			ctx, "f.yaml", r->text, r->size ? r->size : strlen(r->text), &root);
		assert_int_equal(status, FV_CONFIG);
		assert_int_equal(core_error_count(ctx), 1);
		assert_string_equal(core_error_line(ctx, 0), r->message);
		core_ctx_free(ctx);
	}
}

static void refusals_reported_together(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_yaml *root;
	const char *text = "a: &x 1\nb: !!str 2\na: 3\nc: \"\\0\"\n";
	assert_int_equal(core_yaml_parse(ctx, "f.yaml", text, strlen(text), &root), FV_CONFIG);
	assert_int_equal(core_error_count(ctx), 4);
	core_ctx_free(ctx);
}

/* The "billion laughs" attack is refused at its first anchor and first alias, before any
 * expansion. */
static void alias_bomb(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_yaml *root;
	core_text text = {0};
	core_text_add(&text, "a0: &a0 [lol]\n");
	for (int i = 1; i < 40; i++)
		core_text_add(&text, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1,
			i - 1, i - 1);
	test_fails(ctx, core_yaml_parse(ctx, "f.yaml", text.data, text.size, &root), FV_CONFIG,
		"f.yaml:1:5: anchors are not allowed ('&a0')");
	core_text_free(&text);
	core_ctx_free(ctx);
}

static fv_status parse_nested(fv_ctx *ctx, int levels)
{
	core_text text = {0};
	core_yaml *root;
	for (int i = 0; i < levels; i++)
		core_text_add(&text, i % 2 ? "{k: " : "[");
	core_text_add(&text, "x");
	for (int i = levels; i-- > 0;)
		core_text_add(&text, i % 2 ? "}" : "]");
	fv_status status = core_yaml_parse(ctx, "f.yaml", text.data, text.size, &root);
	core_text_free(&text);
	return status;
}

static void limits(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	test_ok(ctx, parse_nested(ctx, 64));
	test_fails(ctx, parse_nested(ctx, 65), FV_CONFIG, "f.yaml:1:161: more than 64 levels deep");

	char *big = core_alloc(ctx, CORE_YAML_BYTES_MAX + 2, 1);
	memset(big, '#', CORE_YAML_BYTES_MAX + 1);
	memcpy(big, "a: 1\n", 5);
	core_yaml *root;
	test_ok(ctx, core_yaml_parse(ctx, "f.yaml", big, CORE_YAML_BYTES_MAX, &root));
	test_fails(ctx, core_yaml_parse(ctx, "f.yaml", big, CORE_YAML_BYTES_MAX + 1, &root),
		FV_CONFIG, "f.yaml: 1048577 bytes, more than the 1048576 allowed");
	const char *path = core_path_join(ctx, test_folder("yaml"), "big.yaml");
	test_ok(ctx, core_file_write(ctx, path, big, CORE_YAML_BYTES_MAX + 1));
	test_fails(
		ctx, core_yaml_read(ctx, path, &root), FV_CONFIG, "more than the 1048576 allowed");
	test_fails(ctx, core_yaml_read(ctx, "no/such.yaml", &root), FV_CONFIG,
		"no/such.yaml: No such file or directory");

	for (int extra = 0; extra < 2; extra++) {
		core_text text = {0};
		for (int i = 0; i < CORE_YAML_KEYS_MAX + extra; i++)
			core_text_add(&text, "k%d:\n", i);
		fv_status status = core_yaml_parse(ctx, "f.yaml", text.data, text.size, &root);
		if (extra)
			test_fails(ctx, status, FV_CONFIG, "more than 4096 keys in one map");
		else
			test_ok(ctx, status);
		core_text_free(&text);
	}
	core_ctx_free(ctx);
}

static const char *format_tree(fv_ctx *ctx, const core_yaml *root)
{
	core_text text = {0};
	test_ok(ctx, core_yaml_write(ctx, root, NULL, &text));
	const char *copy = core_strdup(ctx, text.data);
	core_text_free(&text);
	return copy;
}

/* Text that starts as a file of another kind does is read back too. */
static void written_text_is_taken_for_yaml(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	static const char *const words[][2] = {
		{" RDX3\n", "---\nRDX3\n"}, {"{ lmgg: x}", "---\nlmgg: x\n"}, {"a: x", "a: x\n"}};
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		core_yaml *root, *back;
		test_ok(ctx, core_yaml_parse(ctx, "a", words[i][0], strlen(words[i][0]), &root));
		const char *text = format_tree(ctx, root);
		assert_string_equal(text, words[i][1]);
		test_ok(ctx, core_yaml_parse(ctx, "b", text, strlen(text), &back));
		assert_true(core_yaml_equal(root, back));
	}
	core_ctx_free(ctx);
}

static const char *const texts[] = {"plain", "two words", "", " ", "no", "Yes", "null", "~", "true",
	"12", "-1", "1e3", "0x1f", ".5", ".inf", "1_000", "12:30:45", "2020-01-01", "- dash",
	"a: b", "a #b", "#c", "'", "\"", "it's", "back\\slash", "tab\there", "line\nbreak", "end\n",
	"\x01\x7f", "{x}", "labels_{fold}.csv", "[x]", "*x", "&x", "!x", "%x", "@x", "`x`", "|",
	">", "?", "-", ":", ",", "=", "<<", "---", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
	"\xef\xbb\xbf\x62om", "\xc2\x85", "\xe2\x80\xa8", "/a/b c.csv", "  lead", "trail  "};

/* Every text is read back unchanged and, except for plain words, is text for other YAML readers. */
static void written_text_reads_back(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	size_t n = sizeof texts / sizeof *texts;
	core_yaml *root = core_yaml_map(ctx, (core_place){0}, CORE_FROM_FILE, n + 2);
	core_yaml *list = core_yaml_map(ctx, (core_place){0}, CORE_FROM_FILE, n);
	core_yaml *maps = core_yaml_map(ctx, (core_place){0}, CORE_FROM_FILE, 1);
	list->kind = maps->kind = CORE_YAML_LIST;
	for (size_t i = 0; i < n; i++) {
		core_yaml *node = core_yaml_scalar(ctx, (core_place){0}, CORE_FROM_FILE, texts[i]);
		core_yaml_add(root, texts[i], (core_place){0}, node);
		core_yaml_add(list, NULL, (core_place){0}, node);
	}
	core_yaml *inner = core_yaml_map(ctx, (core_place){0}, CORE_FROM_FILE, 1);
	core_yaml_add(inner, "deep", (core_place){0}, list);
	core_yaml_add(maps, NULL, (core_place){0}, inner);
	core_yaml_add(root, "a list of all", (core_place){0}, list);
	core_yaml_add(root, "a list of maps", (core_place){0}, maps);
	const char *text = format_tree(ctx, root);
	core_yaml *back = read_text(ctx, text);
	assert_int_equal(back->n, n + 2);
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(core_yaml_get(back, texts[i])->text, texts[i]);
		assert_string_equal(
			core_yaml_get(back, "a list of all")->entry[i].value->text, texts[i]);
	}
	assert_true(core_yaml_equal(core_yaml_get(back, "a list of maps"), maps));
	assert_non_null(strstr(text, "\n\"no\": \"no\"\n"));
	assert_non_null(strstr(text, "\"12\": \"12\"\n"));
	assert_non_null(strstr(text, "plain: plain\n"));
	assert_string_equal(format_tree(ctx, back), text);
	core_ctx_free(ctx);
}

static void keys_are_canonical(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_yaml *root = read_text(ctx, "{b: [1, {z: \"q\\\"\\n\"}], a: {}, c: []}");
	core_yaml_get(root, "b")->entry[0].value->value = CORE_VALUE_NUMBER;
	assert_string_equal(core_yaml_canonical_text(ctx, root, NULL),
		"{\"a\":{},\"b\":[1,{\"z\":\"q\\\"\\u000a\"}],\"c\":[]}");
	core_yaml *path = core_yaml_get(core_yaml_get(root, "b")->entry[1].value, "z");
	path->text = "conf/w.pt";
	path->written = "w.pt";
	assert_string_equal(
		core_yaml_canonical_text(ctx, core_yaml_copy_without(ctx, root, "a"), NULL),
		"{\"b\":[1,{\"z\":\"w.pt\"}],\"c\":[]}");
	assert_string_equal(core_yaml_canonical_text(ctx, core_yaml_get(root, "b"), "/home"),
		"[1,{\"z\":\"/home/conf/w.pt\"}]");
	core_ctx_free(ctx);
}

static void numbers_are_shortest(void **state)
{
	(void)state;
	static const struct {
		double value;
		const char *text;
	} cases[] = {{0.1, "0.1"}, {1e-4, "0.0001"}, {0.7, "0.7"}, {3, "3"}, {-0.0, "0"},
		{1e30, "1.0e+30"}, {2.0 / 3, "0.6666666666666666"}, {5e-324, "5.0e-324"},
		{0.1 + 0.2, "0.30000000000000004"}, {9007199254740992.0, "9007199254740992"}};
	char buffer[32];
	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
			assert_string_equal(
				core_number_text(buffer, cases[i].value), cases[i].text);
		if (!setlocale(LC_NUMERIC, "de_DE.UTF-8")) /* if this locale is installed */
			break;
	}
	setlocale(LC_NUMERIC, "C");
	fv_stream stream = core_stream(1, 0, "numbers", 0, 0);
	for (int i = 0; i < 20000; i++) {
		uint64_t bits = fv_next(&stream);
		double value;
		memcpy(&value, &bits, sizeof value);
		if (value - value == 0)
			assert_true(strtod(core_number_text(buffer, value), NULL) == value);
	}
}

static const char *parse_words(fv_ctx *ctx, const char *text)
{
	core_yaml *list;
	core_text out = {0};
	core_place place = {.file = "command line: argument 1"};
	if (core_yaml_parse_values(ctx, place, CORE_FROM_COMMAND, text, &list)) {
		const char *line = core_strdup(ctx, core_error_line(ctx, 0));
		core_error_clear(ctx);
		return line;
	}
	for (size_t i = 0; i < list->n; i++) {
		assert_int_equal(list->entry[i].value->origin, CORE_FROM_COMMAND);
		assert_int_equal(list->entry[i].value->place.line, 0);
		core_text_add(&out, i ? " | " : "");
		core_yaml_write_flow(list->entry[i].value, &out);
	}
	const char *copy = core_strdup(ctx, out.data);
	core_text_free(&out);
	return copy;
}

static void words_of_the_command_line(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{"rw", "rw"},
		{"a, b ,c", "a | b | c"},
		{"[a, b]", "[a, b]"},
		{"[a,b],[c]", "[a, b] | [c]"},
		{"{name: x, k: [1,2]},y", "{name: x, k: [1, 2]} | y"},
		{"labels_{fold}.csv", "labels_{fold}.csv"},
		{"a_{x,b}", "a_{x | b}"},
		{"'a,b', \"c,\\\"d\"", "a,b | c,\"d"},
		{"1e-4", "1e-4"},
		{"a: b # c", "a: b # c"},
		{"", "command line: argument 1: a value is missing"},
		{"a,", "command line: argument 1: a value is missing"},
		{",a", "command line: argument 1: a value is missing"},
		{"[a", "command line: argument 1: the '[' that opens here is not closed"},
		{"[a] b", "command line: argument 1: text behind the end of the value: put quotes "
			  "around text that has brackets or quotes"},
		{"{a: &x 1}", "command line: argument 1: anchors are not allowed ('&x'): write the "
			      "value out, or put it in quotes"},
		{"\xc2\xa0rw",
			"command line: argument 1: a no-break space (U+00A0): replace it by a "
			"normal space or remove it"},
		{"rw,gdro\xe2\x80\x8b", "command line: argument 1: a zero width space (U+200B): "
					"replace it by a normal space or remove it"},
		{"a\xc2\xa0"
		 "b",
			"a\xc2\xa0"
			"b"},
		{"'\xc2\xa0rw'", "\xc2\xa0rw"},
		{"[a,\xc2\xa0"
		 "b]",
			"command line: argument 1: a no-break space (U+00A0): replace "
			"it by a normal space or remove it"},
		{"{name:x}", "command line: argument 1: a space is missing after ':'"},
		{"\xe2\x80\x9crw\xe2\x80\x9d", "command line: argument 1: '\xe2\x80\x9c' is a "
					       "typographic quote: write ' or \""},
		{"\xff", "command line: argument 1: is not UTF-8"},
		{"\xed\xa0\x80", "command line: argument 1: is not UTF-8"},
		{"\xc0\xaf", "command line: argument 1: is not UTF-8"},
		{"\xf4\x90\x80\x80", "command line: argument 1: is not UTF-8"},
		{"\xe2\x82", "command line: argument 1: is not UTF-8"},
		{"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
	};
	fv_ctx *ctx = test_ctx();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(parse_words(ctx, cases[i][0]), cases[i][1]);
	core_ctx_free(ctx);
}

static const char seed_text[] =
	"# c\ncorpus: {labels: 'l_{fold}.csv', folds: [1, 2]}\nbins:\n  age: {Young: [20, 35]}\n"
	"list:\n- a\n- \"b\\u00e4\"\n- [x, {y: z}]\ntext: |\n  one\n  two\n? key\n: value\n"
	"long: >-\n  folded\n  text\nanchor: &a 1\nalias: *a\ntag: !!int 3\n";

/* The reader returns for all mutated bytes; accepted trees can be written and read back. */
static void mutations(void **state)
{
	(void)state;
	static const char special[] = "{}[],:?-#&*!|>'\"%@`\n\t \\\0\xff\xc3";
	fv_stream stream = core_stream(7, 0, "mutate", 0, 0);
	int64_t rounds = test_rounds(6000, 1000000);
	int accepted = 0;
	for (int64_t round = 0; round < rounds; round++) {
		fv_ctx *ctx = test_ctx();
		char text[sizeof seed_text];
		size_t size = sizeof seed_text - 1;
		memcpy(text, seed_text, sizeof seed_text);
		if (round % 2) /* without the lines that are always refused */
			size = (size_t)(strstr(seed_text, "anchor") - seed_text);
		for (uint64_t n = 1 + fv_below(&stream, 4); n; n--) {
			size_t at = fv_below(&stream, size);
			if (fv_below(&stream, 4) == 0 && size > 8) {
				memmove(text + at, text + at + 1, size - at - 1);
				size--;
			} else {
				text[at] =
					(char)(fv_below(&stream, 3) ? special[fv_below(&stream,
									      sizeof special - 1)]
								    : (int)fv_below(&stream, 256));
			}
		}
		core_yaml *root, *back;
		/* an exact allocation lets a sanitizer detect reads past the end */
		char *exact = malloc(size);
		assert_non_null(exact);
		memcpy(exact, text, size);
		if (core_yaml_parse(ctx, "f.yaml", exact, size, &root) == FV_OK) {
			const char *out = format_tree(ctx, root);
			test_ok(ctx, core_yaml_parse(ctx, "g.yaml", out, strlen(out), &back));
			assert_true(core_yaml_equal(root, back));
			accepted++;
		} else {
			assert_true(core_error_count(ctx) > 0);
		}
		free(exact);
		core_ctx_free(ctx);
	}
	assert_in_range(accepted, rounds / 60, rounds - rounds / 60); /* both outcomes must occur */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_count_from_one),
		cmocka_unit_test(scalars_stay_text),
		cmocka_unit_test(refusals_have_places),
		cmocka_unit_test(refusals_reported_together),
		cmocka_unit_test(alias_bomb),
		cmocka_unit_test(limits),
		cmocka_unit_test(written_text_is_taken_for_yaml),
		cmocka_unit_test(written_text_reads_back),
		cmocka_unit_test(keys_are_canonical),
		cmocka_unit_test(numbers_are_shortest),
		cmocka_unit_test(words_of_the_command_line),
		cmocka_unit_test(mutations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
