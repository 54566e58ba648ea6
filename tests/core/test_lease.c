/* SPDX-License-Identifier: Apache-2.0 */
/* Leases of shared folders. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/lease.h"
#include "base/lease_file.h"
#include "base/program.h"
#include "support.h"

static core_lease *try_lease(fv_ctx *ctx, const char *dir)
{
	core_lease_view view = {0};
	core_lease *lease;
	test_ok(ctx, core_lease_try(ctx, dir, &view, &lease));
	return lease;
}

static core_lease_state look(fv_ctx *ctx, const char *dir, core_lease_view *view)
{
	core_lease_state state;
	test_ok(ctx, core_lease_look(ctx, dir, view, &state));
	return state;
}

static bool exists(fv_ctx *ctx, const char *dir, const char *name)
{
	char *path = core_path_join(ctx, dir, name);
	assert_non_null(path);
	return core_file_exists(path);
}

static void test_one_holder(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("lease");
	core_lease_view view = {0};
	assert_int_equal(look(ctx, dir, &view), CORE_LEASE_FREE);
	assert_int_equal(look(ctx, core_path_join(ctx, dir, "missing"), &view), CORE_LEASE_FREE);
	core_lease *first = try_lease(ctx, dir);
	assert_non_null(first);
	assert_null(try_lease(ctx, dir));
	assert_int_equal(look(ctx, dir, &view), CORE_LEASE_HELD);
	assert_int_equal(view.process, getpid());
	assert_true(core_lease_is_kept(first));
	core_lease_release(first);
	assert_int_equal(look(ctx, dir, &view), CORE_LEASE_FREE);
	core_lease *second = try_lease(ctx, dir);
	assert_non_null(second);
	assert_false(exists(ctx, dir, ".lease-1"));
	assert_true(exists(ctx, dir, ".lease-2"));
	core_lease_remove(second);
	assert_false(exists(ctx, dir, ".lease-2"));
	assert_int_equal(rmdir(dir), 0);
	core_ctx_free(ctx);
}

static void test_names(void **state)
{
	(void)state;
	assert_true(core_lease_owns_name(".lease-1"));
	assert_true(core_lease_owns_name(".lease-120"));
	assert_true(core_lease_owns_name(".leasing-0a1b"));
	assert_false(core_lease_owns_name(".lease-"));
	assert_false(core_lease_owns_name(".lease-0"));
	assert_false(core_lease_owns_name(".lease-1x"));
	assert_false(core_lease_owns_name(".lease--1"));
	assert_false(core_lease_owns_name("lease-1"));
}

static void test_process_that_died(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("lease");
	core_lease_view view = {0};
	pid_t child = fork();
	if (!child) {
		fv_ctx *own = core_ctx_new();
		_exit(own && try_lease(own, dir) ? 0 : 1);
	}
	int end;
	/* not waited for: a process that has ended is dead, although its number is still taken */
	siginfo_t info;
	assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(look(ctx, dir, &view), CORE_LEASE_FREE);
	assert_int_equal(waitpid(child, &end, 0), child);
	assert_int_equal(end, 0);
	assert_int_equal(look(ctx, dir, &view), CORE_LEASE_FREE);
	/* another one died before it had the lease */
	test_ok(ctx, core_file_write(ctx, core_path_join(ctx, dir, ".leasing-0a1b"), "x", 1));
	core_lease *lease = try_lease(ctx, dir);
	assert_non_null(lease);
	assert_false(exists(ctx, dir, ".leasing-0a1b"));
	core_lease_release(lease);
	core_ctx_free(ctx);
}

/* Writes the lease of a process of another machine, with a period of 0.2 s. */
static void write_foreign(
	fv_ctx *ctx, const char *dir, const char *name, const char *boot, bool held, int64_t count)
{
	char tail[CORE_LEASE_TAIL + 1];
	core_lease_tail(tail, held, count);
	char *text = core_format(ctx,
		"fairvox-lease 1\ntoken 0123456789abcdef0123456789abcdef\nhost node7\nboot %s\n"
		"space pid:[1]\nprocess 1 99\nperiod_ms 200\n%s",
		boot, tail);
	char *path = core_path_join(ctx, dir, name);
	FILE *file = path && text ? fopen(path, "w") : NULL;
	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fclose(file), 0);
}

static void test_process_elsewhere(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("lease"), *name = ".lease-7", *boot = "11111111-2222";
	core_lease_view view = {0};
	write_foreign(ctx, dir, name, boot, true, 5);
	double begin = core_clock_s();
	assert_int_equal(look(ctx, dir, &view), CORE_LEASE_UNSURE);
	assert_string_equal(view.host, "node7");
	usleep(450000);
	assert_int_equal(look(ctx, dir, &view), CORE_LEASE_UNSURE);
	write_foreign(ctx, dir, name, boot, true, 6); /* it lives */
	assert_int_equal(look(ctx, dir, &view), CORE_LEASE_HELD);
	while (look(ctx, dir, &view) != CORE_LEASE_FREE)
		usleep(10000);
	assert_true(core_clock_s() - begin >= 0.45 + 0.6);
	core_lease *lease;
	test_ok(ctx, core_lease_try(ctx, dir, &view, &lease));
	assert_non_null(lease);
	assert_true(exists(ctx, dir, ".lease-8"));
	assert_false(exists(ctx, dir, name));
	/* the other one was only slow and counts on: the file is gone for it, and the lease stays ours */
	assert_true(core_lease_is_kept(lease));
	core_lease_release(lease);
	write_foreign(ctx, dir, ".lease-9", boot, false, 5);
	assert_int_equal(look(ctx, dir, &view), CORE_LEASE_FREE);
	core_ctx_free(ctx);
}

