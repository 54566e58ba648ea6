/* SPDX-License-Identifier: Apache-2.0 */
/* The device that tests of encoders compute on: the processor, unless the test program is linked with another
 * definition of test_device (tests/cuda/emulated_device.c). */
#ifndef TEST_DEVICE_H
#define TEST_DEVICE_H

#include "backend/device.h"

core_device *test_device(void);

#endif
