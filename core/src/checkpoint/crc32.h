/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32 as zip files use it (polynomial 0xedb88320, initial and final inversion), eight bytes
 * per step. */
#ifndef CORE_CHECKPOINT_CRC32_H
#define CORE_CHECKPOINT_CRC32_H

#include <stddef.h>
#include <stdint.h>

typedef struct core_crc32 {
	uint32_t table[8][256]; /* [k][b]: CRC of byte b followed by k zero bytes */
} core_crc32;

void core_crc32_init(core_crc32 *crc);
uint32_t core_crc32_compute(const core_crc32 *crc, const unsigned char *data, size_t n);

#endif
