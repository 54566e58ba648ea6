/* SPDX-License-Identifier: Apache-2.0 */
/* Several label files as one table: lists, maps by split, patterns, different columns. */
#include "corpus.h"

#include <string.h>

#include "base/file.h"
#include "corpus/corpus.h"

static const char *write_text(fv_ctx *ctx, const char *dir, const char *name, const char *text)
{
	const char *path = core_path_join(ctx, dir, name);
	test_ok(ctx, core_file_write(ctx, path, text, strlen(text)));
	return path;
}

/* The second file has its columns in another order and one more; both have their own lines. */
static void columns_are_joined_by_name(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("label_table");
	core_label_source source[] = {
		{NULL, write_text(ctx, dir, "b.csv",
			       "file,emotion,speaker\na.wav,sad,s1\n\n"
			       "b.wav,joy,s2\n")},
		{NULL, write_text(
			       ctx, dir, "a.csv", "speaker,gender,file,emotion\ns3,f,c.wav,sad\n")},
	};
	core_corpus_spec spec = {.n_label_source = 2, .label_source = source};
	core_label_table table;
	test_ok(ctx, core_label_table_read(ctx, &spec, 0, &table));
	assert_int_equal(table.csv.n_rows, 3);
	assert_int_equal(table.csv.n_columns, 4);
	static const char *const header[] = {"file", "emotion", "speaker", "gender"};
	static const char *const cell[3][4] = {{"a.wav", "sad", "s1", ""},
		{"b.wav", "joy", "s2", ""}, {"c.wav", "sad", "s3", "f"}};
	static const int64_t line[] = {2, 4, 2};
	for (int j = 0; j < 4; j++)
		assert_string_equal(table.csv.header[j], header[j]);
	for (int i = 0; i < 3; i++) {
		assert_string_equal(table.path[i], source[i / 2].path);
		assert_int_equal(table.csv.line[i], line[i]);
		for (int j = 0; j < 4; j++)
			assert_string_equal(core_csv_cell(&table.csv, i, j), cell[i][j]);
	}
	core_ctx_free(ctx);
}

static void patterns_are_sorted(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("label_pattern");
	write_text(ctx, dir, "part2.csv", "file,emotion\nb,joy\n");
	write_text(ctx, dir, "part10.csv", "file,emotion\na,sad\n");
	core_corpus_spec spec = {.labels = core_path_join(ctx, dir, "part*.csv")};
	core_label_table table;
	test_ok(ctx, core_label_table_read(ctx, &spec, 0, &table));
	assert_int_equal(table.files.n, 2);
	assert_string_equal(core_path_base(table.files.path[0]), "part10.csv");
	assert_string_equal(core_csv_cell(&table.csv, 1, 0), "b");
	spec.labels = core_path_join(ctx, dir, "teil*.csv");
	test_fails(ctx, core_label_table_read(ctx, &spec, 0, &table), FV_CONFIG,
		"corpus.labels: no file matches '");
	core_ctx_free(ctx);
}

