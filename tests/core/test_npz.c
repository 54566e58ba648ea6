/* SPDX-License-Identifier: Apache-2.0 */
/* NumPy's .npz: archives of arrays are read, and every rule has a file that breaks it. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/checkpoint.h>
#include <zlib.h>

#include "base/file.h"
#include "base/text.h"
#include "npy_files.h"
#include "torch_files.h"

struct member {
	const char *name; /* with .npy */
	const char *dict;
	const void *data;
	size_t size;
};

struct places {
	size_t local, data, central, end; /* of the last member, and the end record */
};

static void deflate_bytes(core_text *out, const core_text *bytes)
{
	uLong size = compressBound(bytes->size) + 64;
	unsigned char *packed = malloc(size);
	z_stream z = {.next_in = (unsigned char *)bytes->data,
		.avail_in = (uInt)bytes->size,
		.next_out = packed,
		.avail_out = (uInt)size};
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	core_text_put(out, (char *)packed, z.total_out);
	deflateEnd(&z);
	free(packed);
}

static void add_record(core_text *out, core_text *central, const struct member *m, bool deflated,
	struct places *places)
{
	core_text array = {0}, packed = {0};
	test_add_array(&array, 1, m->dict, m->data, m->size);
	if (deflated)
		deflate_bytes(&packed, &array);
	else
		core_text_put(&packed, array.data, array.size);
	uint32_t crc = (uint32_t)crc32(0, (unsigned char *)array.data, (uInt)array.size);
	places->local = out->size;
	places->central = central->size;
	for (int at = 0; at < 2; at++) { /* local header, then directory */
		core_text *to = at ? central : out;
		core_text_put(to, at ? "PK\1\2" : "PK\3\4", 4);
		test_add_little(to, 20, at ? 4 : 2);
		test_add_little(to, 0, 2);
		test_add_little(to, deflated ? 8 : 0, 2);
		test_add_little(to, 0, 4);
		test_add_little(to, crc, 4);
		test_add_little(to, packed.size, 4);
		test_add_little(to, array.size, 4);
		test_add_little(to, strlen(m->name), 2);
		test_add_little(to, 0, 2);
		if (at) {
			test_add_little(to, 0, 8);
			test_add_little(to, 0, 2);
			test_add_little(to, places->local, 4);
		}
		core_text_put(to, m->name, strlen(m->name));
		if (!at) {
			places->data = out->size;
			core_text_put(out, packed.data, packed.size);
		}
	}
	core_text_free(&array);
	core_text_free(&packed);
}

static struct places add_archive(
	core_text *out, const struct member *member, size_t n, bool deflated)
{
	struct places places = {0};
	core_text central = {0};
	for (size_t i = 0; i < n; i++)
		add_record(out, &central, &member[i], deflated, &places);
	size_t begin = out->size;
	places.central += begin;
	core_text_put(out, central.data, central.size);
	places.end = out->size;
	core_text_put(out, "PK\5\6\0\0\0\0", 8);
	test_add_little(out, n, 2);
	test_add_little(out, n, 2);
	test_add_little(out, central.size, 4);
	test_add_little(out, begin, 4);
	test_add_little(out, 0, 2);
	core_text_free(&central);
	return places;
}

static const float four[4] = {1, 2, 3, 4};

static void check_tensor(
	fv_ctx *ctx, const fv_checkpoint *file, const char *name, const float *want, int64_t n)
{
	float got[8];
	const fv_tensor *t = fv_checkpoint_find(file, name);
	if (!t)
		fail_msg("no tensor %s", name);
	assert_int_equal(t->count, n);
	test_ok(ctx, fv_tensor_to_f32(ctx, t, got));
	assert_memory_equal(got, want, (size_t)n * sizeof *got);
}

static void reads_archives(void **state)
{
	(void)state;
	static const double wide[4] = {1, 2, 3, 4};
	const struct member members[] = {{"b.npy", DICT("<f4", "False", "(2, 2)"), four, 16},
		{"DC/a.wav.npy", DICT("<f8", "False", "(4,)"), wide, 32},
		{"\xc3\xa4.npy", DICT("<f4", "False", "(1, 2, 2)"), four, 16}};
	for (int deflated = 0; deflated < 2; deflated++) {
		fv_ctx *ctx = test_ctx();
		core_text bytes = {0};
		fv_checkpoint *file;
		add_archive(&bytes, members, 3, deflated);
		test_ok(ctx, test_open_npy(ctx, "a.npz", &bytes, &file));
		assert_string_equal(fv_checkpoint_container(file), "npz");
		assert_int_equal(fv_checkpoint_count(file), 3);
		check_tensor(ctx, file, "b", four, 4);
		check_tensor(ctx, file, "DC/a.wav", four, 4);
		check_tensor(ctx, file, "\xc3\xa4", four, 4);
		assert_int_equal(fv_checkpoint_find(file, "\xc3\xa4")->rank, 3);
		fv_checkpoint_close(file);
		core_text_free(&bytes);
		core_ctx_free(ctx);
	}
}

