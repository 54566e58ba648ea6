/* SPDX-License-Identifier: Apache-2.0 */
/* Linked into tests of encoders, which then compute on the emulated GPU. FAIRVOX_TEST_FILTER chooses the tests that
 * are about what is computed. */
#include <stdlib.h>

#include "device.h"
#include "emulated.h"
#include "support.h"

enum { ROWS = 64 };

extern const core_device_module fairvox_device_module;

static core_device *device;

static void close_device(void)
{
	fairvox_device_module.close(device);
}

core_device *test_device(void)
{
	if (device)
		return device;
	fv_ctx *ctx = core_ctx_new();
	assert_non_null(ctx);
	emulated_reset();
	test_ok(ctx, fairvox_device_module.open(ctx, 0, ROWS, &device));
	core_ctx_free(ctx);
	assert_int_equal(atexit(close_device), 0);
	return device;
}

__attribute__((constructor)) static void choose_tests(void)
{
	const char *filter = getenv("FAIRVOX_TEST_FILTER");
	if (filter)
		cmocka_set_test_filter(filter);
}
