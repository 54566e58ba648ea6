/* SPDX-License-Identifier: Apache-2.0 */
/* What libsndfile passes over in FLAC files: a second stream behind the first, and a cut last frame
 * where the header does not state how many samples there are. Frames end with a CRC-16 of
 * themselves and have a header with a CRC-8 (RFC 9639). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "corpus/audio_source.h"
#include "corpus/mp3_tags.h"

#define TAIL_BYTES ((int64_t)2 << 20) /* more than the longest frame */
#define FRAME_HEADER_MAX 16
#define STREAM_START "fLaC\0\0\0\x22"        /* with the block STREAMINFO of 34 bytes behind it */
#define STREAM_START_LAST "fLaC\x80\0\0\x22" /* the only block */
#define STREAM_START_BYTES 8

static uint32_t add_to_crc(uint32_t crc, uint8_t byte, int bits, uint32_t polynomial)
{
	crc ^= (uint32_t)byte << (bits - 8);
	for (int i = 0; i < 8; i++)
		crc = crc >> (bits - 1) & 1 ? crc << 1 ^ polynomial : crc << 1;
	return crc & ((1u << bits) - 1);
}

/* Bytes of the frame header without its CRC-8; 0: none begins here. */
static int64_t measure_frame_header(const uint8_t *p, int64_t left)
{
	if (left < FRAME_HEADER_MAX || p[0] != 0xff || (p[1] & 0xfe) != 0xf8)
		return 0;
	int64_t n = 5; /* the number behind the first four bytes is coded like UTF-8 */
	for (uint8_t lead = p[4]; (lead & 0xc0) == 0xc0 && n < 11; lead = (uint8_t)(lead << 1))
		n++;
	int block = p[2] >> 4, rate = p[2] & 15;
	n += block == 6 ? 1 : block == 7 ? 2 : 0;
	n += rate == 12 ? 1 : rate == 13 || rate == 14 ? 2 : 0;
	return block && rate != 15 ? n : 0;
}

static bool is_frame_header(const uint8_t *p, int64_t left)
{
	int64_t n = measure_frame_header(p, left);
	uint32_t crc = 0;
	for (int64_t i = 0; i < n; i++)
		crc = add_to_crc(crc, p[i], 8, 0x07);
	return n && crc == p[n];
}

/* Does the file end with a whole frame? */
static bool ends_with_frame(const uint8_t *tail, int64_t n)
{
	for (int64_t at = n - FRAME_HEADER_MAX; at >= 0; at--) {
		if (!is_frame_header(tail + at, n - at))
			continue;
		uint32_t crc = 0;
		for (int64_t i = at; i < n - 2; i++)
			crc = add_to_crc(crc, tail[i], 16, 0x8005);
		if (crc == ((uint32_t)tail[n - 2] << 8 | tail[n - 1]))
			return true;
	}
	return false;
}

static bool is_stream_start(const uint8_t *p)
{
	return !memcmp(p, STREAM_START, STREAM_START_BYTES) ||
	       !memcmp(p, STREAM_START_LAST, STREAM_START_BYTES);
}

/* Counts the streams that begin in the bytes; *last: where the last does, from `at` on. */
static int32_t count_streams(const uint8_t *bytes, int64_t n, int64_t at, int64_t *last)
{
	int32_t count = 0;
	for (const uint8_t *p = bytes; n - (p - bytes) >= STREAM_START_BYTES; p++) {
		p = memchr(p, 'f', (size_t)(n - (p - bytes)));
		if (!p || n - (p - bytes) < STREAM_START_BYTES)
			break;
		if (is_stream_start(p)) {
			count++;
			*last = at + (p - bytes);
		}
	}
	return count;
}

/* Reads the file from its end in steps of TAIL_BYTES. */
static fv_status check_bytes(core_source *s, uint8_t *bytes)
{
	int32_t streams = 0;
	int64_t last = 0, end = s->bytes;
	for (bool first = true; end > 0; first = false) {
		int64_t at = end > TAIL_BYTES ? end - TAIL_BYTES : 0, n = end - at;
		if (core_source_bytes(s, at, bytes, (size_t)n) != n)
			return fv_fail(
				s->ctx, FV_DATA, "%s: cannot read: %s", s->path, strerror(errno));
		if (first && s->frames < 0 && !ends_with_frame(bytes, core_trim_tags(bytes, n)))
			return fv_fail(s->ctx, FV_DATA,
				"%s: damaged or cut short: its last frame is not whole", s->path);
		int64_t found = 0;
		int32_t more = count_streams(bytes, n, at, &found);
		last = streams || !more ? last : found;
		streams += more;
		end = at ? at + STREAM_START_BYTES - 1 : 0;
	}
	if (streams <= 1)
		return FV_OK;
	return fv_fail(s->ctx, FV_DATA,
		"%s: %d FLAC streams one after the other, the last from byte %lld on: convert "
		"each, "
		"and join them then",
		s->path, (int)streams, (long long)last);
}

fv_status core_flac_check(core_source *s)
{
	uint8_t *bytes = malloc((size_t)TAIL_BYTES);
	if (!bytes)
		return fv_fail(s->ctx, FV_FAILED, "%s: out of memory", s->path);
	fv_status status = check_bytes(s, bytes);
	free(bytes);
	return status;
}
