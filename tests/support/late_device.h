/* SPDX-License-Identifier: Apache-2.0 */
/* Test helper: a device as unlike the CPU as a device may be. Its operations run when they are waited for, in
 * order, by those of the CPU, so that until then its memory holds NaN and what was given must still be there. The
 * n-th allocation can be made to fail. */
#ifndef TEST_LATE_DEVICE_H
#define TEST_LATE_DEVICE_H

#include "backend/device.h"

typedef struct test_late_device {
	core_device device;              /* first */
	int64_t allocations, operations; /* since it was made */
	int64_t fail_at;                 /* the allocation that fails, from 1 on; 0: none */
	int64_t rows;                    /* for tests/modules */
} test_late_device;

test_late_device test_late_device_make(void);

#endif
