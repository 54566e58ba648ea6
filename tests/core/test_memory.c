/* SPDX-License-Identifier: Apache-2.0 */
/* What a lack of memory is told as, and what it keeps from being written. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/io.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "support.h"

static void failures_become_one(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	test_fails(ctx, fv_fail(ctx, FV_DATA, "a.csv: damaged"), FV_DATA, "a.csv: damaged");
	core_memory_note_failure();
	assert_int_equal(fv_fail(ctx, FV_DATA, "a.csv: damaged"), FV_FAILED);
	assert_int_equal(core_fail_at(ctx, FV_CONFIG, "a.yaml", 2, 3, "unknown key"), FV_FAILED);
	assert_int_equal(fv_fail(ctx, FV_FAILED, "cannot write"), FV_FAILED);
	assert_int_equal(fv_fail(ctx, FV_STOPPED, "stopped"), FV_STOPPED);
	assert_string_equal(core_error_line(ctx, 0), "out of memory (3 times)");
	core_error_clear(ctx);
	core_memory_forget();
	test_fails(ctx, fv_fail(ctx, FV_DATA, "a.csv: damaged"), FV_DATA, "a.csv: damaged");
	core_ctx_free(ctx);
}

/* What is told in the words of the system is noticed as well, but not such words in a quotation. */
static void words_of_the_system(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	assert_int_equal(
		fv_fail(ctx, FV_DATA, "a.csv:1: no 'Cannot allocate memory' here"), FV_DATA);
	assert_int_equal(
		core_fail_at(ctx, FV_DATA, "a.csv", 1, 0, "%s is not UTF-8", "out of memory"),
		FV_DATA); /* the name of a column */
	assert_false(core_memory_is_out());
	assert_int_equal(fv_fail(ctx, FV_DATA, "%s", "out of memory (3 bytes)"), FV_FAILED);
	assert_true(core_memory_is_out());
	core_memory_forget();
	assert_int_equal(
		fv_fail(ctx, FV_DATA, "a.csv:1: it has: x, %s", strerror(ENOMEM)), FV_DATA);
	assert_false(core_memory_is_out());
	core_error_clear(ctx);
	assert_int_equal(fv_fail(ctx, FV_DATA, "%s: %s", "a.csv", strerror(ENOMEM)), FV_FAILED);
	assert_true(core_memory_is_out());
	core_memory_forget();
	errno = ENOENT;
	assert_false(core_memory_note_errno());
	errno = ENOMEM;
	assert_true(core_memory_note_errno() && core_memory_is_out());
	core_ctx_free(ctx);
}

/* Asks for more than the process may have. */
static void ask_for_too_much(fv_ctx *ctx)
{
	struct rlimit before, small;
	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	small = before;
	small.rlim_cur = (rlim_t)1 << 34;
	assert_int_equal(setrlimit(RLIMIT_AS, &small), 0);
	const void *memory = core_alloc(ctx, 1, (size_t)1 << 35);
	assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
	assert_null(memory);
}

/* Each way to ask for memory notes that there is none. */
static void requests_are_noted(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	/* a mistake, not a lack of memory */
	assert_null(core_alloc(ctx, 1, (size_t)1 << 60));
	assert_false(core_memory_is_out());
	assert_string_equal(
		core_error_line(ctx, 0), "no machine has memory for 1 x 1152921504606846976 bytes");
	core_error_clear(ctx);
	if (!getenv("ASAN_OPTIONS")) /* the sanitizer needs addresses itself */
		ask_for_too_much(ctx);
	else
		core_memory_note_failure();
	assert_true(core_memory_is_out());
	core_memory_forget();
	assert_null(core_memory_realloc(NULL, (size_t)1 << 60));
	assert_true(core_memory_is_out());
	core_memory_forget();
	json_malloc_t of_json;
	json_get_alloc_funcs(&of_json, NULL);
	assert_null(of_json((size_t)1 << 60));
	assert_true(core_memory_is_out());
	core_ctx_free(ctx);
}

/* Takes all memory in pieces of at least 64 bytes; each holds the address of the one before. */
static void **take_all(void)
{
	void **last = NULL;
	for (size_t size = (size_t)1 << 20; size >= 64; size /= 2)
		for (void **piece; (piece = malloc(size)); last = piece)
			*piece = last;
	return last;
}

