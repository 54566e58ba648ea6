/* SPDX-License-Identifier: Apache-2.0 */
/* The precomputed encoder: features written in each format are found again, by path; every reason to
 * refuse a file. */
#include "plugin.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "checkpoint/npy_write.h"

static const char *path_in(fv_ctx *ctx, const char *name)
{
	static char folder[4200];
	if (!*folder)
		snprintf(folder, sizeof folder, "%s", test_folder("precomputed"));
	return core_path_join(ctx, folder, name);
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

static fv_status look_up_parts(test_plugin *p, const char *id, int32_t parts, float *out)
{
	const fv_encoder_ops *ops = p->ops;
	return ops->lookup(p->state, p->ctx, 0, id, parts, out);
}

static fv_status look_up(test_plugin *p, const char *id, float *out)
{
	return look_up_parts(p, id, 1, out);
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
	test_ok(p.ctx, look_up_parts(&p, "data/clips/b.x", 2, got));
	assert_memory_equal(got, b, sizeof b);
	test_fails(p.ctx, look_up(&p, "clips/b", got), FV_DATA, "no features of 'clips/b'");
	test_fails(p.ctx, look_up_parts(&p, "other/b.x", 2, got), FV_DATA,
		"no features of 'other/b.x': 'clips/b.x.WAV' lies in another folder");
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
		{{{"a", "F32", 1, {2}, x}, {"d/a.wav", "F32", 1, {2}, x}}, 2, NULL},
		{{{"d/a", "F32", 1, {2}, x}, {"d\\a.wav", "F32", 1, {2}, x}}, 2,
			"'d/a' and 'd\\a.wav' are the same recording"},
		{{{"a", "F32", 3, {1, 1, 2}, x}}, 1, "tensor 'a' is [L, T, D], frames: their mean"},
		{{{"a", "F32", 4, {1, 1, 1, 2}, x}}, 1, "tensor 'a' is neither [L, D] nor [D]"},
		{{{"a", "F32", 0, {0}, x}}, 1, "tensor 'a' is neither [L, D] nor [D]"},
		{{{"a", "F32", 1, {0}, x}}, 1, "tensor 'a' is neither [L, D] nor [D]"},
		{{{"a", "I32", 1, {2}, x}}, 1, "tensor 'a' is I32, not F32, F16, BF16 or F64"},
		{{{"a", "F32", 1, {0}, x}}, 0, "holds no recordings"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		test_plugin p = test_plugin_open("precomputed");
		const char *path = path_in(p.ctx, "f.safetensors");
		test_ok(p.ctx,
			core_safetensors_write(p.ctx, path, cases[i].tensor, cases[i].n, NULL, 0));
		if (cases[i].message)
			test_fails(p.ctx, open_file(&p, path), FV_DATA, cases[i].message);
		else
			test_ok(p.ctx, open_file(&p, path));
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
			infinite ? "f.safetensors: 'a.wav': layer 1, column 0 is not finite"
				 : "f.safetensors: 'a.wav': layer 1, column 1 is not finite");
		test_plugin_close(&p);
	}
}

/* SAVEE and MELD reuse file names in folders: the longest common end of the paths decides, and what
 * it cannot decide is said. */
static void joins_by_path(void **state)
{
	(void)state;
	static const struct {
		const char *id;
		int32_t parts;
		float want;
		const char *message;
	} cases[] = {
		{"DC/a00", 2, 1, NULL},
		{"JE/a00", 2, 2, NULL},
		{"wav/DC/a00", 2, 1, NULL},
		{"wav/DC/a00", 1, 1,
			NULL}, /* the label file has the path, though the stem is enough */
		{"b00", 1, 3, NULL},
		{"KL/b00", 1, 3, NULL},
		{"a00", 1, 0,
			"'DC/a00.wav' and 'JE/a00.wav' both have the name 'a00': write enough"},
		{"KL/a00", 1, 0, "both have the name 'KL/a00'"},
		{"KL/a00", 2, 0, "no features of 'KL/a00': 'DC/a00.wav' lies in another folder"},
		{"00", 1, 0, "no features of '00'"},
		{"x/b00", 2, 0, "no features of 'x/b00': 'b00.flac' lies in another folder"},
		{"c", 1, 0, "'j/k/c' and 'k/c' both have the name 'c'"},
		{"k/c", 2, 4, NULL},
		{"j/k/c", 3, 5, NULL},
	};
	const float x[5] = {1, 2, 3, 4, 5};
	core_tensor_out out[] = {{"DC/a00.wav", "F32", 1, {1}, x},
		{"JE/a00.wav", "F32", 1, {1}, x + 1}, {"b00.flac", "F32", 1, {1}, x + 2},
		{"k/c", "F32", 1, {1}, x + 3}, {"j/k/c", "F32", 1, {1}, x + 4}};
	test_plugin p = test_plugin_open("precomputed");
	const char *path = path_in(p.ctx, "paths.safetensors");
	test_ok(p.ctx, core_safetensors_write(p.ctx, path, out, 5, NULL, 0));
	test_ok(p.ctx, open_file(&p, path));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		float got = 0;
		fv_status status = look_up_parts(&p, cases[i].id, cases[i].parts, &got);
		if (cases[i].message) {
			test_fails(p.ctx, status, FV_DATA, cases[i].message);
			continue;
		}
		test_ok(p.ctx, status);
		assert_true(got == cases[i].want);
	}
	test_plugin_close(&p);
}