/* Names in UTF-32 and in bytes, both byte orders; rows in Fortran's order. */
static void reads_rows_by_name(void **state)
{
	(void)state;
	static const uint32_t texts[] = {'a', '/', 'b', 0xe4, 0, 0};
	static const unsigned char texts_big[] = {
		0, 0, 0, 'a', 0, 0, 0, '/', 0, 0, 0, 'b', 0, 0, 0, 0xe4, 0, 0, 0, 0, 0, 0, 0, 0};
	static const float columns[4] = {1, 3, 2, 4};
	static const struct {
		struct member names, values;
	} cases[] = {
		{{"names.npy", DICT("<U3", "False", "(2,)"), texts, 24},
			{"features.npy", DICT("<f4", "False", "(2, 2)"), four, 16}},
		{{"id.npy", DICT(">U3", "False", "(2,)"), texts_big, 24},
			{"x.npy", DICT("<f4", "True", "(2, 2)"), columns, 16}},
		{{"id.npy", DICT("|S3", "False", "(2,)"), "a/b\xc3\xa4\0", 6},
			{"x.npy", DICT("<f4", "False", "(2, 1, 2)"), four, 16}},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fv_ctx *ctx = test_ctx();
		core_text bytes = {0};
		fv_checkpoint *file;
		const struct member members[] = {cases[i].values, cases[i].names};
		add_archive(&bytes, members, 2, i == 1);
		test_ok(ctx, test_open_npy(ctx, "a.npz", &bytes, &file));
		assert_int_equal(fv_checkpoint_count(file), 2);
		check_tensor(ctx, file, "a/b", four, 2);
		check_tensor(ctx, file, "\xc3\xa4", four + 2, 2);
		fv_checkpoint_close(file);
		core_text_free(&bytes);
		core_ctx_free(ctx);
	}
}

