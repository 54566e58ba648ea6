/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_FENCE_PRIVATE_H
#define CORE_BASE_FENCE_PRIVATE_H

#include <stdbool.h>

/* Returns the byte that lies before arrays called `name`, or behind them. */
unsigned char core_fence_get_mark(const char *name, bool behind);

#endif
