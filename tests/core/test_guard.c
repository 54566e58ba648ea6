/* SPDX-License-Identifier: Apache-2.0 */
/* Ops that change the process: every change is restored and named in the message. */
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

/* Calls `spoil` as an op outside any step. */
static fv_status call_op(core_guard *guard, void (*spoil)(void))
{
	core_guard_enter(guard, "fit", 0, false);
	spoil();
	return core_guard_leave(guard, FV_OK);
}

static void change_nothing(void)
{
}

static void change_folder(void)
{
	assert_int_equal(chdir("/"), 0);
}

static void change_rounding(void)
{
	fesetround(FE_UPWARD);
}

static void change_locale(void)
{
	assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
}

static locale_t thread_locale;

static void change_thread_locale(void)
{
	thread_locale = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);
	assert_non_null(thread_locale);
	uselocale(thread_locale);
}

static void ignore_signal(void)
{
	signal(SIGHUP, SIG_IGN);
}

static void block_signal(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static void change_file_mask(void)
{
	umask(0777);
}

static void changes_are_restored(void **state)
{
	(void)state;
	static const struct {
		void (*spoil)(void);
		const char *what;
	} cases[] = {{change_folder, "the working folder"}, {change_rounding, "the rounding mode"},
		{change_locale, "the locale"}, {change_thread_locale, "the locale"},
		{ignore_signal, "the handler of SIGHUP"},
		{block_signal, "which signals are blocked"},
		{change_file_mask, "the mask of file modes (umask)"}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		fv_ctx *ctx = test_ctx();
		core_guard guard;
		char line[128], changes[128];
		open_guard(&guard, ctx);
		test_ok(ctx, call_op(&guard, change_nothing));
		assert_int_equal(call_op(&guard, cases[i].spoil), FV_FAILED);
		snprintf(line, sizeof line, "grouper 'g': op fit changed %s", cases[i].what);
		assert_string_equal(core_error_line(ctx, 0), line);
		assert_int_equal(core_error_count(ctx), 1);
		assert_false(
			core_surroundings_restore(&guard.before, true, changes, sizeof changes));
		core_error_clear(ctx);
		test_ok(ctx, call_op(&guard, change_nothing));
		core_ctx_free(ctx);
	}
	freelocale(thread_locale);
}

/* In ops of every step, signals are checked later. */
static void quick_calls_are_checked_later(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_guard guard;
	open_guard(&guard, ctx);
	for (int step = 2; step < 5; step++) {
		core_guard_enter(&guard, "assign", step, true);
		if (step == 3)
			ignore_signal();
		test_ok(ctx, core_guard_leave(&guard, FV_OK));
	}
	assert_int_equal(core_guard_check_quick_calls(&guard, FV_OK), FV_FAILED);
	assert_string_equal(core_error_line(ctx, 0),
		"grouper 'g': op assign at step 2 or later changed the handler of SIGHUP");
	core_guard_enter(&guard, "assign", 7, true);
	change_rounding();
	assert_int_equal(core_guard_leave(&guard, FV_OK), FV_FAILED);
	assert_int_equal(fegetround(), FE_TONEAREST);
	assert_string_equal(core_error_line(ctx, 1),
		"grouper 'g': op assign at step 7 changed the rounding mode");
	core_ctx_free(ctx);
}

/* The plugin's own failure is kept as the status. */
static void plugin_failure_is_returned(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_guard guard;
	open_guard(&guard, ctx);
	core_guard_enter(&guard, "fit", 0, false);
	change_locale();
	fv_status status = fv_fail(ctx, FV_DATA, "too few rows");
	assert_int_equal(core_guard_leave(&guard, status), FV_DATA);
	assert_string_equal(core_error_line(ctx, 0), "plugin g: too few rows");
	assert_string_equal(core_error_line(ctx, 1), "grouper 'g': op fit changed the locale");
	core_ctx_free(ctx);
}

/* Another process renames the working folder: not a change by the plugin. */
static void renamed_folder_is_no_change(void **state)
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
	test_ok(ctx, call_op(&guard, change_nothing));
	assert_int_equal(chdir(home), 0);
	core_ctx_free(ctx);
}

static pid_t copy;

static void fork_process(void)
{
	copy = fork();
}

static void child_ends_with_the_op(void **state)
{
	(void)state;
	fv_ctx *ctx = test_ctx();
	core_guard guard;
	int copies;
	open_guard(&guard, ctx);
	test_ok(ctx, call_op(&guard, fork_process));
	assert_true(copy > 0); /* would fail in the child process */
	assert_false(core_reap_copies(&copies));
	assert_int_equal(copies, 1);
	core_ctx_free(ctx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(changes_are_restored),
		cmocka_unit_test(quick_calls_are_checked_later),
		cmocka_unit_test(plugin_failure_is_returned),
		cmocka_unit_test(renamed_folder_is_no_change),
		cmocka_unit_test(child_ends_with_the_op)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
