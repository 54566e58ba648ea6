/* SPDX-License-Identifier: Apache-2.0 */
#include "device.h"

__attribute__((weak)) core_device *test_device(void)
{
	return core_device_cpu();
}
