/* SPDX-License-Identifier: Apache-2.0 */
#include "npz.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "support.h"

static size_t read_little_endian(const char *p, int bytes)
{
	size_t value = 0;
	while (bytes-- > 0)
		value = value << 8 | (unsigned char)p[bytes];
	return value;
}

double *test_npz(const char *path, const char *name, int64_t shape[4], int *rank)
{
	fv_ctx *ctx = test_ctx();
	char *data, member[256], file[4200];
	size_t size;
	test_ok(ctx, core_file_read(ctx, path, 0, &data, &size));
	assert_true(size > 22 && !memcmp(data + size - 22, "PK\5\6", 4));
	snprintf(member, sizeof member, "%s.npy", name);
	const char *entry = data + read_little_endian(data + size - 6, 4), *end = data + size - 22;
	while (entry < end && (read_little_endian(entry + 28, 2) != strlen(member) ||
				      memcmp(entry + 46, member, strlen(member)) != 0))
		entry += 46 + read_little_endian(entry + 28, 2) +
			 read_little_endian(entry + 30, 2) + read_little_endian(entry + 32, 2);
	if (entry >= end)
		fail_msg("%s: no array '%s'", path, name);
	assert_int_equal(read_little_endian(entry + 10, 2), 0);
	const char *local = data + read_little_endian(entry + 42, 4);
	const char *array =
		local + 30 + read_little_endian(local + 26, 2) + read_little_endian(local + 28, 2);
	snprintf(file, sizeof file, "%s/array.npy", test_folder("npz"));
	FILE *out = fopen(file, "wb");
	assert_non_null(out);
	assert_int_equal(fwrite(array, 1, read_little_endian(entry + 24, 4), out),
		read_little_endian(entry + 24, 4));
	assert_int_equal(fclose(out), 0);
	core_ctx_free(ctx);
	double *values = test_npy(file, shape, rank);
	remove(file);
	return values;
}
