/* SPDX-License-Identifier: Apache-2.0 */
/* Helpers that all test programs share: cmocka, contexts, golden files. */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/context.h"

fv_ctx *test_ctx(void); /* fails the test if memory is out; release with core_ctx_free */

/* Fails, with the context's messages, unless status is FV_OK. */
void test_ok_(fv_ctx *ctx, fv_status status, const char *file, int line);
#define test_ok(ctx, status) test_ok_(ctx, status, __FILE__, __LINE__)

/* Fails unless status is `want` and the first message contains `text`; then clears the messages. */
void test_fails_(fv_ctx *ctx, fv_status status, fv_status want, const char *text, const char *file,
	int line);
#define test_fails(ctx, status, want, text) test_fails_(ctx, status, want, text, __FILE__, __LINE__)

/* Paths of tests/golden/<name> and $FAIRVOX_SHARED/<name>. A missing $FAIRVOX_SHARED folder skips
 * the test (call it only in the body of a test). Both are valid until the next four calls. */
const char *test_golden(const char *name);
const char *test_shared(const char *name);
/* Number of rounds of a random test: `many` with FAIRVOX_LONG=1 (./bootstrap test --long). */
int64_t test_rounds(int64_t few, int64_t many);
/* Makes a new empty folder under the build folder, which is not removed. */
const char *test_folder(const char *name);

json_t *test_json(
	const char *path); /* fails the test if it cannot be read; release with json_decref */

/* Reads a .npy file (C order, little endian, f4 f8 i4 i8 i1 u1) as doubles; release with free(). */
double *test_npy(const char *path, int64_t shape[4], int *rank);

/* |got - want| <= tolerance * max(1, |want|) */
void test_close_(
	double got, double want, double tolerance, const char *what, const char *file, int line);
#define test_close(got, want, tolerance) test_close_(got, want, tolerance, #got, __FILE__, __LINE__)

#endif
