/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of operations use of tests/support and of cmocka, for machines that have neither. */
#ifndef BARE_SUPPORT_H
#define BARE_SUPPORT_H

#include <stddef.h>

#include "base/context.h"

typedef struct CMUnitTest {
	const char *name;
	void (*run)(void **state);
} CMUnitTest;

#define cmocka_unit_test(function)                                                                 \
	{                                                                                          \
#function, function                                                                \
	}
#define cmocka_run_group_tests(tests, setup, teardown)                                             \
	bare_run_tests(tests, sizeof(tests) / sizeof *(tests), teardown)
/* Returns how many tests failed, and one more if `teardown` does. */
int bare_run_tests(const CMUnitTest *test, size_t n, int (*teardown)(void **state));

/* Prints a failure; the test goes on. */
void fail_msg(const char *format, ...) FV_PRINTF(1, 2);
/* Prints a failure and ends the test. */
_Noreturn void bare_end_test(const char *what, const char *file, int line);

#define assert_true(x) ((x) ? (void)0 : bare_end_test(#x, __FILE__, __LINE__))
#define assert_non_null(x) assert_true((x) != NULL)

fv_ctx *test_ctx(void);
/* Ends the test, with the context's message, unless status is FV_OK. */
void test_ok_(fv_ctx *ctx, fv_status status, const char *file, int line);
#define test_ok(ctx, status) test_ok_(ctx, status, __FILE__, __LINE__)

#endif