static void refuses_wrong_texts(void **state)
{
	(void)state;
	static const uint32_t surrogate[2] = {'a', 0xd800};
	const struct member two = {"features.npy", DICT("<f4", "False", "(2, 2)"), four, 16};
	const struct {
		struct member member[3];
		size_t n;
		const char *message;
	} cases[] = {
		{{two, {"names.npy", DICT("|S1", "False", "(3,)"), "abc", 3}}, 2,
			"array 'names' does not hold one name for each row of array 'features'"},
		{{two, {"names.npy", DICT("|S1", "False", "(2, 1)"), "ab", 2}}, 2,
			"array 'names' does not hold one name for each row"},
		{{two, {"names.npy", DICT("|S1", "False", "(2,)"), "aa", 2}}, 2,
			"duplicate name: 'a' appears twice"},
		{{two, {"names.npy", DICT("|S1", "False", "(2,)"), "a\xff", 2}}, 2,
			"array 'names': byte 72: texts: text 1 is not UTF-8"},
		{{two, {"names.npy", DICT("<U1", "False", "(2,)"), surrogate, 8}}, 2,
			"texts: text 1 has a character that is none"},
		{{two, {"a.npy", DICT("|S1", "False", "(2,)"), "ab", 2},
			 {"b.npy", DICT("|S1", "False", "(2,)"), "cd", 2}},
			3,
			"several arrays of texts or numbers: call that of the recordings' names"},
		{{{"a.npy", DICT("|S1", "False", "(2,)"), "ab", 2}}, 1,
			"several arrays of texts or numbers"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fv_ctx *ctx = test_ctx();
		core_text bytes = {0};
		fv_checkpoint *file;
		add_archive(&bytes, cases[i].member, cases[i].n, false);
		test_fails(
			ctx, test_open_npy(ctx, "a.npz", &bytes, &file), FV_DATA, cases[i].message);
		core_text_free(&bytes);
		core_ctx_free(ctx);
	}
}

/* One byte of an archive is changed at a time. */
static void refuses_broken_archives(void **state)
{
	(void)state;
	const struct member m = {"a.npy", DICT("<f4", "False", "(2, 2)"), four, 16};
	const struct member object = {"meta.npy", DICT("|O", "False", "(1,)"), four, 4};
	const struct member other = {"a.txt", DICT("<f4", "False", "(2, 2)"), four, 16};
	enum { LOCAL, DATA, CENTRAL, END };
	static const struct {
		int where;
		size_t at;
		unsigned char value;
		const char *message;
		bool deflated;
	} cases[] = {
		{CENTRAL, 8, 1, "flags: the record is encrypted", false},
		{CENTRAL, 8, 0x40, "flags: the record is encrypted", false},
		{CENTRAL, 8, 0x20, "flags: the record is a patch of another", false},
		{CENTRAL, 6, 144, "version: 14.4 of the zip format, which is not known", false},
		{CENTRAL, 10, 12, "method: 12: only stored and deflated records are read", false},
		{CENTRAL, 16, 0x5a, "CRC: array 'a' is damaged", false},
		{DATA, 80, 0x5a, "CRC: array 'a' is damaged", false},
		{CENTRAL, 20, 1, "size: array 'a': a stored record", false},
		{CENTRAL, 21, 1, "size: the data reach past the central directory", false},
		{CENTRAL, 42, 1, "local header: differs from the central directory", false},
		{CENTRAL, 45, 1, "local header: outside the file", false},
		{LOCAL, 30, 'x', "local header: differs from the central directory", false},
		{CENTRAL, 0, 'x', "count: expected an entry of the central directory", false},
		{END, 0, 'x', "end record: not found: the file is cut short", false},
		{END, 10, 2, "count: 2 records do not fit the directory", false},
		{END, 16, 0, "end record: the central directory does not end where", false},
		{DATA, 1, 0xff, "deflate: array 'a': the data are damaged", true},
		{CENTRAL, 24, 0, "deflate: array 'a': the data are damaged", true},
		{CENTRAL, 27, 0x7f, "size: ", true},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fv_ctx *ctx = test_ctx();
		core_text bytes = {0};
		fv_checkpoint *file;
		struct places p = add_archive(&bytes, &m, 1, cases[i].deflated);
		const size_t from[] = {p.local, p.data, p.central, p.end};
		bytes.data[from[cases[i].where] + cases[i].at] = (char)cases[i].value;
		test_fails(
			ctx, test_open_npy(ctx, "a.npz", &bytes, &file), FV_DATA, cases[i].message);
		core_text_free(&bytes);
		core_ctx_free(ctx);
	}
	fv_ctx *ctx = test_ctx();
	core_text bytes = {0};
	fv_checkpoint *file;
	add_archive(&bytes, (const struct member[]){m, object}, 2, false);
	test_fails(ctx, test_open_npy(ctx, "a.npz", &bytes, &file), FV_DATA,
		"a.npz: array 'meta': byte 24: objects: it holds Python objects");
	bytes.size = 0;
	add_archive(&bytes, (const struct member[]){m, other}, 2, false);
	test_fails(ctx, test_open_npy(ctx, "a.npz", &bytes, &file), FV_DATA,
		"name: record 'a.txt' is no array (.npy)");
	bytes.size = 0;
	add_archive(&bytes, (const struct member[]){m, m}, 2, false);
	test_fails(ctx, test_open_npy(ctx, "a.npz", &bytes, &file), FV_DATA,
		"duplicate name: 'a' appears twice");
	core_text_free(&bytes);
	core_ctx_free(ctx);
}

/* Checks an archive; message NULL: it holds one array. */
static void check_archive(const core_text *bytes, const char *message)
{
	fv_ctx *ctx = test_ctx();
	fv_checkpoint *file;
	fv_status status = test_open_npy(ctx, "a.npz", bytes, &file);
	if (message) {
		test_fails(ctx, status, FV_DATA, message);
	} else {
		test_ok(ctx, status);
		check_tensor(ctx, file, "a", four, 4);
		fv_checkpoint_close(file);
	}
	core_ctx_free(ctx);
}

static void set_little(core_text *bytes, size_t at, uint64_t value, int n)
{
	for (int i = 0; i < n; i++)
		bytes->data[at + (size_t)i] = (char)(value >> (8 * i));
}

/* What stands in the zip64 end record, and where its locator says that it is. */
static void checks_wide_ends(void **state)
{
	(void)state;
	const struct member m = {"a.npy", DICT("<f4", "False", "(2, 2)"), four, 16};
	enum { END64 = 56, LOCATOR = 20, NONE = -1000 };
	static const struct {
		int shift; /* of where the locator points */
		char signature;
		const char *message;
	} cases[] = {
		{0, '\6', NULL},
		{-1, '\6', "end record: the zip64 end record is not where its locator says"},
		{1, '\6', "end record: the zip64 end record is not where its locator says"},
		{END64 + 1, '\6', "end record: the zip64 end record is not where"},
		{1 << 30, '\6', "end record: the zip64 end record is not where"},
		{0, '\7', "end record: the zip64 end record is not where"},
		{NONE, '\6', "end record: the zip64 end record is missing"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		core_text plain = {0}, bytes = {0};
		struct places p = add_archive(&plain, &m, 1, false);
		core_text_put(&bytes, plain.data, p.end);
		if (cases[i].shift != NONE) {
			core_text_put(&bytes, "PK\6", 3);
			core_text_put(&bytes, &cases[i].signature, 1);
			test_add_little(&bytes, END64 - 12, 8);
			test_add_little(&bytes, 0, 12);
			test_add_little(&bytes, 1, 8);
			test_add_little(&bytes, 1, 8);
			test_add_little(&bytes, p.end - p.central, 8);
			test_add_little(&bytes, p.central, 8);
			core_text_put(&bytes, "PK\6\7\0\0\0\0", 8);
			test_add_little(&bytes, p.end + (uint64_t)cases[i].shift, 8);
			test_add_little(&bytes, 1, 4);
		}
		core_text_put(&bytes, plain.data + p.end, plain.size - p.end);
		set_little(&bytes, bytes.size - 12, UINT16_MAX, 2);
		set_little(&bytes, bytes.size - 10, UINT32_MAX, 4);
		set_little(&bytes, bytes.size - 6, UINT32_MAX, 4);
		check_archive(&bytes, cases[i].message);
		core_text_free(&plain);
		core_text_free(&bytes);
	}
}

/* Sizes of 64 bits in the directory. */
static void checks_wide_sizes(void **state)
{
	(void)state;
	const struct member m = {"a.npy", DICT("<f4", "False", "(2, 2)"), four, 16};
	static const struct {
		const char *extra;
		size_t n;
		const char *message;
	} cases[] = {
		{"\2\0\3\0abc", 7, NULL},
		{"\2\0\4\0abc", 7, "size: an extra field is cut short"},
		{"\1\0\10\0\0\0\0\0\1\0\0\0", 12,
			"size: array 'a': more than 4 GiB deflated: save it with numpy.savez"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		core_text plain = {0}, bytes = {0};
		struct places p = add_archive(&plain, &m, 1, true);
		core_text_put(&bytes, plain.data, p.end);
		core_text_put(&bytes, cases[i].extra, cases[i].n);
		core_text_put(&bytes, plain.data + p.end, plain.size - p.end);
		set_little(&bytes, p.central + 30, cases[i].n, 2);
		set_little(&bytes, bytes.size - 10, p.end - p.central + cases[i].n, 4);
		if (cases[i].extra[0] == 1)
			set_little(&bytes, p.central + 24, UINT32_MAX, 4);
		check_archive(&bytes, cases[i].message);
		core_text_free(&plain);
		core_text_free(&bytes);
	}
}

/* Two entries of one record: together they have more bytes than the file. */
static void refuses_overlaps(void **state)
{
	(void)state;
	static const float zero[64];
	const struct member members[] = {{"a.npy", DICT("<f4", "False", "(64,)"), zero, 256},
		{"b.npy", DICT("<f4", "False", "(4,)"), four, 16}};
	core_text bytes = {0};
	struct places p = add_archive(&bytes, members, 2, false);
	size_t one = p.end - p.central;
	memcpy(bytes.data + p.central, bytes.data + p.central - one, one);
	check_archive(&bytes, "size: records overlap");
	core_text_free(&bytes);
}

static void refuses_names(void **state)
{
	(void)state;
	core_text bytes = {0};
	struct member m = {"\xff.npy", DICT("<f4", "False", "(2, 2)"), four, 16};
	add_archive(&bytes, &m, 1, false);
	check_archive(&bytes, "name: it is not UTF-8 without NUL");
	bytes.size = 0;
	m.name = "abc.npy";
	struct places p = add_archive(&bytes, &m, 1, false);
	bytes.data[p.local + 31] = bytes.data[p.central + 47] = '\0';
	check_archive(&bytes, "name: it is not UTF-8 without NUL");
	core_text_free(&bytes);
}

/* Cut off anywhere, a file is refused. */
static void refuses_any_cut(void **state)
{
	(void)state;
	const struct member m = {"a.npy", DICT("<f4", "False", "(2, 2)"), four, 16};
	for (int deflated = 0; deflated < 2; deflated++) {
		core_text bytes = {0};
		add_archive(&bytes, &m, 1, deflated);
		for (size_t n = 1; n < bytes.size; n++) {
			fv_ctx *ctx = test_ctx();
			fv_checkpoint *file;
			const core_text cut = {.data = bytes.data, .size = n};
			assert_int_equal(test_open_npy(ctx, "a.npz", &cut, &file), FV_DATA);
			core_ctx_free(ctx);
		}
		core_text_free(&bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_archives),
		cmocka_unit_test(reads_rows_by_name),
		cmocka_unit_test(refuses_wrong_texts),
		cmocka_unit_test(refuses_broken_archives),
		cmocka_unit_test(checks_wide_ends),
		cmocka_unit_test(checks_wide_sizes),
		cmocka_unit_test(refuses_overlaps),
		cmocka_unit_test(refuses_names),
		cmocka_unit_test(refuses_any_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
