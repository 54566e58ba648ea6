/* SPDX-License-Identifier: Apache-2.0 */
/* Random streams against published vectors, and the base library. */
#include "support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/nearest.h"
#include "base/number.h"
#include "base/stream.h"
#include "base/utf8.h"

/* Known answers of Philox4x64-10, from the Random123 distribution. */
static void philox_vectors(void **state)
{
	(void)state;
	static const uint64_t zero[4],
		ones[4] = {~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0), ~UINT64_C(0)};
	static const uint64_t want_zero[4] = {UINT64_C(0x16554d9eca36314c),
		UINT64_C(0xdb20fe9d672d0fdc), UINT64_C(0xd7e772cee186176b),
		UINT64_C(0x7e68b68aec7ba23b)};
	static const uint64_t want_ones[4] = {UINT64_C(0x87b092c3013fe90b),
		UINT64_C(0x438c3c67be8d0224), UINT64_C(0x9cc7d7c69cd777b6),
		UINT64_C(0xa09caebf594f0ba0)};
	uint64_t out[4];
	core_philox(zero, zero, out);
	assert_memory_equal(out, want_zero, sizeof out);
	core_philox(ones, ones, out);
	assert_memory_equal(out, want_ones, sizeof out);
}

static void streams_are_named(void **state)
{
	(void)state;
	fv_stream a = core_stream(1, 1, "init", 0, 7), b = core_stream(1, 1, "init", 0, 7);
	fv_stream other[] = {core_stream(2, 1, "init", 0, 7), core_stream(1, 2, "init", 0, 7),
		core_stream(1, 1, "bias", 0, 7), core_stream(1, 1, "init", 1, 7),
		core_stream(1, 1, "init", 0, 8)};
	uint64_t first = fv_next(&a);
	assert_int_equal(first, fv_next(&b));
	for (size_t i = 0; i < sizeof other / sizeof *other; i++)
		assert_int_not_equal(first, fv_next(&other[i]));
}

static void streams_are_uniform(void **state)
{
	(void)state;
	fv_stream stream = core_stream(3, 0, "uniform", 0, 0);
	enum { N = 200000, BINS = 10 };
	int count[BINS] = {0}, below[7] = {0};
	double sum = 0, squares = 0;
	for (int i = 0; i < N; i++) {
		double u = fv_uniform(&stream), n = fv_normal(&stream);
		assert_true(u >= 0 && u < 1);
		count[(int)(u * BINS)]++;
		below[fv_below(&stream, 7)]++;
		sum += n;
		squares += n * n;
	}
	for (int i = 0; i < BINS; i++) /* within 6 standard deviations of a binomial count */
		assert_in_range(count[i], N / BINS - 810, N / BINS + 810);
	for (int i = 0; i < 7; i++)
		assert_in_range(below[i], N / 7 - 940, N / 7 + 940);
	test_close(sum / N, 0, 0.014);
	test_close(squares / N, 1, 0.02);
}

static void files_are_whole(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("files");
	char *path = core_path_join(ctx, dir, "a/b/c.txt"), *data;
	size_t size;
	test_ok(ctx, core_make_dirs(ctx, core_path_dir(ctx, path)));
	test_ok(ctx, core_file_write(ctx, path, "one", 3));
	test_ok(ctx, core_file_write(ctx, path, "three", 5));
	test_ok(ctx, core_file_read(ctx, path, 0, &data, &size));
	assert_int_equal(size, 5);
	assert_string_equal(data, "three");
	test_fails(ctx, core_file_read(ctx, path, 4, &data, &size), FV_DATA,
		"more than the 4 allowed");
	test_fails(ctx, core_file_read(ctx, dir, 0, &data, &size), FV_DATA, "not a regular file");
	core_writer *writer;
	test_ok(ctx, core_writer_open(ctx, path, &writer));
	test_ok(ctx, core_writer_put(ctx, writer, "x", 1));
	core_writer_abandon(writer);
	test_ok(ctx, core_file_read(ctx, path, 0, &data, &size));
	assert_string_equal(data, "three");
	char *missing = core_path_join(ctx, dir, "no/such/file");
	test_fails(ctx, core_file_write(ctx, missing, "x", 1), FV_FAILED, "cannot write");
	core_ctx_free(ctx);
}

