/* SPDX-License-Identifier: Apache-2.0 */
/* NumPy's .npy: types, byte orders, layouts and versions read as what they hold; every rule has a file that breaks it; what
 * we write is what we read. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/checkpoint.h>

#include "base/file.h"
#include "base/stream.h"
#include "base/text.h"
#include "checkpoint/npy_write.h"
#include "npy_files.h"
#include "torch_files.h"

static void reads_every_layout(void **state)
{
	(void)state;
	static const float f4[6] = {1, 2, 3, 4, 5, -6}, f4_columns[6] = {1, 4, 2, 5, 3, -6};
	static const double f8[6] = {1, 2, 3, 4, 5, -6};
	static const unsigned char f4_big[24] = {0x3f, 0x80, 0, 0, 0x40, 0, 0, 0, 0x40, 0x40, 0, 0,
		0x40, 0x80, 0, 0, 0x40, 0xa0, 0, 0, 0xc0, 0xc0, 0, 0};
	static const unsigned char f2[12] = {0, 0x3c, 0, 0x40, 0, 0x42, 0, 0x44, 0, 0x45, 0, 0xc6};
	static const unsigned char f2_big_columns[12] = {
		0x3c, 0, 0x44, 0, 0x40, 0, 0x45, 0, 0x42, 0, 0xc6, 0};
	static const struct {
		int version;
		const char *dict;
		const void *data;
		size_t size;
		const char *dtype;
	} cases[] = {
		{1, DICT("<f4", "False", "(2, 3)"), f4, 24, "F32"},
		{2, DICT("<f4", "False", "(2, 3)"), f4, 24, "F32"},
		{3, DICT("<f4", "False", "(2, 3)"), f4, 24, "F32"},
		{1, "{\"shape\":(2,3),\"fortran_order\":False,\"descr\":\"<f4\"}", f4, 24, "F32"},
		{1, DICT("<f4", "False", "(2L, 3L)"), f4, 24, "F32"},
		{1, DICT("<f4", "True", "(2, 3)"), f4_columns, 24, "F32"},
		{1, DICT(">f4", "False", "(2, 3)"), f4_big, 24, "F32"},
		{1, DICT("<f8", "False", "(2, 3)"), f8, 48, "F64"},
		{1, DICT("<f2", "False", "(2, 3)"), f2, 12, "F16"},
		{1, DICT(">f2", "True", "(2, 3)"), f2_big_columns, 12, "F16"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fv_ctx *ctx = test_ctx();
		core_text bytes = {0};
		fv_checkpoint *file;
		float got[6];
		test_add_array(
			&bytes, cases[i].version, cases[i].dict, cases[i].data, cases[i].size);
		test_ok(ctx, test_open_npy(ctx, "a.npy", &bytes, &file));
		assert_string_equal(fv_checkpoint_container(file), "npy");
		assert_int_equal(fv_checkpoint_count(file), 1);
		const fv_tensor *t = fv_checkpoint_find(file, "array");
		assert_non_null(t);
		assert_string_equal(t->dtype, cases[i].dtype);
		assert_int_equal(t->rank, 2);
		assert_int_equal(t->shape[0], 2);
		assert_int_equal(t->shape[1], 3);
		test_ok(ctx, fv_tensor_to_f32(ctx, t, got));
		assert_memory_equal(got, f4, sizeof got);
		fv_checkpoint_close(file);
		core_text_free(&bytes);
		core_ctx_free(ctx);
	}
}

/* Three dimensions in Fortran's order: element [i,j,k] is i + 2 j + 6 k in the file. */
static void turns_three_dimensions(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_text bytes = {0};
	fv_checkpoint *file;
	int32_t data[24];
	for (int i = 0; i < 24; i++)
		data[i] = i;
	test_add_array(&bytes, 1, DICT("<i4", "True", "(2, 3, 4)"), data, sizeof data);
	test_ok(ctx, test_open_npy(ctx, "a.npy", &bytes, &file));
	const fv_tensor *t = fv_checkpoint_at(file, 0);
	assert_string_equal(t->dtype, "I32");
	memcpy(data, t->data, sizeof data);
	for (int i = 0; i < 2; i++)
		for (int j = 0; j < 3; j++)
			for (int k = 0; k < 4; k++)
				assert_int_equal(data[(i * 3 + j) * 4 + k], i + 2 * j + 6 * k);
	fv_checkpoint_close(file);
	core_text_free(&bytes);
	core_ctx_free(ctx);
}

/* A NUL in a text does not end it. */
static void refuses_nul_in_texts(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_text bytes = {0};
	fv_checkpoint *file;
	test_add_array(&bytes, 1, DICT("<f4", "False", "(1,)"), "\0\0\0", 4);
	char *type = memmem(bytes.data, bytes.size, "<f4'", 4);
	memcpy(type, "f4\0", 3);
	test_fails(ctx, test_open_npy(ctx, "a.npy", &bytes, &file), FV_DATA,
		"header: descr is no type");
	core_text_free(&bytes);
	core_ctx_free(ctx);
}