/* An observer that has not watched a lease knows nothing of its holder, however old the file is. */
static void test_old_file(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("lease");
	core_lease_view view = {0};
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	write_foreign(ctx, dir, ".lease-1", "another", true, 5);
	assert_int_equal(utimensat(AT_FDCWD, core_path_join(ctx, dir, ".lease-1"), old, 0), 0);
	assert_int_equal(look(ctx, dir, &view), CORE_LEASE_UNSURE);
	assert_null(try_lease(ctx, dir));
	core_ctx_free(ctx);
}

static void test_unreadable_file(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "fairvox-lease 1\ntoken", "something else\n"};
	fv_ctx *ctx = test_ctx();
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		core_lease_facts facts;
		core_lease_parse(texts[i], strlen(texts[i]), &facts);
		assert_false(facts.readable);
		assert_true(facts.held);
		assert_int_equal(facts.count, strlen(texts[i]));
		assert_int_equal(core_lease_find_life(&facts), CORE_LEASE_UNKNOWN);
	}
	core_ctx_free(ctx);
}

/* Another process succeeds while this one stands still. */
static void test_lost(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("lease");
	core_lease *lease = try_lease(ctx, dir);
	write_foreign(ctx, dir, ".lease-2", "another", true, 0);
	assert_false(core_lease_is_kept(lease));
	assert_int_equal(unlink(core_path_join(ctx, dir, ".lease-1")), 0);
	assert_false(core_lease_is_kept(lease));
	core_lease_release(lease);
	assert_false(exists(ctx, dir, ".lease-1"));
	core_ctx_free(ctx);
}

static void test_counter(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("lease");
	setenv("FAIRVOX_HEARTBEAT", "0.1", 1);
	core_lease *lease = try_lease(ctx, dir);
	unsetenv("FAIRVOX_HEARTBEAT");
	core_lease_view view = {0};
	assert_int_equal(look(ctx, dir, &view), CORE_LEASE_HELD);
	int64_t before = view.count;
	usleep(1000000);
	assert_int_equal(look(ctx, dir, &view), CORE_LEASE_HELD);
	assert_in_range(view.count - before, 5, 11);
	core_lease_release(lease);
	core_ctx_free(ctx);
}

#define PROCESSES 8
#define ROUNDS 60

/* Adds 1 to the number in a file, in two steps that only one process may take at a time. */
static bool add_one(const char *dir, const char *path)
{
	fv_ctx *ctx = core_ctx_new();
	core_lease *lease = NULL;
	core_lease_view view = {0};
	char *text;
	size_t size;
	bool good = ctx != NULL;
	while (good && !lease)
		good = !core_lease_try(ctx, dir, &view, &lease);
	good = good && !core_file_read(ctx, path, 0, &text, &size);
	char *next = good ? core_format(ctx, "%d", atoi(text) + 1) : NULL;
	FILE *file = next ? fopen(path, "w") : NULL;
	good = file && fputs(next, file) >= 0 && !fclose(file);
	core_lease_release(lease);
	core_ctx_free(ctx);
	return good;
}

static void test_crowd(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	const char *dir = test_folder("lease");
	char *path = core_path_join(ctx, dir, "number"), *text;
	size_t size;
	pid_t child[PROCESSES];
	test_ok(ctx, core_file_write(ctx, path, "0", 1));
	for (int i = 0; i < PROCESSES; i++) {
		child[i] = fork();
		if (child[i])
			continue;
		bool good = true;
		for (int k = 0; k < ROUNDS && good; k++)
			good = add_one(dir, path);
		_exit(good ? 0 : 1);
	}
	for (int i = 0; i < PROCESSES; i++) {
		int end;
		assert_int_equal(waitpid(child[i], &end, 0), child[i]);
		assert_int_equal(end, 0);
	}
	test_ok(ctx, core_file_read(ctx, path, 0, &text, &size));
	assert_int_equal(atoi(text), PROCESSES * ROUNDS);
	core_ctx_free(ctx);
}

static void test_program(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_program_end end;
	const char *const talk[] = {"sh", "-c", "echo out; echo err >&2; cat; exit 7", NULL};
	test_ok(ctx, core_program_run(ctx, talk, &end));
	assert_true(end.found);
	assert_int_equal(end.code, 7);
	assert_string_equal(end.out.data, "out\n");
	assert_string_equal(end.err.data, "err\n");
	core_program_free(&end);
	const char *const none[] = {"no-such-program-1", NULL};
	test_ok(ctx, core_program_run(ctx, none, &end));
	assert_false(end.found);
	core_program_free(&end);
	const char *const dies[] = {"sh", "-c", "kill -9 $$", NULL};
	test_ok(ctx, core_program_run(ctx, dies, &end));
	assert_int_equal(end.code, 137);
	core_program_free(&end);
	core_text text = {0};
	core_text_shell(&text, "a b");
	core_text_add(&text, " ");
	core_text_shell(&text, "it's");
	core_text_add(&text, " ");
	core_text_shell(&text, "results/x-1.yaml");
	core_text_add(&text, " ");
	core_text_shell(&text, "");
	assert_string_equal(text.data, "'a b' 'it'\\''s' results/x-1.yaml ''");
	core_text_free(&text);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_holder),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_process_that_died),
		cmocka_unit_test(test_process_elsewhere),
		cmocka_unit_test(test_old_file),
		cmocka_unit_test(test_unreadable_file),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_counter),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_program),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
