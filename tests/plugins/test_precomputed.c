/* SPDX-License-Identifier: Apache-2.0 */
/* The precomputed encoder: features written in both formats are found again; every reason to refuse
 * a file. */
#include "plugin.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "checkpoint/safetensors_write.h"

static const char *path_in(fv_ctx *ctx, const char *name)
{
	return core_path_join(ctx, test_folder("precomputed"), name);
}

static fv_status open_file(test_plugin *p, const char *path)
{
	const fv_encoder_ops *ops = p->ops;
	test_plugin_set(p, "file", path);
	return ops->open(p->state, p->ctx, NULL);
}

static fv_output output_of(test_plugin *p)
{
	const fv_encoder_ops *ops = p->ops;
	fv_encoder_info info;
	test_ok(p->ctx, ops->info(p->state, p->ctx, &info));
	assert_int_equal(info.by_name, 1);
	assert_int_equal(info.rate_hz, 0);
	assert_int_equal(info.n_outputs, 1);
	assert_string_equal(info.outputs[0].name, "features");
	assert_int_equal(info.outputs[0].standardize, FV_STANDARDIZE_TRAIN);
	return info.outputs[0];
}

static fv_status look_up(test_plugin *p, const char *stem, float *out)
{
	const fv_encoder_ops *ops = p->ops;
	return ops->lookup(p->state, p->ctx, 0, stem, out);
}

static void reads_tensors(void **state)
{
	(void)state;
	test_plugin p = test_plugin_open("precomputed");
	const float a[6] = {1, 2, 3, 4, 5, 6}, b[6] = {-1, -2, -3, -4, -5, -6.5f};
	const uint16_t half[6] = {0x3c00, 0x4000, 0x4200, 0xc400, 0x0001, 0x7bff};
	const uint16_t brain[6] = {0x3f80, 0x4000, 0x4040, 0xc080, 0x0001, 0x7f7f};
	const float want_half[6] = {1, 2, 3, -4, 0x1p-24f, 65504},
		    want_brain[6] = {1, 2, 3, -4, 0x1p-133f, 0x1.fep127f};
	core_tensor_out out[] = {{"a", "F32", 2, {2, 3}, a}, {"clips/b.x.WAV", "F32", 2, {2, 3}, b},
		{"h.flac", "F16", 2, {2, 3}, half}, {"bf", "BF16", 2, {2, 3}, brain}};
	const char *path = path_in(p.ctx, "f.bin");
	test_ok(p.ctx, core_safetensors_write(p.ctx, path, out, 4, NULL, 0));
	test_ok(p.ctx, open_file(&p, path));
	fv_output output = output_of(&p);
	assert_int_equal(output.layers, 2);
	assert_int_equal(output.dims, 3);
	assert_null(output.columns);
	float got[6];
	test_ok(p.ctx, look_up(&p, "a", got));
	assert_memory_equal(got, a, sizeof a);
	test_ok(p.ctx, look_up(&p, "b.x", got));
	assert_memory_equal(got, b, sizeof b);
	test_ok(p.ctx, look_up(&p, "h", got));
	assert_memory_equal(got, want_half, sizeof got);
	test_ok(p.ctx, look_up(&p, "bf", got));
	assert_memory_equal(got, want_brain, sizeof got);
	test_fails(p.ctx, look_up(&p, "clips/b.x.WAV", got), FV_DATA,
		"no features of 'clips/b.x.WAV'");
	test_plugin_close(&p);
}

