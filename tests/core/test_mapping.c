/* SPDX-License-Identifier: Apache-2.0 */
/* Files in memory that become shorter. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/io.h"
#include "base/mapping.h"
#include "base/path.h"
#include "plugin/call.h"
#include "support.h"

#define LARGE ((size_t)8 << 20)
#define SMALL ((size_t)100000)

static char *make_file(fv_ctx *ctx, size_t size)
{
	char *path = core_path_join(ctx, test_folder("mapping"), "a\x1b.bin"),
	     *bytes = core_alloc(ctx, size, 1);
	memset(bytes, 'x', size);
	test_ok(ctx, core_file_write(ctx, path, bytes, size));
	return path;
}

/* The last byte of the file after it was cut to 4096. */
static char read_cut_file(fv_ctx *ctx, const char *path, size_t size)
{
	const void *data;
	int fd;
	test_ok(ctx, core_open_file(ctx, path, &fd, NULL));
	test_ok(ctx, core_mapping_open(ctx, path, fd, size, &data));
	close(fd);
	assert_int_equal(truncate(path, 4096), 0);
	core_mapping_release(data, size, 5, size);
	char last = ((const volatile char *)data)[size - 1];
	core_mapping_close(data, size);
	return last;
}

static void small_files_are_kept(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	char path[CORE_MAPPED_PATH];
	assert_int_equal(read_cut_file(ctx, make_file(ctx, SMALL), SMALL), 'x');
	assert_false(core_mapping_find(path, path));
	core_ctx_free(ctx);
}

static void large_files_are_named(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = make_file(ctx, LARGE);
	int out[2], how;
	char text[1024];
	assert_int_equal(pipe(out), 0);
	pid_t pid = fork();
	if (!pid) {
		dup2(out[1], STDERR_FILENO);
		core_call_watch();
		_exit(read_cut_file(ctx, path, LARGE) == 'x' ? 0 : 50);
	}
	close(out[1]);
	ssize_t n = core_read_fully(out[0], text, sizeof text - 1);
	close(out[0]);
	assert_int_equal(core_wait_child(pid, &how), 0);
	text[n] = '\0';
	assert_true(WIFEXITED(how));
	assert_int_equal(WEXITSTATUS(how), FV_DATA);
	assert_non_null(strstr(text, "a\\x1b.bin: became shorter while it was read\n"));
	core_ctx_free(ctx);
}

static void many_files(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = make_file(ctx, LARGE);
	const void *data[100];
	char found[CORE_MAPPED_PATH];
	for (int round = 0; round < 2; round++) {
		int fd;
		test_ok(ctx, core_open_file(ctx, path, &fd, NULL));
		for (int i = 0; i < 100; i++)
			test_ok(ctx, core_mapping_open(ctx, path, fd, LARGE, &data[i]));
		close(fd);
		assert_true(core_mapping_find((const char *)data[0] + LARGE - 1, found));
		assert_false(core_mapping_find(found, found));
		for (int i = 0; i < 100; i++)
			core_mapping_close(data[i], LARGE);
		assert_false(core_mapping_find(data[0], found));
	}
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_files_are_kept),
		cmocka_unit_test(large_files_are_named),
		cmocka_unit_test(many_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