/* jansson goes on after a failed request as if it had succeeded: it gets what was kept for it, and the lack is noted. */
static void json_has_a_reserve(void **state)
{
	(void)state;
	struct rlimit before, small;
	json_malloc_t of_json;
	if (getenv("ASAN_OPTIONS")) /* its malloc has no limit that it can be given */
		skip();
	fv_ctx *ctx = test_ctx();
	core_memory_forget();
	json_get_alloc_funcs(&of_json, NULL);
	assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
	small = before;
	small.rlim_cur = (rlim_t)1 << 20; /* less than there is already */
	assert_int_equal(setrlimit(RLIMIT_AS, &small), 0);
	void **pieces = take_all();
	void *first = of_json(1000);
	bool noted = core_memory_is_out();
	void **more = take_all();
	void *second = of_json(1000);
	assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
	assert_true(first && noted && !second);
	free(first);
	for (void **next; pieces; pieces = next) {
		next = *pieces;
		free(pieces);
	}
	for (void **next; more; more = next) {
		next = *more;
		free(more);
	}
	core_memory_forget(); /* fills it again */
	core_ctx_free(ctx);
}

static void nothing_is_written(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = core_path_join(ctx, test_folder("memory"), "table");
	char *text;
	size_t size;
	test_ok(ctx, core_file_write(ctx, path, "whole", 5));
	core_memory_note_failure();
	test_fails(ctx, core_file_write(ctx, path, "half", 4), FV_FAILED, "out of memory");
	core_writer *writer;
	test_ok(ctx, core_writer_open(ctx, path, &writer));
	test_fails(ctx, core_writer_commit_loose(ctx, writer), FV_FAILED, "out of memory");
	test_ok(ctx, core_file_read(ctx, path, 0, &text, &size));
	assert_string_equal(text, "whole");
	core_ctx_free(ctx);
}

/* A lack of descriptors is told as that, whatever the caller took it for, and is no fault of a file or a setting. */
static void descriptors_ran_out(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *path = core_path_join(ctx, test_folder("memory"), "other");
	assert_int_equal(
		core_fail_at(ctx, FV_CONFIG, "c.yaml", 0, 0, "%s", strerror(EMFILE)), FV_FAILED);
	assert_string_equal(core_error_line(ctx, 0), "c.yaml: Too many open files");
	assert_int_equal(core_memory_lack(), EMFILE);
	assert_int_equal(fv_fail(ctx, FV_DATA, "%s: no recording", path), FV_FAILED);
	assert_string_equal(core_error_line(ctx, 1), "Too many open files");
	core_error_clear(ctx);
	test_fails(ctx, core_file_write(ctx, path, "half", 4), FV_FAILED, "Too many open files");
	assert_false(core_file_exists(path));
	core_memory_forget();
	assert_int_equal(fv_fail(ctx, FV_DATA, "x: damaged"), FV_DATA);
	core_ctx_free(ctx);
}

/* What the disk did not give is not damaged: neither by its own message nor by one that takes it for something else. */
static void disk_errors_are_told(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	assert_int_equal(fv_fail(ctx, FV_DATA, "a.json: %s", strerror(EIO)), FV_FAILED);
	core_note_disk_error("b.wav");
	assert_int_equal(fv_fail(ctx, FV_DATA, "%s: damaged or cut short", "b.wav"), FV_FAILED);
	assert_string_equal(core_error_line(ctx, 1), "b.wav: Input/output error");
	assert_int_equal(fv_fail(ctx, FV_DATA, "%s: damaged or cut short", "c.wav"), FV_DATA);
	char *path = core_copy_disk_error();
	assert_string_equal(path, "b.wav");
	free(path);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(failures_become_one),
		cmocka_unit_test(words_of_the_system),
		cmocka_unit_test(requests_are_noted),
		cmocka_unit_test(json_has_a_reserve),
		cmocka_unit_test(nothing_is_written),
		cmocka_unit_test(descriptors_ran_out),
		cmocka_unit_test(disk_errors_are_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
