/* SPDX-License-Identifier: Apache-2.0 */
/* safetensors: each rule is tested with a file that just keeps it and one that just breaks it;
 * then damaged headers and files we write ourselves. */
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fairvox/checkpoint.h>

#include "base/file.h"
#include "base/stream.h"
#include "base/text.h"
#include "checkpoint/safetensors_write.h"

static void reads_metadata(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	fv_checkpoint *file;
	test_ok(ctx,
		fv_checkpoint_open(ctx, test_golden("containers/st_order.safetensors"), &file));
	assert_string_equal(fv_checkpoint_meta(file, "format"), "pt");
	assert_string_equal(fv_checkpoint_meta(file, "note"), "tab\there");
	assert_string_equal(fv_checkpoint_meta(file, ""), "");
	assert_null(fv_checkpoint_meta(file, "other"));
	fv_checkpoint_close(file);
	core_ctx_free(ctx);
}

/* --- one rule at a time --- */

static const char *get_scratch_path(void)
{
	static char path[4200];
	if (!*path)
		snprintf(path, sizeof path, "%s/x.safetensors", test_folder("safetensors"));
	return path;
}

/* Writes the file without the fsync of core_file_write. */
static void write_plain(const void *data, size_t size)
{
	FILE *file = fopen(get_scratch_path(), "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

/* Writes length, header and n zero bytes of data; length 0 means the length of the header. */
static void write_raw(uint64_t length, const char *header, size_t size, size_t n)
{
	unsigned char *bytes = calloc(8 + size + n + 1, 1);
	length = length ? length : size;
	for (int i = 0; i < 8; i++)
		bytes[i] = (unsigned char)(length >> (8 * i));
	memcpy(bytes + 8, header, size);
	write_plain(bytes, 8 + size + n);
	free(bytes);
}

static fv_status open_raw(fv_ctx *ctx)
{
	fv_checkpoint *file = NULL;
	fv_status status = fv_checkpoint_open(ctx, get_scratch_path(), &file);
	fv_checkpoint_close(file);
	return status;
}

#define F32(name, shape, range)                                                                    \
	"\"" name "\":{\"dtype\":\"F32\",\"shape\":[" shape "],\"data_offsets\":[" range "]}"

static const struct {
	const char *header;
	size_t data;
	const char *message; /* NULL: accepted */
} header_rules[] = {
	{"{" F32("a", "2", "0,8") "}", 8, NULL},
	{" {" F32("a", "2", "0,8") "}", 8, "byte 8: JSON: the header must begin with '{'"},
	{"{" F32("a", "2", "0,8") "} \t\r\n", 8, NULL},
	{"{" F32("a", "2", "0,8") "}x", 8, "JSON: text follows"},
	{"{" F32("a", "2", "0,8") ",}", 8, "JSON: expected '\"'"},
	{"{" F32("a", "2", "0,8") "", 8, "JSON: expected ',' or '}'"},
	{"{}", 0, NULL},
	{"{}", 1, "byte 10: data end: 1 bytes follow"},
	{"{" F32("a", "2", "0,8") "}", 9, "data end: 1 bytes follow"},
	{"{" F32("a", "2", "0,8") "}", 7, "byte 9: data end: 'a' ends at byte 8 of 7"},
	{"{" F32("a", "1", "0,4") "," F32("b", "1", "4,8") "}", 8, NULL},
	{"{" F32("b", "1", "4,8") "," F32("a", "1", "0,4") "}", 8, NULL},
	{"{" F32("a", "1", "0,4") "," F32("b", "1", "5,9") "}", 9, "hole: "},
	{"{" F32("a", "1", "1,5") "}", 5, "hole: "},
	{"{" F32("a", "1", "0,4") "," F32("b", "1", "3,7") "}", 7, "overlap: 'b' overlaps 'a'"},
	{"{" F32("a", "1", "0,4") "," F32("b", "0", "4,4") "," F32("c", "1", "4,8") "}", 8, NULL},
	{"{" F32("a", "0", "4,4") "," F32("c", "2", "0,8") "}", 8, "overlap: "},
	{"{" F32("a", "1", "0,4") "," F32("a", "1", "4,8") "}", 8, "duplicate key: 'a'"},
	{"{" F32("a", "1", "0,4") "," F32("\\u0061", "1", "4,8") "}", 8, "duplicate key: 'a'"},
	{"{\"__metadata__\":{\"k\":\"v\",\"l\":\"v\"}," F32("a", "1", "0,4") "}", 4, NULL},
	{"{\"__metadata__\":{\"k\":\"v\",\"k\":\"w\"}}", 0, "duplicate key: 'k'"},
	{"{\"__metadata__\":{},\"__metadata__\":{}}", 0, "duplicate key: '__metadata__'"},
	{"{\"__metadata__\":{\"k\":1}}", 0, "metadata: "},
	{"{\"__metadata__\":{\"k\":{}}}", 0, "metadata: "},
	{"{\"__metadata__\":[]}", 0, "metadata: "},
	{"{" F32("a", "1,1,1,1,1,1,1,1", "0,4") "}", 4, NULL},
	{"{" F32("a", "1,1,1,1,1,1,1,1,1", "0,4") "}", 4, "bounds: rank above 8"},
	{"{" F32("a", "", "0,4") "}", 4, NULL},
	{"{" F32("a", "0,9223372036854775807", "0,0") "}", 0, NULL},
	{"{" F32("a", "0,9223372036854775808", "0,0") "}", 0, "integer: 2^63 or more"},
	{"{" F32("a", "4294967296,4294967296", "0,0") "}", 0, "overflow: "},
	{"{" F32("a", "4294967296,1073741824", "0,0") "}", 0, "overflow: "},
	{"{" F32("a", "2", "0,4") "}", 8, "size: 'a' needs 8 bytes, but data_offsets span 4"},
	{"{" F32("a", "2", "8,0") "}", 8, "offsets: the start is past the end"},
	{"{" F32("a", "2", "0") "}", 8, "offsets: data_offsets has 1 numbers"},
	{"{" F32("a", "2", "0,8,8") "}", 8, "offsets: data_offsets has 3 numbers"},
	{"{" F32("a", "2", "") "}", 8, "offsets: data_offsets has 0 numbers"},
	{"{" F32("a", "-2", "0,8") "}", 8, "integer: expected a plain decimal"},
	{"{" F32("a", "-0", "0,0") "}", 0, "integer: expected a plain decimal"},
	{"{" F32("a", "+2", "0,8") "}", 8, "integer: expected a plain decimal"},
	{"{" F32("a", "02", "0,8") "}", 8, "integer: expected a plain decimal"},
	{"{" F32("a", "2.0", "0,8") "}", 8, "integer: expected a plain decimal"},
	{"{" F32("a", "2e0", "0,8") "}", 8, "integer: expected a plain decimal"},
	{"{" F32("a", "\"2\"", "0,8") "}", 8, "integer: expected a plain decimal"},
	{"{" F32("a", "[2]", "0,8") "}", 8, "integer: expected a plain decimal"},
	{"{" F32("a", "2 3", "0,8") "}", 8, "JSON: expected ',' or ']'"},
	{"{" F32("a", "2,", "0,8") "}", 8, "integer: expected a plain decimal"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}}", 3, NULL},
	{"{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[3],\"data_offsets\":[0,3]}}", 3,
		"byte 22: dtype: 'F8_E4M3' is not supported"},
	{"{\"a\":{\"dtype\":\"f32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4, "dtype: 'f32'"},
	{"{\"a\":{\"dtype\":3,\"shape\":[],\"data_offsets\":[0,4]}}", 4, "entry fields: "},
	{"{\"a\":{\"shape\":[],\"data_offsets\":[0,4]}}", 4, "entry fields: 'a' has no dtype"},
	{"{\"a\":{\"dtype\":\"U8\",\"data_offsets\":[0,4]}}", 4, "entry fields: 'a' has no shape"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[4]}}", 4, "entry fields: 'a' has no data_offsets"},
	{"{\"a\":{}}", 0, "entry fields: 'a' has no dtype"},
	{"{\"a\":[]}", 0, "entry fields: "},
	{"{\"a\":null}", 0, "entry fields: "},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1],\"x\":1}}", 1,
		"entry fields: unknown field 'x'"},
	{"{\"a\":{\"dtype\":\"U8\",\"shape\":[],\"shape\":[],\"data_offsets\":[0,1]}}", 1,
		"duplicate key: 'shape'"},
	{"{" F32("\xc3\xa9\xf0\x9f\x98\x80", "1", "0,4") "}", 4, NULL},
	{"{" F32("\xc3", "1", "0,4") "}", 4, "UTF-8: "},
	{"{" F32("\xc0\xaf", "1", "0,4") "}", 4, "UTF-8: "},
	{"{" F32("\xed\xa0\x80", "1", "0,4") "}", 4, "UTF-8: "},
	{"{" F32("\xf4\x90\x80\x80", "1", "0,4") "}", 4, "UTF-8: "},
	{"{" F32("\\ud83d\\ude00\\\"\\\\\\/\\b\\f\\n\\r\\t", "1", "0,4") "}", 4, NULL},
	{"{" F32("\\ud83d", "1", "0,4") "}", 4, "UTF-8: first half"},
	{"{" F32("\\ud83dx", "1", "0,4") "}", 4, "UTF-8: first half"},
	{"{" F32("\\ud83dxyde00", "1", "0,4") "}", 4, "UTF-8: first half"},
	{"{" F32("\\ud83d\\nde00", "1", "0,4") "}", 4, "UTF-8: first half"},
	{"{" F32("\\ude00", "1", "0,4") "}", 4, "UTF-8: second half"},
	{"{" F32("\\u00e", "1", "0,4") "}", 4, "JSON: \\u needs"},
	{"{" F32("\\u0000", "1", "0,4") "}", 4, "name: a NUL"},
	{"{" F32("\\x", "1", "0,4") "}", 4, "JSON: unknown escape"},
	{"{" F32("\x1f", "1", "0,4") "}", 4, "JSON: control character"},
	{"{\"a", 0, "JSON: a string without its closing quote"},
	{"{\"a\\", 0, "JSON: unknown escape"},
	{"{\"a\" 1}", 0, "JSON: expected ':'"},
	{"{\"abcde\"", 0, "JSON: the header ends where ':' is expected"},
	{"{a}", 0, "JSON: expected '\"'"},
	{"{", 0, "header length"},
};