static void refuses_broken_arrays(void **state)
{
	(void)state;
	static const struct {
		const char *dict;
		size_t size;
		const char *message;
	} cases[] = {
		{DICT("|O", "False", "(1,)"), 4, "objects: it holds Python objects (dtype object)"},
		{"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", 4,
			"type: a structured array (several fields)"},
		{DICT("<c8", "False", "(1,)"), 8, "type: '<c8' is not supported: save float32"},
		{DICT("<M8[ns]", "False", "(1,)"), 8, "type: '<M8[ns]' is not supported"},
		{DICT("<f16", "False", "(1,)"), 16, "type: 'f16' is not supported: save float32"},
		{DICT("<f", "False", "(1,)"), 4, "type: '<f' is not supported"},
		{DICT("<f4", "False", "(2,)"), 4,
			"size: 2 elements of 4 bytes do not fit the 4 bytes that follow: the file "
			"is "
			"cut short"},
		{DICT("<f4", "False", "(1,)"), 8,
			"size: 1 elements of 4 bytes do not fit the 8 bytes that follow"},
		{DICT("<f4", "False", "(-1,)"), 4, "shape: a dimension is no number"},
		{DICT("<f4", "False", "(1, x)"), 4, "shape: a dimension is no number"},
		{DICT("<f4", "False", "1"), 4, "shape: shape is no tuple"},
		{DICT("<f4", "False", "(1)"), 4, "shape: shape is no tuple"},
		{DICT("<f4", "False", "(1 2)"), 8,
			"shape: a dimension is followed by neither , nor )"},
		{DICT("<f4", "False", "(01,)"), 4, "shape: a dimension is no number"},
		{DICT("<f4", "False", "(9223372036854775808,)"), 4,
			"shape: a dimension is too large"},
		{DICT("<f4", "False", "(4294967296, 4294967296)"), 4,
			"shape: more elements than can be counted"},
		{DICT("<f4", "False", "(4611686018427387904,)"), 4, "size: 4611686018427387904 "},
		{DICT("<f4", "False", "(1,1,1,1,1,1,1,1,1)"), 4, "shape: more than 8 dimensions"},
		{DICT("<f4", "Maybe", "(1,)"), 4,
			"header: fortran_order is neither True nor False"},
		{"{'descr': '<f4', 'shape': (1,)}", 4, "header: it does not end after descr"},
		{"{'descr': '<f4', 'descr': '<f4'}", 4, "header: a key other than descr"},
		{"{'descr': '<f4', 'pickle': 1}", 4, "header: a key other than descr"},
		{"['descr']", 4, "header: it is no dictionary"},
		{"{'descr': '<f4' 'shape': (1,)}", 4, "header: a value is followed by neither"},
		{"", 4, "header: it is no dictionary"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fv_ctx *ctx = test_ctx();
		core_text bytes = {0};
		fv_checkpoint *file;
		static const char zero[64];
		test_add_array(&bytes, 1, cases[i].dict, zero, cases[i].size);
		test_fails(
			ctx, test_open_npy(ctx, "a.npy", &bytes, &file), FV_DATA, cases[i].message);
		/* in an archive, with the array's name */
		core_text_free(&bytes);
		core_ctx_free(ctx);
	}
	fv_ctx *ctx = test_ctx();
	core_text bytes = {0};
	fv_checkpoint *file;
	core_text_put(&bytes, "\x93NUMPY\4\0\2\0{}", 12);
	test_fails(ctx, test_open_npy(ctx, "a.npy", &bytes, &file), FV_DATA,
		"magic: not an array of NumPy's format 1, 2 or 3");
	bytes.data[6] = 1;
	bytes.data[8] = 3;
	test_fails(ctx, test_open_npy(ctx, "a.npy", &bytes, &file), FV_DATA,
		"header: it reaches past the end: the file is cut short");
	bytes.data[6] = 3;
	test_fails(ctx, test_open_npy(ctx, "a.npy", &bytes, &file), FV_DATA,
		"header: it reaches past");
	core_text_free(&bytes);
	core_ctx_free(ctx);
}

static void reads_what_it_writes(void **state)
{
	(void)state;
	enum { N = 300 };
	fv_ctx *ctx = test_ctx();
	core_tensor_out out[N];
	float *data = core_alloc(ctx, N * 12, sizeof *data);
	fv_stream stream = fv_rng_seeded(3, "npz", 0, 0);
	for (int i = 0; i < N * 12; i++)
		data[i] = (float)fv_normal(&stream);
	for (int i = 0; i < N; i++)
		out[i] = (core_tensor_out){core_format(ctx, "d/%d", N - i), "F32", 3,
			{2, 1 + i % 3, 2}, data + 12 * i};
	const char *path = test_npy_path(ctx, "w.npz");
	test_ok(ctx, core_npz_write(ctx, path, out, N));
	fv_checkpoint *file;
	test_ok(ctx, fv_checkpoint_open(ctx, path, &file));
	assert_int_equal(fv_checkpoint_count(file), N);
	for (int i = 0; i < N; i++) {
		const fv_tensor *t = fv_checkpoint_find(file, out[i].name);
		assert_non_null(t);
		assert_int_equal(t->rank, 3);
		assert_memory_equal(t->shape, out[i].shape, 3 * sizeof *t->shape);
		assert_memory_equal(t->data, out[i].data, (size_t)t->count * sizeof(float));
	}
	fv_checkpoint_close(file);
	out[1].name = out[0].name;
	test_fails(ctx, core_npz_write(ctx, path, out, N), FV_DATA, "two arrays named 'd/300'");
	out[1].name = "";
	test_fails(ctx, core_npz_write(ctx, path, out, N), FV_DATA,
		"'' cannot be the name of an array");
	out[1].name = "a\nb";
	test_fails(ctx,
		core_npy_write(
			ctx, test_npy_path(ctx, "w.npy"), test_npy_path(ctx, "w.txt"), out, 2),
		FV_DATA, "w.txt: 'a\\x0ab' cannot be one line of a list");
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_layout),
		cmocka_unit_test(turns_three_dimensions),
		cmocka_unit_test(refuses_nul_in_texts),
		cmocka_unit_test(refuses_broken_arrays),
		cmocka_unit_test(reads_what_it_writes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
