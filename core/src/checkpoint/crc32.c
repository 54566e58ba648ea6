/* SPDX-License-Identifier: Apache-2.0 */
#include "checkpoint/crc32.h"

void core_crc32_init(core_crc32 *crc)
{
	for (uint32_t byte = 0; byte < 256; byte++) {
		uint32_t value = byte;
		for (int bit = 0; bit < 8; bit++)
			value = value >> 1 ^ (value & 1 ? UINT32_C(0xedb88320) : 0);
		crc->table[0][byte] = value;
	}
	for (int k = 1; k < 8; k++)
		for (uint32_t byte = 0; byte < 256; byte++) {
			uint32_t before = crc->table[k - 1][byte];
			crc->table[k][byte] = before >> 8 ^ crc->table[0][before & 255];
		}
}

uint32_t core_crc32_compute(const core_crc32 *crc, const unsigned char *data, size_t n)
{
	uint32_t value = UINT32_MAX;
	for (; n >= 8; data += 8, n -= 8) {
		uint32_t low = value ^ ((uint32_t)data[0] | (uint32_t)data[1] << 8 |
					       (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24);
		value = crc->table[7][low & 255] ^ crc->table[6][low >> 8 & 255] ^
			crc->table[5][low >> 16 & 255] ^ crc->table[4][low >> 24] ^
			crc->table[3][data[4]] ^ crc->table[2][data[5]] ^ crc->table[1][data[6]] ^
			crc->table[0][data[7]];
	}
	for (; n; data++, n--)
		value = value >> 8 ^ crc->table[0][(value ^ *data) & 255];
	return ~value;
}