static void checks_header_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof header_rules / sizeof *header_rules; i++) {
		fv_ctx *ctx = test_ctx();
		write_raw(0, header_rules[i].header, strlen(header_rules[i].header),
			header_rules[i].data);
		fv_status status = open_raw(ctx);
		if (header_rules[i].message && status == FV_OK)
			fail_msg("accepted: %s", header_rules[i].header);
		if (header_rules[i].message)
			test_fails(ctx, status, FV_DATA, header_rules[i].message);
		else
			test_ok(ctx, status);
		core_ctx_free(ctx);
	}
}

static void checks_header_length(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	static const char header[] = "{" F32("a", "1", "0,4") "}";
	size_t n = sizeof header - 1;
	write_raw(n + 5, header, n, 4);
	test_fails(ctx, open_raw(ctx), FV_DATA,
		"byte 0: header length: 59 bytes, must be from 2 to 58: the file is cut short");
	write_raw(UINT64_C(1) << 63, header, n, 4);
	test_fails(ctx, open_raw(ctx), FV_DATA, "byte 0: header length: 9223372036854775808");
	write_plain("\x10\0\0\0\0\0", 7);
	test_fails(ctx, open_raw(ctx), FV_DATA, "byte 0: too short: 7 bytes");
	write_plain("", 0);
	test_fails(ctx, open_raw(ctx), FV_DATA, "byte 0: too short: the file is empty");
	/* a header of 100,000,000 bytes is read, one more byte is rejected */
	for (size_t extra = 0; extra < 2; extra++) {
		size_t size = 100000000 + extra;
		char *large = malloc(size);
		memset(large, ' ', size);
		memcpy(large, "{}", 2);
		write_raw(0, large, size, 0);
		free(large);
		if (extra)
			test_fails(ctx, open_raw(ctx), FV_DATA, "header length: 100000001");
		else
			test_ok(ctx, open_raw(ctx));
	}
	write_plain("", 0);
	core_ctx_free(ctx);
}

