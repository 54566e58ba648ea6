/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "device.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"

fv_ctx *test_ctx(void)
{
	core_memory_forget(); /* what an earlier test let run out */
	fv_ctx *ctx = core_ctx_new();
	assert_non_null(ctx);
	core_ctx_set_device(ctx, test_device());
	return ctx;
}

void test_ok_(fv_ctx *ctx, fv_status status, const char *file, int line)
{
	if (status == FV_OK)
		return;
	for (size_t i = 0; core_error_line(ctx, i); i++)
		print_error("  %s\n", core_error_line(ctx, i));
	print_error("%s:%d: status %d, not 0\n", file, line, (int)status);
	_fail(file, line);
}

void test_fails_(
	fv_ctx *ctx, fv_status status, fv_status want, const char *text, const char *file, int line)
{
	const char *first = core_error_line(ctx, 0);
	if (status != want || !first || !strstr(first, text)) {
		print_error("%s:%d: status %d (want %d), message '%s' (want '%s')\n", file, line,
			(int)status, (int)want, first ? first : "(none)", text);
		_fail(file, line);
	}
	core_error_clear(ctx);
}

static char *next_slot(void)
{
	static char paths[4][4096];
	static int next;
	return paths[next++ % 4];
}

static const char *path_under(const char *variable, const char *name)
{
	const char *dir = getenv(variable);
	char *path = next_slot();
	snprintf(path, 4096, "%s/%s", dir ? dir : ".", name);
	return path;
}

const char *test_golden(const char *name)
{
	return path_under("FAIRVOX_GOLDEN", name);
}

const char *test_shared(const char *name)
{
	const char *path = path_under("FAIRVOX_SHARED", name);
	if (access(path, R_OK)) {
		print_message("skipped: the shared folder is not here\n");
		skip();
	}
	return path;
}

int64_t test_rounds(int64_t few, int64_t many)
{
	const char *asked = getenv("FAIRVOX_LONG");
	return asked && *asked ? many : few;
}

const char *test_folder(const char *name)
{
	const char *base = getenv("FAIRVOX_BUILD");
	char *path = next_slot();
	snprintf(path, 4096, "%s/test-%s-XXXXXX", base ? base : "/tmp", name);
	assert_non_null(mkdtemp(path));
	return path;
}

json_t *test_json(const char *path)
{
	json_error_t error;
	json_t *json = json_load_file(path, 0, &error);
	if (!json)
		fail_msg("%s:%d: %s", path, error.line, error.text);
	return json;
}

static double npy_value(const char *type, const unsigned char *p)
{
	float f;
	double d;
	int32_t i4;
	int64_t i8;
	if (!strcmp(type, "<f4"))
		return memcpy(&f, p, 4), (double)f;
	if (!strcmp(type, "<f8"))
		return memcpy(&d, p, 8), d;
	if (!strcmp(type, "<i4"))
		return memcpy(&i4, p, 4), (double)i4;
	if (!strcmp(type, "<i8"))
		return memcpy(&i8, p, 8), (double)i8;
	if (!strcmp(type, "|i1"))
		return (double)(int8_t)*p;
	if (!strcmp(type, "|u1"))
		return (double)*p;
	fail_msg("npy type %s", type);
	return 0;
}

double *test_npy(const char *path, int64_t shape[4], int *rank)
{
	fv_ctx *ctx = test_ctx();
	char *data;
	size_t size;
	test_ok(ctx, core_file_read(ctx, path, 0, &data, &size));
	assert_true(size > 10 && !memcmp(data, "\x93NUMPY\x01", 7));
	size_t header = (size_t)(unsigned char)data[8] + 256 * (size_t)(unsigned char)data[9];
	char *text = core_strndup(ctx, data + 10, header), type[4] = "";
	char *descr = strstr(text, "'descr': '"), *dims = strstr(text, "'shape': (");
	assert_true(descr && dims && strstr(text, "'fortran_order': False"));
	memcpy(type, descr + 10, 3);
	int64_t count = 1;
	*rank = 0;
	for (char *p = dims + 10; *p != ')';) {
		char *end;
		long long n = strtoll(p, &end, 10);
		if (end == p) {
			p++;
			continue;
		}
		assert_true(*rank < 4);
		shape[(*rank)++] = n;
		count *= n;
		p = end;
	}
	size_t width = (size_t)(type[2] - '0');
	assert_int_equal(size, 10 + header + width * (size_t)count);
	double *out = malloc((size_t)(count ? count : 1) * sizeof *out);
	assert_non_null(out);
	for (int64_t i = 0; i < count; i++)
		out[i] = npy_value(type, (unsigned char *)data + 10 + header + width * (size_t)i);
	core_ctx_free(ctx);
	return out;
}

void test_close_(
	double got, double want, double tolerance, const char *what, const char *file, int line)
{
	double scale = fabs(want) > 1 ? fabs(want) : 1;
	if (fabs(got - want) <= tolerance * scale)
		return;
	print_error("%s:%d: %s = %.17g, want %.17g, off by %.3g (tolerance %.3g)\n", file, line,
		what, got, want, fabs(got - want), tolerance * scale);
	_fail(file, line);
}
