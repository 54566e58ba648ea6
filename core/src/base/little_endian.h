/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers in files that store the lowest byte first. */
#ifndef CORE_BASE_LITTLE_ENDIAN_H
#define CORE_BASE_LITTLE_ENDIAN_H

#include <stdint.h>

/* The number in the next `bytes` bytes (1 to 8). */
static inline uint64_t core_read_little(const unsigned char *b, int bytes)
{
	uint64_t value = 0;
	while (bytes-- > 0)
		value = value << 8 | b[bytes];
	return value;
}

#endif