/* At most 1,024 bytes per name, 65,536 tensors and 65,536 metadata pairs; deep nesting is
 * rejected. */
static void checks_bounds(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	for (int extra = 0; extra < 2; extra++) {
		core_text name = {0}, many = {0}, pairs = {0};
		core_text_add(&name,
			"{\"%0*d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}",
			1024 + extra, 0);
		write_raw(0, name.data, name.size, 0);
		if (extra)
			test_fails(ctx, open_raw(ctx), FV_DATA, "bounds: a name of 1025 bytes");
		else
			test_ok(ctx, open_raw(ctx));
		for (int i = 0; i < 65536 + extra; i++) {
			core_text_add(&many,
				"%c\"%d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
				i ? ',' : '{', i);
			core_text_add(&pairs, "%s\"%d\":\"\"", i ? "," : "{\"__metadata__\":{", i);
		}
		core_text_add(&many, "}");
		core_text_add(&pairs, "}}");
		write_raw(0, many.data, many.size, 0);
		if (extra)
			test_fails(ctx, open_raw(ctx), FV_DATA, "bounds: more than 65536 tensors");
		else
			test_ok(ctx, open_raw(ctx));
		write_raw(0, pairs.data, pairs.size, 0);
		if (extra)
			test_fails(ctx, open_raw(ctx), FV_DATA, "bounds: more than 65536 pairs");
		else
			test_ok(ctx, open_raw(ctx));
		core_text_free(&name);
		core_text_free(&many);
		core_text_free(&pairs);
	}
	char deep[200005] = "{\"w\":";
	memset(deep + 5, '[', sizeof deep - 6);
	write_raw(0, deep, strlen(deep), 0);
	test_fails(ctx, open_raw(ctx), FV_DATA, "byte 13: entry fields: expected '{'");
	core_ctx_free(ctx);
}