static void folds_are_expanded_everywhere(void **state)
{
	(void)state;
	static const char *const cases[][2] = {{"", ""}, {"labels.csv", "labels.csv"},
		{"l_{fold}.csv", "l_12.csv"}, {"a{fold}/b{fold}.npz", "a12/b12.npz"},
		{"{fold}{fold}", "1212"}, {"{fold", "{fold"}, {"{{fold}}", "{12}"}};
	fv_ctx *ctx = test_ctx();
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(core_expand_fold(ctx, cases[i][0], 12), cases[i][1]);
	assert_string_equal(core_expand_fold(ctx, "{fold}", -3), "-3");
	core_ctx_free(ctx);
}

static void sha256_vectors(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	char hex[CORE_SHA256_HEX];
	core_sha256_bytes("abc", 3, hex); /* FIPS 180-2, appendix B.1 */
	assert_string_equal(
		hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	char *path = core_path_join(ctx, test_folder("sha"), "abc");
	test_ok(ctx, core_file_write(ctx, path, "abc", 3));
	test_ok(ctx, core_sha256_file(ctx, path, hex));
	assert_string_equal(
		hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	core_ctx_free(ctx);
}

static void csv_files(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	char *path = core_path_join(ctx, test_folder("csv"), "t.csv");
	core_csv csv;
	test_ok(ctx, core_file_write(ctx, path, "a,b\n1,2\n", 8));
	test_ok(ctx, core_csv_read(ctx, path, &csv));
	assert_int_equal(csv.n_rows, 1);
	assert_int_equal(csv.n_columns, 2);
	assert_int_equal(core_csv_column(&csv, "b"), 1);
	assert_int_equal(core_csv_column(&csv, "c"), -1);
	assert_string_equal(core_csv_cell(&csv, 0, 1), "2");
	core_ctx_free(ctx);
}

static void numbers(void **state)
{
	(void)state;
	double value;
	assert_true(core_parse_double(" 1.5e3 ", &value) && value == 1500.0);
	assert_false(core_parse_double("1,5", &value));
	assert_false(core_parse_double("nan", &value));
	assert_false(core_parse_double("0x10", &value));
	assert_false(core_parse_double("", &value));
}

static void names_and_stems(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	assert_string_equal(core_path_stem(ctx, "x/y/1001_A.v2.WAV"), "1001_A.v2");
	assert_string_equal(core_path_stem(ctx, "a.txt"), "a.txt");
	assert_string_equal(core_path_stem(ctx, ".wav"), ".wav");
	assert_string_equal(core_path_stem(ctx, "MELD/dia0_utt0.MP4"), "dia0_utt0");
	assert_string_equal(core_path_stem(ctx, "x/"), "");
	static const char *const keys[] = {"epochs", "batch", "clip"};
	assert_string_equal(core_find_nearest("epoch", keys, 3), "epochs");
	assert_string_equal(core_find_nearest("bacth", keys, 3), "batch");
	assert_null(core_find_nearest("momentum", keys, 3));
	core_ctx_free(ctx);
}

/* One spelling for each name, however a system or a program writes it. */
static void ids_have_one_spelling(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	static const char *const cases[][2] = {{"a.wav", "a"}, {"./b//c/./a.flac", "b/c/a"},
		{"/data/b/a.wav", "data/b/a"}, {"C:\\data\\b\\a.WAV", "data/b/a"},
		{"C:/data/a.wav", "data/a"}, {"b\\a", "b/a"}, {"C:a.wav", "C:a"},
		{"1:/a.wav", "1:/a"}, {"b/", "b/"}, {"a.tar.gz", "a.tar.gz"},
		{"gru\xcc\x88n/a\xcc\x88.wav", "gr\xc3\xbcn/\xc3\xa4"}, /* decomposed */
		{"gr\xc3\xbcn/\xc3\xa4", "gr\xc3\xbcn/\xc3\xa4"},
		{"\xe1\x84\x80\xe1\x85\xa1.wav", "\xea\xb0\x80"}, /* Hangul */
		{"\xe4.wav", "\xe4"},                             /* Latin-1 stays */
		{"\xef\xac\x81.wav", "\xef\xac\x81"}};            /* a ligature is no two letters */
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(core_path_id(ctx, cases[i][0]), cases[i][1]);
	core_ctx_free(ctx);
}

static void ids_have_parts(void **state)
{
	(void)state;
	assert_int_equal(core_id_count_parts("a"), 1);
	assert_int_equal(core_id_count_parts("b/c/a"), 3);
	assert_string_equal(core_id_suffix("b/c/a", 1), "a");
	assert_string_equal(core_id_suffix("b/c/a", 2), "c/a");
	assert_string_equal(core_id_suffix("b/c/a", 3), "b/c/a");
	assert_string_equal(core_id_suffix("b/c/a", 9), "b/c/a");
	core_id_part c = core_id_find_part("b/cd/a", 1), b = core_id_find_part("b/cd/a", 2);
	assert_int_equal(c.n, 2);
	assert_memory_equal(c.text, "cd", 2);
	assert_null(core_id_find_part("b/cd/a", 3).text);
	assert_true(core_id_compare_parts(c, b) > 0 && core_id_compare_parts(b, c) < 0);
	assert_int_equal(core_id_compare_parts(c, core_id_find_part("cd", 0)), 0);
	assert_true(core_id_compare_parts(core_id_find_part("c", 0), c) < 0);
	assert_true(core_id_compare_parts(core_id_find_part("c", 1), c) < 0);
}

static void messages_and_arrays(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	for (int i = 0; i < 25; i++)
		(void)fv_fail(ctx, i ? FV_FAILED : FV_DATA, "case %d\x1b[31m", i);
	assert_int_equal(core_error_count(ctx), 25);
	assert_int_equal(core_error_status(ctx), FV_DATA);
	assert_string_equal(core_error_line(ctx, 0), "case 0\\x1b[31m");
	assert_non_null(core_error_line(ctx, 19));
	assert_null(core_error_line(ctx, 20));
	core_error_clear(ctx);
	double *a = fv_array(ctx, "ema", FV_F64, 3, 2);
	assert_non_null(a);
	a[5] = 1;
	assert_ptr_equal(a, fv_array(ctx, "ema", FV_F64, 3, 2));
	assert_null(fv_array(ctx, "ema", FV_F64, 2, 3));
	assert_null(core_alloc(ctx, SIZE_MAX / 2, 4));
	core_ctx_free(ctx);
}

static size_t encode_point(uint32_t c, unsigned n, char out[5])
{
	static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
	for (unsigned i = n; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(n == 1 ? c : first[n] | c);
	out[n] = '\0';
	return n;
}

/* Allocates far more than one chunk, so that several are released. */
static void memory_is_released(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	char *kept = core_strdup(ctx, "kept");
	assert_non_null(fv_array(ctx, "first", FV_F32, 3, 1));
	core_mark before = core_ctx_mark(ctx);
	char *first = core_alloc(ctx, 1, 100);
	for (int i = 0; i < 100; i++)
		memset(core_alloc(ctx, 1, 5000), 'x', 5000);
	core_mark inner = core_ctx_mark(ctx);
	assert_non_null(core_alloc(ctx, 1, 1 << 22));
	core_ctx_release(ctx, inner);
	memset(core_alloc(ctx, 1, 1 << 21), 'y', 1 << 21);
	assert_non_null(fv_array(ctx, "second", FV_F32, 3, 1));
	(void)fv_fail(ctx, FV_DATA, "a message stays");
	core_ctx_release(ctx, before);
	assert_string_equal(kept, "kept");
	assert_string_equal(core_error_line(ctx, 0), "a message stays");
	assert_int_equal(core_array_count(ctx), 1);
	char *again = core_alloc(ctx, 1, 100);
	assert_ptr_equal(again, first);
	assert_memory_equal(again, (char[100]){0}, 100);
	core_ctx_free(ctx);
	ctx = test_ctx(); /* a mark in an empty arena */
	before = core_ctx_mark(ctx);
	assert_non_null(core_alloc(ctx, 1, 100));
	core_ctx_release(ctx, before);
	assert_non_null(core_alloc(ctx, 1, 100));
	core_ctx_free(ctx);
}

static void contexts_rejoin(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx(), *aside = core_ctx_aside(ctx);
	(void)fv_fail(aside, FV_DATA, "tried in vain");
	assert_int_equal(core_error_count(ctx), 0);
	assert_int_equal(core_ctx_rejoin(ctx, aside, FV_OK), FV_OK);
	assert_int_equal(core_error_count(ctx), 0);
	aside = core_ctx_aside(ctx);
	(void)fv_fail(aside, FV_DATA, "%s", "one");
	(void)fv_fail(aside, FV_FAILED, "%s", "two");
	test_fails(ctx, core_ctx_rejoin(ctx, aside, FV_DATA), FV_DATA, "one");
	core_ctx_free(ctx);
}

/* Encodes every code point in every length that can hold it: only the shortest form is valid, and
 * surrogates never are. */
static void utf8(void **state)
{
	(void)state;
	static const uint32_t room[] = {0, 0x80, 0x800, 0x10000, 0x200000};
	for (uint32_t c = 1; c < 0x1fffff; c += c < 0x11000 ? 1 : 97)
		for (unsigned n = 1; n <= 4; n++) {
			char text[5], copy[5];
			if (c >= room[n])
				continue;
			encode_point(c, n, text);
			bool want = c >= room[n - 1] && (c < 0xd800 || c > 0xdfff) && c <= 0x10ffff;
			assert_int_equal(core_is_utf8(text), want);
			for (unsigned i = 0; i < n && n > 1;
				i++) { /* replace a byte by one of another kind, or drop it */
				memcpy(copy, text, sizeof copy);
				copy[i] = 'a';
				assert_false(core_is_utf8(copy));
				copy[i] = '\0';
				assert_int_equal(core_is_utf8(copy), i == 0);
			}
		}
	for (int c = 0x80; c < 0x100; c++)
		assert_false(core_is_utf8((char[]){(char)c, '\0'}));
}

static void longest_names(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	char name[256];
	memset(name, 'n', 255);
	name[255] = '\0';
	char *path = core_path_join(ctx, test_folder("names"), name), *data;
	size_t size;
	test_ok(ctx, core_file_write(ctx, path, "text", 4));
	test_ok(ctx, core_file_read(ctx, path, 0, &data, &size));
	assert_string_equal(data, "text");
	core_ctx_free(ctx);
}

static void folders(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = core_strdup(ctx, test_folder("base-folders")), **names;
	static const char *const made[] = {"b", "a", "B"};
	size_t n;
	for (size_t i = 0; i < 3; i++)
		test_ok(ctx, core_file_write(ctx, core_path_join(ctx, dir, made[i]), "", 0));
	test_ok(ctx, core_list_folder(ctx, dir, &names, &n));
	assert_int_equal(n, 5); /* with . and .. */
	assert_string_equal(names[2], "B");
	assert_string_equal(names[4], "b");
	dir = core_path_join(ctx, dir, "none");
	assert_int_equal(core_list_folder(ctx, dir, &names, &n), FV_DATA);
	assert_string_equal(
		core_error_line(ctx, 0), core_format(ctx, "%s: No such file or directory", dir));
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(philox_vectors),
		cmocka_unit_test(streams_are_named),
		cmocka_unit_test(streams_are_uniform),
		cmocka_unit_test(files_are_whole),
		cmocka_unit_test(folds_are_expanded_everywhere),
		cmocka_unit_test(sha256_vectors),
		cmocka_unit_test(csv_files),
		cmocka_unit_test(numbers),
		cmocka_unit_test(names_and_stems),
		cmocka_unit_test(ids_have_one_spelling),
		cmocka_unit_test(ids_have_parts),
		cmocka_unit_test(messages_and_arrays),
		cmocka_unit_test(memory_is_released),
		cmocka_unit_test(contexts_rejoin),
		cmocka_unit_test(utf8),
		cmocka_unit_test(longest_names),
		cmocka_unit_test(folders),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