static void bad_tensors(void **state)
{
	(void)state;
	static const float x[6] = {1, 2, 3, 4, NAN, INFINITY};
	static const struct {
		core_tensor_out tensor[2];
		size_t n;
		const char *message;
	} cases[] = {
		{{{"a", "F32", 2, {2, 2}, x}, {"b", "F32", 2, {1, 4}, x}}, 2,
			"tensor 'b' is [1, 4], those before it [2, 2]"},
		{{{"a", "F32", 1, {2}, x}, {"b", "F32", 1, {3}, x}}, 2,
			"tensor 'b' is [1, 3], those before it [1, 2]"},
		{{{"a", "F32", 1, {2}, x}, {"d/a.wav", "F32", 1, {2}, x}}, 2,
			"tensors 'a' and 'd/a.wav' have the same stem"},
		{{{"a", "F32", 3, {1, 1, 2}, x}}, 1, "tensor 'a' is neither [L, D] nor [D]"},
		{{{"a", "F32", 0, {0}, x}}, 1, "tensor 'a' is neither [L, D] nor [D]"},
		{{{"a", "F32", 1, {0}, x}}, 1, "tensor 'a' is neither [L, D] nor [D]"},
		{{{"a", "I32", 1, {2}, x}}, 1, "tensor 'a' is I32, not F32, F16 or BF16"},
		{{{"a", "F32", 1, {0}, x}}, 0, "holds no recordings"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		test_plugin p = test_plugin_open("precomputed");
		const char *path = path_in(p.ctx, "f.safetensors");
		test_ok(p.ctx,
			core_safetensors_write(p.ctx, path, cases[i].tensor, cases[i].n, NULL, 0));
		test_fails(p.ctx, open_file(&p, path), FV_DATA, cases[i].message);
		test_plugin_close(&p);
	}
	for (int infinite = 0; infinite < 2; infinite++) {
		test_plugin p = test_plugin_open("precomputed");
		core_tensor_out out = {"a.wav", "F32", 2, {2, 2}, x + 1 + infinite};
		float got[4];
		const char *path = path_in(p.ctx, "f.safetensors");
		test_ok(p.ctx, core_safetensors_write(p.ctx, path, &out, 1, NULL, 0));
		test_ok(p.ctx, open_file(&p, path));
		test_fails(p.ctx, look_up(&p, "a", got), FV_DATA,
			infinite ? "tensor 'a.wav': layer 1, column 0 is not finite"
				 : "tensor 'a.wav': layer 1, column 1 is not finite");
		test_plugin_close(&p);
	}
}

static fv_status open_text(test_plugin *p, const char *text, size_t size)
{
	const char *path = path_in(p->ctx, "f.csv");
	test_ok(p->ctx, core_file_write(p->ctx, path, text, size));
	return open_file(p, path);
}

static void rows_of_csv(void **state)
{
	(void)state;
	static const struct {
		const char *text, *column;
		float first, last;
	} cases[] = {
		{"FileName,F0,\"loud,ness\"\na.wav,1.5,-2e3\n\nb,3,4\n", "loud,ness", 1.5f, -2e3f},
		{"\xef\xbb\xbf"
		 "file,start,end,F0,jitter\r\n\"x/a.wav\",0 days,0 days 00:00:03,7,8\r\n",
			"jitter", 7, 8},
		{",F0,\"a \"\"b\"\"\"\n\"a.flac\",\"0.25\", 1 ", "a \"b\"", 0.25f, 1},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		test_plugin p = test_plugin_open("precomputed");
		float got[2];
		test_ok(p.ctx, open_text(&p, cases[i].text, strlen(cases[i].text)));
		fv_output output = output_of(&p);
		assert_int_equal(output.layers, 1);
		assert_int_equal(output.dims, 2);
		assert_string_equal(output.columns[0], "F0");
		assert_string_equal(output.columns[1], cases[i].column);
		test_ok(p.ctx, look_up(&p, "a", got));
		assert_true(got[0] == cases[i].first && got[1] == cases[i].last);
		test_fails(p.ctx, look_up(&p, "c", got), FV_DATA, "f.csv: no features of 'c'");
		test_plugin_close(&p);
	}
}

/* More rows than are allocated at first, each with its own numbers. */
static void many_rows(void **state)
{
	(void)state;
	enum { N = 3000 };
	test_plugin p = test_plugin_open("precomputed");
	char *text = core_alloc(p.ctx, N * 40, 1), *at = text;
	at += sprintf(at, "file,x,y,z\n");
	for (int i = N - 1; i >= 0; i--)
		at += sprintf(at, "r%d.wav,%d,%d.5,-%d\n", i, i, i, i);
	test_ok(p.ctx, open_text(&p, text, (size_t)(at - text)));
	for (int i = 0; i < N; i++) {
		float got[3];
		test_ok(p.ctx, look_up(&p, core_format(p.ctx, "r%d", i), got));
		assert_true(got[0] == (float)i && got[1] == (float)i + 0.5f && got[2] == (float)-i);
	}
	test_plugin_close(&p);
}

static void bad_csv(void **state)
{
	(void)state;
	static const struct {
		const char *text, *message;
		size_t errors;
	} cases[] = {
		{"name,F0\na,1\n", "f.csv:1: the first column must be FileName or file, not name",
			1},
		{"file\na\n", "f.csv:1: there are no feature columns, only file", 1},
		{"file,x\na,1\na.wav,2\n", "f.csv:3: a second row for 'a', the first is on line 2",
			1},
		{"file,x,y\na,1\nb,1,2,3\nc,1,2\n", "f.csv:2: fewer fields than the header", 2},
		{"file,x,y\na,1,nan\nb,1,\nc,inf,2\nd,1,1e39\n",
			"f.csv:2: y: 'nan' is not a finite number", 4},
		{"file,x\n\"a,1\n", "f.csv:2: a quoted field is not closed", 1},
		{"file,x\na,\"1\n", "f.csv:2: a quoted field is not closed", 1},
		{"file,x\n,1\n", "f.csv:2: no file name", 1},
		{"file,x\n", "f.csv: holds no recordings", 1},
		{"\n", "f.csv: empty", 1},
		{"", "f.csv: byte 0: too short", 1},
		{"<html>",
			"f.csv: byte 0: unknown content: not a file of tensors but an HTML "
			"page",
			1},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		test_plugin p = test_plugin_open("precomputed");
		fv_status status = open_text(&p, cases[i].text, strlen(cases[i].text));
		assert_int_equal(core_error_count(p.ctx), cases[i].errors);
		test_fails(p.ctx, status, FV_DATA, cases[i].message);
		test_plugin_close(&p);
	}
	test_plugin p = test_plugin_open("precomputed");
	const fv_encoder_ops *ops = p.ops;
	test_fails(
		p.ctx, ops->open(p.state, p.ctx, NULL), FV_CONFIG, "parameter 'file' is missing");
	test_fails(p.ctx, open_file(&p, "/no/such/file"), FV_DATA, "/no/such/file: No such file");
	test_fails(p.ctx, ops->open(p.state, p.ctx, "w.pt"), FV_CONFIG, "takes no weights");
	test_plugin_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_tensors),
		cmocka_unit_test(bad_tensors),
		cmocka_unit_test(rows_of_csv),
		cmocka_unit_test(many_rows),
		cmocka_unit_test(bad_csv),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