/* --- NumPy --- */

enum { NAMES = 3, WIDTH = 6 };
static const char *const names[NAMES] = {"DC/a00", "b", "\xc3\xa4"};
static const float values[NAMES][WIDTH] = {
	{1, -2.5f, 3e-30f, 4, 5, 6}, {-0.0f, 1e-45f, 3.4e38f, 1, 2, 3}, {9, 8, 7, 6, 5, 4}};

static void check_values(test_plugin *p, int32_t layers)
{
	float got[WIDTH];
	fv_output output = output_of(p);
	assert_int_equal(output.layers, layers);
	assert_int_equal(output.dims, WIDTH / layers);
	for (int i = 0; i < NAMES; i++) {
		test_ok(p->ctx, look_up(p, names[i], got));
		assert_memory_equal(got, values[i], sizeof got);
	}
}

/* The same features as safetensors, .npz and .npy give the same bits. */
static void reads_numpy_files(void **state)
{
	(void)state;
	for (int32_t layers = 1; layers <= 3; layers++) {
		core_tensor_out out[NAMES];
		for (int i = 0; i < NAMES; i++)
			out[i] = (core_tensor_out){
				names[i], "F32", 2, {layers, WIDTH / layers}, values[i]};
		for (int form = 0; form < 5; form++) {
			test_plugin p = test_plugin_open("precomputed");
			const char *npy = path_in(p.ctx, "f.npy"), *npz = path_in(p.ctx, "f.npz"),
				   *text = path_in(p.ctx, "f.txt"), *csv = path_in(p.ctx, "f.csv"),
				   *other = path_in(p.ctx, "other.csv");
			(void)remove(csv);
			(void)remove(text);
			if (form == 0)
				test_ok(p.ctx,
					core_safetensors_write(p.ctx, npz, out, NAMES, NULL, 0));
			else if (form == 1)
				test_ok(p.ctx, core_npz_write(p.ctx, npz, out, NAMES));
			else
				test_ok(p.ctx, core_npy_write(p.ctx, npy, text, out, NAMES));
			static const char table[] =
				"FileName;emotion\nDC/a00.wav;x\nb.wav;y\na\xcc\x88.wav;z\n";
			const char *to = form == 3 ? csv : other;
			if (form >= 3) {
				assert_int_equal(remove(text), 0);
				test_ok(p.ctx, core_file_write(p.ctx, to, table, sizeof table - 1));
			}
			if (form == 4)
				test_plugin_set(&p, "names", to);
			test_ok(p.ctx, open_file(&p, form < 2 ? npz : npy));
			check_values(&p, layers);
			fv_encoder_info info;
			const fv_encoder_ops *ops = p.ops;
			test_ok(p.ctx, ops->info(p.state, p.ctx, &info));
			assert_true((form < 2) == (info.identity == NULL));
			test_plugin_close(&p);
		}
	}
}

/* What a list of names must be; other names are another identity. */
static void refuses_wrong_names(void **state)
{
	(void)state;
	static const struct {
		const char *text, *csv, *message;
		fv_status status;
	} cases[] = {
		{NULL, NULL, "f.npy: no file beside it names its rows", FV_CONFIG},
		{"a\nb\nc\n", "file\na\nb\nc\n", "either .txt or .csv beside it names its rows",
			FV_CONFIG},
		{"a\nb\n", NULL, "f.txt: 2 names for the 3 rows of", FV_DATA},
		{"a\nb\nc\nd\n", NULL, "f.txt: 4 names for the 3 rows of", FV_DATA},
		{"a\n\nb\nc\n", NULL, "f.txt:2: an empty line", FV_DATA},
		{"a\nb\na\n", NULL, "'a' and 'a' are the same recording", FV_DATA},
		{NULL, "name\na\nb\nc\n", "f.csv:1: plugin precomputed: no column FileName or file",
			FV_DATA},
		{NULL, "file\na\nb\n", "f.csv: 2 names for the 3 rows of", FV_DATA},
		{NULL, "file,x\na,1\n,2\nc,3\n", "f.csv:3: plugin precomputed: no file name",
			FV_DATA},
		{"\xef\xbb\xbf"
		 "a\r\nb\r\nc\n\n\n",
			NULL, NULL, FV_OK},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		test_plugin p = test_plugin_open("precomputed");
		core_tensor_out out[NAMES];
		for (int k = 0; k < NAMES; k++)
			out[k] = (core_tensor_out){names[k], "F32", 1, {WIDTH}, values[k]};
		const char *npy = path_in(p.ctx, "f.npy"), *text = path_in(p.ctx, "f.txt"),
			   *csv = path_in(p.ctx, "f.csv");
		test_ok(p.ctx, core_npy_write(p.ctx, npy, text, out, NAMES));
		(void)remove(text);
		(void)remove(csv);
		if (cases[i].text)
			test_ok(p.ctx,
				core_file_write(p.ctx, text, cases[i].text, strlen(cases[i].text)));
		if (cases[i].csv)
			test_ok(p.ctx,
				core_file_write(p.ctx, csv, cases[i].csv, strlen(cases[i].csv)));
		fv_status status = open_file(&p, npy);
		if (cases[i].message) {
			test_fails(p.ctx, status, cases[i].status, cases[i].message);
		} else {
			float got[WIDTH];
			test_ok(p.ctx, status);
			test_ok(p.ctx, look_up(&p, "c", got));
			assert_memory_equal(got, values[2], sizeof got);
		}
		test_plugin_close(&p);
	}
	test_plugin p = test_plugin_open("precomputed");
	core_tensor_out out = {"a", "F32", 1, {WIDTH}, values[0]};
	const char *path = path_in(p.ctx, "f.safetensors");
	test_ok(p.ctx, core_safetensors_write(p.ctx, path, &out, 1, NULL, 0));
	test_plugin_set(&p, "names", path);
	test_fails(p.ctx, open_file(&p, path), FV_CONFIG, "parameter 'names' is for .npy");
	test_plugin_close(&p);
}