/* Splits by file, two further test sets in the order of their names, and a speaker in two. */
static void files_give_splits(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("label_map");
	core_label_source source[] = {
		{"training", write_text(ctx, dir, "1.csv",
				     "file,emotion,speaker\na,sad,s1\nb,joy,s1\n")},
		{"Dev", write_text(ctx, dir, "2.csv", "file,emotion,speaker\nc,sad,s2\n")},
		{"test", write_text(ctx, dir, "3.csv", "file,emotion,speaker\nd,sad,s3\n")},
		{"wild", write_text(ctx, dir, "4.csv", "file,emotion,speaker\ne,sad,s3\n")},
		{"noisy", write_text(ctx, dir, "5.csv", "file,emotion,speaker\nf,sad,s4\n")},
	};
	core_corpus_spec spec = {
		.n_label_source = 5, .label_source = source, .label_column = "emotion"};
	core_corpus *c;
	test_ok(ctx, core_corpus_read(ctx, &spec, 0, &c));
	assert_int_equal(c->n_sets, 2);
	static const struct {
		const char *stem, *split;
		int32_t number;
	} want[] = {{"a", "train", 0}, {"b", "train", 0}, {"c", "dev", 1}, {"d", "test", 2},
		{"e", "wild", 4}, {"f", "noisy", 3}};
	for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
		int32_t at = test_find_stem(c, want[i].stem);
		assert_int_equal(c->split[at], want[i].number);
		assert_string_equal(core_corpus_split_name(c, c->split[at]), want[i].split);
		assert_string_equal(c->source[at],
			source[c->file_order[at] > 0 ? c->file_order[at] - 1 : 0].path);
	}
	source[4].path = write_text(ctx, dir, "5.csv", "file,emotion,speaker\nf,sad,s1\n");
	test_fails(ctx, core_corpus_read(ctx, &spec, 0, &c), FV_DATA,
		"5.csv:2: speaker 's1' is in noisy here and in train on ");
	core_ctx_free(ctx);
}

/* `eval` is the split that is not there; with both there it is not guessed. */
static void eval_is_not_guessed(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("label_eval");
	static const struct {
		const char *other;
		int32_t split;
	} cases[] = {{"Test", CORE_DEV}, {"valid", CORE_TEST}};
	core_corpus_spec spec = {.label_column = "emotion"};
	core_corpus *c;
	for (size_t i = 0; i < 2; i++) {
		spec.labels = write_text(ctx, dir, "l.csv",
			core_format(ctx,
				"file,emotion,speaker,split\na,sad,1,TRAIN\nb,joy,2,eval\n"
				"c,sad,3,%s\n",
				cases[i].other));
		test_ok(ctx, core_corpus_read(ctx, &spec, 0, &c));
		assert_int_equal(c->split[test_find_stem(c, "b")], cases[i].split);
	}
	spec.labels = write_text(ctx, dir, "l.csv",
		"file,emotion,speaker,split\na,sad,1,train\nb,joy,2,eval\nc,sad,3,dev\nd,sad,4,"
		"test\n");
	test_fails(ctx, core_corpus_read(ctx, &spec, 0, &c), FV_DATA,
		"l.csv:3: split: 'eval' is not Train, Development or Test");
	core_ctx_free(ctx);
}

/* The hash covers the content and splits of all files, not their names. */
static void hash_covers_all_files(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("label_hash");
	const char *a = write_text(ctx, dir, "a.csv", "x\n1\n");
	const char *b = write_text(ctx, dir, "b.csv", "x\n2\n");
	const char *copy = write_text(ctx, dir, "copy.csv", "x\n2\n");
	const struct {
		const char *first, *role, *second;
		bool equal;
	} cases[] = {{a, NULL, b, true}, {a, NULL, copy, true}, {b, NULL, a, false},
		{a, NULL, a, false}, {a, "train", b, false}};
	char want[CORE_SHA256_HEX] = "", got[CORE_SHA256_HEX] = "";
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		core_files files = {0};
		test_ok(ctx, core_files_add(ctx, &files, cases[i].first, cases[i].role));
		test_ok(ctx, core_files_add(ctx, &files, cases[i].second, NULL));
		test_ok(ctx, core_files_sha256(ctx, &files, i ? got : want));
		if (i)
			assert_int_equal(!strcmp(got, want), cases[i].equal);
	}
	core_files one = {0};
	test_ok(ctx, core_files_add(ctx, &one, a, NULL));
	test_ok(ctx, core_files_sha256(ctx, &one, got));
	test_ok(ctx, core_sha256_file(ctx, a, want));
	assert_string_equal(got, want);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_joined_by_name),
		cmocka_unit_test(patterns_are_sorted),
		cmocka_unit_test(files_give_splits),
		cmocka_unit_test(eval_is_not_guessed),
		cmocka_unit_test(hash_covers_all_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
