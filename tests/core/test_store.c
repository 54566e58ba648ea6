/* SPDX-License-Identifier: Apache-2.0 */
/* Values are stored in the fields that the tables declare. */
#include "support.h"

#include <string.h>

#include "config/spec.h"
#include "config/store.h"

/* The field sizes possible for a key's type: the declared size must be one of them. */
static bool fits_type(const core_key *key)
{
	switch (key->type) {
	case CORE_KEY_INT:
		return key->size == 4 || key->size == 8;
	case CORE_KEY_REAL:
		return key->size == sizeof(double);
	case CORE_KEY_BOOL:
		return key->size == sizeof(bool);
	case CORE_KEY_CHOICE:
		return key->size == sizeof(char *) || key->size == 4 || key->size == sizeof(bool);
	case CORE_KEY_TEXTS:
	case CORE_KEY_NAMES:
		return key->size == sizeof(core_strings) && !key->count;
	case CORE_KEY_INTS:
	case CORE_KEY_TEXT_MAP:
	case CORE_KEY_BINS:
	case CORE_KEY_VALUES:
		return key->size == sizeof(void *) && key->count;
	default:
		return key->size == sizeof(char *);
	}
}

static int check_keys(const char *path, const core_key *keys, size_t n)
{
	int fields = 0;
	for (size_t i = 0; i < n; i++) {
		if (keys[i].type == CORE_KEY_BLOCK)
			fields += check_keys(keys[i].name, keys[i].keys, keys[i].n_keys);
		else if (keys[i].size && !fits_type(&keys[i]))
			fail_msg("%s.%s: a field of %zu bytes", path, keys[i].name, keys[i].size);
		else if (!keys[i].size && strcmp(keys[i].name, "name") &&
			 keys[i].type != CORE_KEY_ENCODER)
			fail_msg("%s.%s: is checked and goes nowhere", path, keys[i].name);
		fields += keys[i].size != 0;
	}
	return fields;
}

static void every_key_has_its_field(void **state)
{
	(void)state;
	int fields = 0;
	for (size_t i = 0; i < core_n_blocks; i++)
		fields +=
			check_keys(core_blocks[i].name, core_blocks[i].keys, core_blocks[i].n_keys);
	assert_true(fields > 40);
}

struct spec {
	double real;
	bool has_whole;
	int32_t narrow;
	bool truth, second;
	int64_t whole;
	enum { RED, GREEN, BLUE } color;
	const char *word;
	core_strings texts;
	int32_t n_ints;
	int64_t *ints;
};

#define AT(field) .offset = offsetof(struct spec, field), .size = sizeof(((struct spec *)0)->field)
static const core_key keys[] = {
	{.name = "real", .type = CORE_KEY_REAL, AT(real)},
	{.name = "narrow", .type = CORE_KEY_INT, AT(narrow), .choices = "all", .word = -1},
	{.name = "truth", .type = CORE_KEY_BOOL, AT(truth)},
	{.name = "second", .type = CORE_KEY_CHOICE, AT(second), .choices = "one|two"},
	{.name = "whole", .type = CORE_KEY_INT, AT(whole), .has = offsetof(struct spec, has_whole)},
	{.name = "color", .type = CORE_KEY_CHOICE, AT(color), .choices = "red|green|blue"},
	{.name = "word", .type = CORE_KEY_CHOICE, AT(word), .choices = "red|green"},
	{.name = "texts", .type = CORE_KEY_TEXTS, AT(texts)},
	{.name = "ints", .type = CORE_KEY_INTS, AT(ints), .count = offsetof(struct spec, n_ints)},
	{.name = "nowhere", .type = CORE_KEY_INT},
};

static void store_text(fv_ctx *ctx, const char *text, struct spec *out)
{
	core_yaml *root;
	test_ok(ctx, core_yaml_parse(ctx, "a.yaml", text, strlen(text), &root));
	assert_true(core_store_block(ctx, keys, sizeof keys / sizeof *keys, root, out));
}

static void values_are_stored(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	struct spec s = {.narrow = 9, .has_whole = true};
	store_text(ctx,
		"{real: 0.25, narrow: 7, truth: true, second: two, whole: 9007199254740993,\n"
		" color: blue, word: green, texts: [a, b], ints: [-1, 5], nowhere: 3}",
		&s);
	assert_true(s.real == 0.25 && s.narrow == 7 && s.truth && s.second && s.has_whole);
	assert_true(s.whole == 9007199254740993 && s.color == BLUE);
	assert_string_equal(s.word, "green");
	assert_int_equal(s.texts.n, 2);
	assert_string_equal(s.texts.item[1], "b");
	assert_true(s.n_ints == 2 && s.ints[0] == -1 && s.ints[1] == 5);
	store_text(ctx, "{narrow: all, truth: false, second: one, color: red}", &s);
	assert_true(s.narrow == -1 && !s.truth && !s.second && s.color == RED && !s.has_whole);
	assert_true(s.real == 0.25 && s.texts.n == 0 && s.n_ints == 0 && s.ints);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_has_its_field),
		cmocka_unit_test(values_are_stored),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
