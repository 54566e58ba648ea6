/* SPDX-License-Identifier: Apache-2.0 */
/* Runs tests as cmocka does, but a test goes on behind a number that is wrong, so that all are told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "support.h"

static jmp_buf end;
static int failures; /* of the test that runs */

void fail_msg(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("fault\t", stdout);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
	failures++;
}

void bare_end_test(const char *what, const char *file, int line)
{
	fail_msg("%s:%d: %s", file, line, what);
	longjmp(end, 1);
}

static void run_test(const CMUnitTest *test)
{
	void *state = NULL;
	failures = 0;
	if (!setjmp(end))
		test->run(&state);
	printf("test %s: %s\n", test->name, failures ? "failed" : "passed");
	fflush(stdout);
}

int bare_run_tests(const CMUnitTest *test, size_t n, int (*teardown)(void **state))
{
	int failed = 0;
	for (size_t i = 0; i < n; i++) {
		run_test(&test[i]);
		failed += failures != 0;
	}
	return failed + (teardown && teardown(NULL) != 0);
}

fv_ctx *test_ctx(void)
{
	fv_ctx *ctx = core_ctx_new();
	if (!ctx)
		bare_end_test("out of memory", __FILE__, __LINE__);
	return ctx;
}

void test_ok_(fv_ctx *ctx, fv_status status, const char *file, int line)
{
	if (status)
		bare_end_test(
			core_error_count(ctx) ? core_error_line(ctx, 0) : "failed", file, line);
}