/* Doubles become float32 where they fit. */
static void rounds_doubles(void **state)
{
	(void)state;
	const double fine[2] = {0.1, -3.4028234663852886e38}, wide[2] = {1, 3.5e38},
		     nan[2] = {NAN, 0};
	core_tensor_out out[] = {
		{"a", "F64", 1, {2}, fine}, {"b", "F64", 1, {2}, wide}, {"c", "F64", 1, {2}, nan}};
	test_plugin p = test_plugin_open("precomputed");
	const char *path = path_in(p.ctx, "f64.safetensors");
	float got[2];
	test_ok(p.ctx, core_safetensors_write(p.ctx, path, out, 3, NULL, 0));
	test_ok(p.ctx, open_file(&p, path));
	test_ok(p.ctx, look_up(&p, "a", got));
	assert_true(got[0] == 0.1f && got[1] == -3.40282347e38f);
	test_fails(p.ctx, look_up(&p, "b", got), FV_DATA,
		"f64.safetensors: 'b': layer 0, column 1 is too large for float32");
	test_fails(p.ctx, look_up(&p, "c", got), FV_DATA,
		"f64.safetensors: 'c': layer 0, column 0 is not finite");
	test_plugin_close(&p);
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
		{"FileName;F0;jitter\na.wav;1,5;-2e3\n", "jitter", 1.5f, -2e3f},
		{"FileName\tF0\t\"a\tb\"\na.wav\t1.5\t0,25\n", "a\tb", 1.5f, 0.25f},
		{"sep=;\r\nFileName;F0;x,y\r\na;1;2,5\r\n", "x,y", 1, 2.5f},
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
			"f.csv:2: y: 'nan' is not a finite number (4 rows have such a cell)", 1},
		{"file,x,y\na,1,2\nb,Male,2\n", "f.csv:3: x: 'Male' is not a finite number", 1},
		{"file,x\na,0x10\n", "f.csv:2: x: '0x10' is not a finite number", 1},
		{"file,x\n\"a,1\n", "f.csv:2: a quoted field is not closed", 1},
		{"file,x\na,\"1\n", "f.csv:2: a quoted field is not closed", 1},
		{"file,x\n,1\n", "f.csv:2: no file name", 1},
		{"file,x\n", "f.csv: holds no recordings", 1},
		{"\n", "f.csv: empty", 1},
		{"FileName;x;y\na;1,2,3;4\n", "f.csv:2: x: '1,2,3' is not a finite number", 1},
		{"Entry not found",
			"f.csv: byte 0: unknown content: not a file of tensors but text: 'Entry "
			"not found'",
			1},
		{"version https://git-lfs.github.com/spec/v1\noid sha256:05\nsize 9\n",
			"not a file of tensors but a Git LFS pointer", 1},
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
	test_fails(p.ctx, open_file(&p, "/no/such/file"), FV_DATA, "/no/such/file: No such file");
	test_fails(p.ctx, ops->open(p.state, p.ctx, "w.pt"), FV_CONFIG, "takes no weights");
	test_plugin_close(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_tensors),
		cmocka_unit_test(bad_tensors),
		cmocka_unit_test(joins_by_path),
		cmocka_unit_test(reads_numpy_files),
		cmocka_unit_test(refuses_wrong_names),
		cmocka_unit_test(rounds_doubles),
		cmocka_unit_test(rows_of_csv),
		cmocka_unit_test(many_rows),
		cmocka_unit_test(bad_csv),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
