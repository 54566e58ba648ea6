/* SPDX-License-Identifier: Apache-2.0 */
#include "corpus/mp3_tags.h"

#include <stdbool.h>
#include <string.h>

#include "base/little_endian.h"

#define ID3V1_BYTES 128
#define ID3V2_HEADER 10
#define APE_HEADER 32
#define LYRICS_FOOTER 15 /* six digits and "LYRICS200" */

static bool has_text(const uint8_t *data, int64_t at, int64_t end, const char *text)
{
	int64_t n = (int64_t)strlen(text);
	return at >= 0 && end - at >= n && !memcmp(data + at, text, (size_t)n);
}

/* Bytes of an ID3v2 tag without header and footer: four times seven bits. */
static int64_t read_id3_size(const uint8_t *p)
{
	return (int64_t)(p[0] & 0x7f) << 21 | (int64_t)(p[1] & 0x7f) << 14 |
	       (int64_t)(p[2] & 0x7f) << 7 | (p[3] & 0x7f);
}

int64_t core_measure_id3v2(const uint8_t *data, int64_t n)
{
	if (!has_text(data, 0, n, "ID3") || n < ID3V2_HEADER)
		return 0;
	bool footer = data[5] & 0x10;
	return ID3V2_HEADER + read_id3_size(data + 6) + (footer ? ID3V2_HEADER : 0);
}

int64_t core_skip_tag(const uint8_t *data, int64_t at, int64_t end)
{
	int64_t behind = at + core_measure_id3v2(data + at, end - at);
	if (behind == at && has_text(data, at, end, "TAG") && end - at >= ID3V1_BYTES)
		behind = at + ID3V1_BYTES;
	if (behind == at && has_text(data, at, end, "APETAGEX") && end - at >= APE_HEADER)
		behind = at + APE_HEADER + (int64_t)core_read_little(data + at + 12, 4);
	if (behind == at && at < end && !data[at]) {
		while (behind < end && !data[behind])
			behind++;
		if (behind < end)
			behind = at; /* zeros between frames are damage */
	}
	return behind <= end ? behind : at;
}

int64_t core_skip_tags(const uint8_t *data, int64_t at, int64_t end)
{
	for (;;) {
		int64_t behind = core_skip_tag(data, at, end);
		while (behind < end && !data[behind])
			behind++;
		if (behind == at)
			return at;
		at = behind;
	}
}

/* Bytes of the tag that data[0, end) ends with; 0: none. */
static int64_t measure_last_tag(const uint8_t *data, int64_t end)
{
	int64_t size = 0;
	if (end >= ID3V1_BYTES && has_text(data, end - ID3V1_BYTES, end, "TAG")) {
		size = ID3V1_BYTES;
	} else if (end >= APE_HEADER && has_text(data, end - APE_HEADER, end, "APETAGEX")) {
		const uint8_t *footer = data + end - APE_HEADER;
		bool header = footer[23] & 0x80;
		size = (int64_t)core_read_little(footer + 12, 4) + (header ? APE_HEADER : 0);
	} else if (end >= ID3V2_HEADER && has_text(data, end - ID3V2_HEADER, end, "3DI")) {
		size = read_id3_size(data + end - 4) + 2 * ID3V2_HEADER;
	} else if (end >= LYRICS_FOOTER && has_text(data, end - 9, end, "LYRICS200")) {
		size = LYRICS_FOOTER;
		int64_t stated = 0;
		for (int i = 0; i < 6; i++)
			stated = 10 * stated + (data[end - LYRICS_FOOTER + i] - '0');
		size += stated;
	}
	return size > 0 && size <= end ? size : 0;
}

int64_t core_trim_tags(const uint8_t *data, int64_t size)
{
	for (int64_t tag; (tag = measure_last_tag(data, size));)
		size -= tag;
	return size;
}
