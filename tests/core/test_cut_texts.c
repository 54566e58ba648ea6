/* SPDX-License-Identifier: Apache-2.0 */
/* Labels in narrow columns: different ones stay different, and what tells them apart is kept. */
#include "results.h"

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "base/visible.h"
#include "report/cut_texts.h"

enum { MOST = 12 };

static size_t measure(const char *text)
{
	core_text out = {0};
	size_t width = core_put_visible(&out, text);
	core_text_free(&out);
	return width;
}

/* Cuts texts [n] to one width, and checks what is promised. Returns whether they are apart. */
static bool cut(const char *const *text, size_t n, size_t width, core_text *out)
{
	bool equal = false, apart = core_cut_texts(text, width, n, out);
	for (size_t i = 0; i < n; i++) {
		const char *own = out[i].data ? out[i].data : "";
		assert_false(out[i].failed);
		assert_true(core_is_utf8(own));
		assert_true(measure(own) <= width);
		for (size_t k = 0; k < i; k++)
			equal |= strcmp(text[i], text[k]) != 0 &&
				 !strcmp(own, out[k].data ? out[k].data : "");
	}
	assert_int_equal(apart, !equal);
	return apart;
}

static void expect(const char *const *text, size_t n, size_t width, const char *const *want)
{
	core_text out[MOST] = {{0}};
	assert_true(cut(text, n, width, out));
	for (size_t i = 0; i < n; i++) {
		assert_string_equal(out[i].data, want[i]);
		core_text_free(&out[i]);
	}
}

static void test_what_is_kept(void **unused)
{
	(void)unused;
	static const char *const one[] = {"erm", "functionals voice", "functionals voice"};
	expect(one, 3, 9, (const char *[]){"erm", "func…oice", "func…oice"});
	/* the word in which they differ, and the start of the text */
	static const char *const middle[] = {
		"gdro eta=0.01 loss=excess", "gdro eta=0.1 loss=excess"};
	expect(middle, 2, 24,
		(const char *[]){"gdro eta=0.0…loss=excess", "gdro eta=0.1 loss=excess"});
	expect(middle, 2, 14, (const char *[]){"gdro…eta=0.01…", "gdro…eta=0.1…"});
	expect(middle, 2, 8, (const char *[]){"g…0.01…", "g…0.1…"});
	expect(middle, 2, 4, (const char *[]){"…01…", "…1…"});
	/* values, where several words differ */
	static const char *const several[] = {"gdro eta=0.01 loss=excess",
		"gdro eta=0.1 loss=excess", "gdro eta=0.01 loss=ce", "gdro eta=0.1 loss=ce", "erm"};
	expect(several, 5, 18,
		(const char *[]){"gdro …0.01 …excess", "gdro …0.1 …excess", "gdro …0.01 …ce",
			"gdro …0.1 …ce", "erm"});
	/* characters are not split, marks stay with their letters */
	static const char *const wide[] = {"感情認識の実験その一終", "感情認識の実験その二終"};
	expect(wide, 2, 8, (const char *[]){"…の一終", "…の二終"});
	static const char *const marks[] = {
		"experiment-e\xcc\x81-of-many-words", "experiment-e\xcc\x80-of-many-words"};
	expect(marks, 2, 5, (const char *[]){"…e\xcc\x81-o…", "…e\xcc\x80-o…"});
	static const char *const bytes[] = {
		"experiment-é-of-many-words", "experiment-è-of-many-words"};
	expect(bytes, 2, 3, (const char *[]){"…é…", "…è…"});
}

/* Texts of a few words of many lengths, in every width. */
static void test_any(void **unused)
{
	(void)unused;
	static const char *const word[] = {"gdro", "eta=0.01", "eta=0.1", "k=16", "怒りの声",
		"e\xcc\x81", "a-name-that-is-long", "encoder=wavlm", "=", "…"};
	srand(7);
	for (int trial = 0; trial < 3000; trial++) {
		core_text text[MOST] = {{0}};
		const char *data[MOST];
		size_t n = 1 + (size_t)rand() % MOST, whole = 0;
		for (size_t i = 0; i < n; i++) {
			for (int k = 0, words = rand() % 5; k <= words; k++)
				core_text_add(&text[i], "%s%s", k ? " " : "", word[rand() % 10]);
			data[i] = text[i].data;
			whole = measure(data[i]) > whole ? measure(data[i]) : whole;
		}
		for (size_t width = 0; width <= whole; width++) {
			core_text out[MOST] = {{0}};
			bool apart = cut(data, n, width, out);
			assert_true(apart || width < whole);
			for (size_t i = 0; i < n; i++)
				core_text_free(&out[i]);
		}
		for (size_t i = 0; i < n; i++)
			core_text_free(&text[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_kept),
		cmocka_unit_test(test_any),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
