/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32 of zip files (polynomial 0xedb88320, both ends inverted), eight bytes a step. */
#ifndef CORE_CHECKPOINT_CRC32_H
#define CORE_CHECKPOINT_CRC32_H

#include <stddef.h>
#include <stdint.h>

typedef struct core_crc32 {
	uint32_t table[8][256]; /* [k][b]: byte b followed by k zero bytes */
} core_crc32;

void core_crc32_prepare(core_crc32 *crc);
uint32_t core_crc32_of(const core_crc32 *crc, const unsigned char *data, size_t n);

#endif
