/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CORE_BASE_PLURAL_H
#define CORE_BASE_PLURAL_H

#include <stdint.h>

/* The ending of a noun that n counts, as in "%d row%s". */
static inline const char *core_plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

#endif
