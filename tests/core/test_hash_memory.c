/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes of files that were hashed before: not read again unless they may have changed. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/hash_memory.h"
#include "base/path.h"
#include "support.h"

enum { SIZE = 1 << 20 };

/* Bytes that this process has read so far */
static long long count_read(void)
{
	char text[512] = "";
	long long bytes = -1;
	int fd = open("/proc/self/io", O_RDONLY);
	assert_true(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
	close(fd);
	assert_int_equal(sscanf(text, "rchar: %lld", &bytes), 1);
	return bytes;
}

static void write_file(const char *path, char byte)
{
	char *data = malloc(SIZE);
	FILE *file = fopen(path, "r+");
	if (!file)
		file = fopen(path, "w");
	assert_true(data && file);
	memset(data, byte, SIZE);
	assert_int_equal(fwrite(data, 1, SIZE, file), SIZE);
	assert_int_equal(fclose(file), 0);
	free(data);
}

static void set_time(const char *path, time_t seconds)
{
	const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* Hashes the file, compares with what it holds, and returns true if it was read for that. */
static bool is_read(fv_ctx *ctx, const char *path)
{
	char got[CORE_SHA256_HEX], want[CORE_SHA256_HEX];
	test_ok(ctx, core_sha256_file(ctx, path, want));
	long long before = count_read();
	test_ok(ctx, core_sha256_file_once(ctx, path, got));
	long long bytes = count_read() - before;
	assert_string_equal(got, want);
	return bytes >= SIZE;
}

static void read_once(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *folder = test_folder("hash_memory");
	char *path = core_path_join(ctx, folder, "data");
	char *link_path = core_path_join(ctx, folder, "link");
	write_file(path, 'a');
	set_time(path, 1000000000);
	/* The time of its last change of any kind is now: it is read each time until that has settled. */
	assert_true(is_read(ctx, path));
	assert_true(is_read(ctx, path));
	sleep(4);
	assert_true(is_read(ctx, path));
	assert_false(is_read(ctx, path));
	assert_int_equal(symlink("data", link_path), 0);
	assert_false(is_read(ctx, link_path));
	/* other bytes, of the same number and under the same time */
	write_file(path, 'b');
	set_time(path, 1000000000);
	assert_true(is_read(ctx, path));
	core_ctx_free(ctx);
}

static void failures(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	char hex[CORE_SHA256_HEX];
	test_fails(ctx, core_sha256_file_once(ctx, "/nowhere/at/all", hex), FV_DATA,
		"/nowhere/at/all: No such file or directory");
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_once),
		cmocka_unit_test(failures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
