/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of ops that change the process: everything is put back, and the message names what. */
#include "support.h"

#include <fenv.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugin/guard.h"

static void open_guard(core_guard *guard, fv_ctx *ctx)
{
	core_guard_open(guard, ctx, FV_GROUPER, "g");
}

/* An op without a step that does `spoil`. */
static fv_status call(core_guard *guard, void (*spoil)(void))
{
	core_guard_enter(guard, "fit", 0, false);
	spoil();
	return core_guard_leave(guard, FV_OK);
}

static void nothing(void)
{
}

static void go_away(void)
{
	assert_int_equal(chdir("/"), 0);
}

static void round_up(void)
{
	fesetround(FE_UPWARD);
}

static void speak(void)
{
	assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
}

static void speak_here(void)
{
	uselocale(newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0));
}

static void ignore(void)
{
	signal(SIGHUP, SIG_IGN);
}

static void block(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void hide_files(void)
{
	umask(0777);
}

static void all_is_put_back(void **state)
{
	(void)state;
	static const struct {
		void (*spoil)(void);
		const char *what;
	} cases[] = {{go_away, "the working folder"}, {round_up, "the rounding mode"},
		{speak, "the locale"}, {speak_here, "the locale"}, {ignore, "what SIGHUP does"},
		{block, "which signals are blocked"},
		{hide_files, "the mask of file modes (umask)"}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fv_ctx *ctx = test_ctx();
		core_guard guard;
		char line[128], changes[128];
		open_guard(&guard, ctx);
		test_ok(ctx, call(&guard, nothing));
		assert_int_equal(call(&guard, cases[i].spoil), FV_FAILED);
		snprintf(line, sizeof line, "grouper 'g': op fit changed %s", cases[i].what);
		assert_string_equal(core_error_line(ctx, 0), line);
		assert_int_equal(core_error_count(ctx), 1);
		assert_false(
			core_surroundings_restore(&guard.before, true, changes, sizeof changes));
		core_error_clear(ctx);
		test_ok(ctx, call(&guard, nothing));
		core_ctx_free(ctx);
	}
}

/* Calls of every step leave signals to the next look. */
static void quick_calls_are_looked_at_later(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_guard guard;
	open_guard(&guard, ctx);
	for (int step = 2; step < 5; step++) {
		core_guard_enter(&guard, "assign", step, true);
		if (step == 3)
			ignore();
		test_ok(ctx, core_guard_leave(&guard, FV_OK));
	}
	assert_int_equal(core_guard_settle(&guard, FV_OK), FV_FAILED);
	assert_string_equal(core_error_line(ctx, 0),
		"grouper 'g': op assign at step 2 or later changed what SIGHUP does");
	core_guard_enter(&guard, "assign", 7, true);
	round_up();
	assert_int_equal(core_guard_leave(&guard, FV_OK), FV_FAILED);
	assert_int_equal(fegetround(), FE_TONEAREST);
	assert_string_equal(core_error_line(ctx, 1),
		"grouper 'g': op assign at step 7 changed the rounding mode");
	core_ctx_free(ctx);
}

/* The plugin's own failure stays the status. */
static void a_failure_is_handed_on(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_guard guard;
	open_guard(&guard, ctx);
	core_guard_enter(&guard, "fit", 0, false);
	speak();
	fv_status status = fv_fail(ctx, FV_DATA, "too few rows");
	assert_int_equal(core_guard_leave(&guard, status), FV_DATA);
	assert_string_equal(core_error_line(ctx, 0), "plugin g: too few rows");
	assert_string_equal(core_error_line(ctx, 1), "grouper 'g': op fit changed the locale");
	core_ctx_free(ctx);
}

/* Somebody else renames the folder we are in: no plugin's fault. */
static void a_renamed_folder_is_no_change(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_guard guard;
	char home[4096];
	assert_non_null(getcwd(home, sizeof home));
	const char *dir = core_strdup(ctx, test_folder("guard"));
	const char *old = core_format(ctx, "%s/old", dir), *new = core_format(ctx, "%s/new", dir);
	assert_int_equal(mkdir(old, 0777), 0);
	assert_int_equal(chdir(old), 0);
	open_guard(&guard, ctx);
	assert_int_equal(rename(old, new), 0);
	test_ok(ctx, call(&guard, nothing));
	assert_int_equal(chdir(home), 0);
	core_ctx_free(ctx);
}

static pid_t copy;

static void copy_process(void)
{
	copy = fork();
}

static void a_copy_ends_with_the_op(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_guard guard;
	int copies;
	open_guard(&guard, ctx);
	test_ok(ctx, call(&guard, copy_process));
	assert_true(copy > 0); /* the copy would fail here */
	assert_false(core_reap_copies(&copies));
	assert_int_equal(copies, 1);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(all_is_put_back),
		cmocka_unit_test(quick_calls_are_looked_at_later),
		cmocka_unit_test(a_failure_is_handed_on),
		cmocka_unit_test(a_renamed_folder_is_no_change),
		cmocka_unit_test(a_copy_ends_with_the_op)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