static void names_other_formats(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	static const struct {
		const char *bytes;
		size_t n;
		const char *what;
	} cases[] = {
		{"PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 18, "an empty zip archive"},
		{"\x80\x04\x95\0\0\0\0\0\0\0\0}.", 13, "a pickle of Python"},
		{"version https://git-lfs.github.com/spec/v1\noid sha256:05", 55,
			"a Git LFS pointer, whose file was not downloaded"},
		{"<!DOCTYPE html><html>Not found</html>", 36, "an HTML page"},
		{"{\"weights\": [1]}", 16, "a JSON file"},
		{"Entry not found", 15, "text: 'Entry not found'"},
		{"404", 3, "text: '404'"},
		{"FileName,f0\na,1\n", 16, "a table of text: 'FileName,f0'"},
		{"GGUF\3\0\0\0\x10\0\0\0", 12, "a GGUF model"},
		{"\x08\x07\x12\7pytorch\x1a\5", 13, "an ONNX model"},
		{"\x89HDF\r\n\x1a\n\0\0", 10, "an HDF5 file"},
		{"\x1f\x8b\x08\0\0\0\0\0\0\3", 10, "a gzip archive"},
		{"PK\3\4\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xb\0\0\0xl/book.xml", 41,
			"an Excel workbook (xlsx)"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		write_plain(cases[i].bytes, cases[i].n);
		test_fails(ctx, open_raw(ctx), FV_DATA,
			core_format(ctx, "x.safetensors: byte 0: unknown content: not a "
					 "file of tensors but"));
		fv_status status = open_raw(ctx);
		test_fails(ctx, status, FV_DATA, cases[i].what);
	}
	write_plain("\1\2\3\4\5\6\7\x80\x81\x82", 10);
	test_fails(ctx, open_raw(ctx), FV_DATA,
		"unknown content: not a file of tensors: safetensors, files of torch.save, .npy "
		"and .npz are read");
	fv_checkpoint *file;
	test_fails(ctx, fv_checkpoint_open(ctx, "/no/such/file", &file), FV_DATA,
		"/no/such/file: No such file");
	test_fails(ctx, fv_checkpoint_open(ctx, "/", &file), FV_DATA, "/: not a regular file");
	core_ctx_free(ctx);
}

/* --- damaged headers --- */

/* However the bytes of a header change, the file is rejected with a byte and a rule, or
 * everything it describes lies inside the file. */
static void damaged_headers_stay_in_bounds(void **state)
{
	(void)state;
	const int times = (int)test_rounds(10000, 1000000);
	fv_ctx *setup = test_ctx();
	char *original;
	size_t size;
	test_ok(setup, core_file_read(setup, test_golden("containers/st_all.safetensors"), 0,
			       &original, &size));
	unsigned char *bytes = malloc(size);
	static const char alphabet[] = "{}[]\",:0123456789\\u/ -.eE\x80\xff\x00";
	int accepted = 0;
	for (int i = 0; i < times; i++) {
		fv_ctx *ctx = test_ctx();
		fv_stream stream = core_stream(5, 0, "mutations", 0, (uint64_t)i);
		memcpy(bytes, original, size);
		size_t header = 8 + (unsigned char)original[0] + 256 * (size_t)original[1];
		uint64_t changes = 1 + fv_below(&stream, 4);
		for (uint64_t c = 0; c < changes; c++)
			bytes[fv_below(&stream, header)] =
				fv_below(&stream, 2)
					? (unsigned char)
						  alphabet[fv_below(&stream, sizeof alphabet - 1)]
					: (unsigned char)fv_below(&stream, 256);
		size_t cut = fv_below(&stream, 8) ? size : (size_t)fv_below(&stream, size);
		write_plain(bytes, cut);
		fv_checkpoint *file;
		fv_status status = fv_checkpoint_open(ctx, get_scratch_path(), &file);
		if (status) {
			assert_non_null(strstr(core_error_line(ctx, 0), ".safetensors: byte "));
			test_fails(ctx, status, FV_DATA, ": ");
			core_ctx_free(ctx);
			continue;
		}
		accepted++;
		for (int64_t t = 0; t < fv_checkpoint_count(file); t++) {
			const fv_tensor *tensor = fv_checkpoint_at(file, t);
			if (strchr("FB", tensor->dtype[0]) && strcmp(tensor->dtype, "BOOL")) {
				float *out = calloc((size_t)tensor->count + 1, sizeof *out);
				test_ok(ctx, fv_tensor_to_f32(ctx, tensor, out));
				free(out);
			}
		}
		fv_checkpoint_close(file);
		core_ctx_free(ctx);
	}
	assert_true(accepted > 0 && accepted < times / 2);
	free(bytes);
	core_ctx_free(setup);
}

/* --- writing --- */

static void written_files_are_read_back(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const float x[6] = {1, 2, 3, 4, 5, 6};
	const unsigned char flags[3] = {1, 0, 1};
	const int64_t big[1] = {INT64_MIN};
	core_tensor_out tensors[] = {{"flags", "BOOL", 1, {3}, flags}, {"b", "F32", 2, {2, 3}, x},
		{"a\"\\\n\xc3\xa9", "F32", 1, {1}, x + 5}, {"big", "I64", 0, {0}, big},
		{"none", "F16", 2, {0, 7}, NULL}};
	core_meta_out meta[] = {{"z", "1"}, {"classes", "[\"a\",\"b\"]"}};
	const char *path = get_scratch_path();
	char *bytes, *again;
	size_t size, size_again;
	test_ok(ctx, core_safetensors_write(ctx, path, tensors, 5, meta, 2));
	test_ok(ctx, core_file_read(ctx, path, 0, &bytes, &size));
	fv_checkpoint *file;
	test_ok(ctx, fv_checkpoint_open(ctx, path, &file));
	assert_int_equal(fv_checkpoint_count(file), 5);
	for (int64_t t = 0; t < 5; t++) {
		const fv_tensor *tensor = fv_checkpoint_at(file, t);
		size_t width = tensor->dtype[1] == '3' ? 4 : tensor->dtype[1] == '6' ? 8 : 1;
		assert_int_equal((uintptr_t)tensor->data % width, 0);
	}
	assert_memory_equal(fv_checkpoint_find(file, "b")->data, x, sizeof x);
	assert_memory_equal(fv_checkpoint_find(file, "a\"\\\n\xc3\xa9")->data, x + 5, 4);
	assert_memory_equal(fv_checkpoint_find(file, "flags")->data, flags, 3);
	assert_memory_equal(fv_checkpoint_find(file, "big")->data, big, 8);
	assert_int_equal(fv_checkpoint_find(file, "none")->count, 0);
	assert_string_equal(fv_checkpoint_meta(file, "classes"), "[\"a\",\"b\"]");
	fv_checkpoint_close(file);
	core_tensor_out turned[] = {tensors[4], tensors[3], tensors[2], tensors[1], tensors[0]};
	core_meta_out turned_meta[] = {meta[1], meta[0]};
	test_ok(ctx, core_safetensors_write(ctx, path, turned, 5, turned_meta, 2));
	test_ok(ctx, core_file_read(ctx, path, 0, &again, &size_again));
	assert_int_equal(size, size_again);
	assert_memory_equal(bytes, again, size);
	tensors[1].name = "flags";
	test_fails(ctx, core_safetensors_write(ctx, path, tensors, 5, NULL, 0), FV_DATA,
		"two tensors named 'flags'");
	tensors[1].name = "\xff";
	test_fails(ctx, core_safetensors_write(ctx, path, tensors, 5, NULL, 0), FV_DATA,
		"cannot be the name of a tensor");
	test_fails(ctx, core_safetensors_write(ctx, "/no/such/folder/x", tensors, 1, NULL, 0),
		FV_FAILED, "/no/such/folder/x: cannot write");
	test_ok(ctx, core_safetensors_write(ctx, path, NULL, 0, NULL, 0));
	test_ok(ctx, open_raw(ctx));
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_metadata),
		cmocka_unit_test(checks_header_rules),
		cmocka_unit_test(checks_header_length),
		cmocka_unit_test(checks_bounds),
		cmocka_unit_test(names_other_formats),
		cmocka_unit_test(damaged_headers_stay_in_bounds),
		cmocka_unit_test(written_files_are_read_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
