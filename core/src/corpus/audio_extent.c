/* SPDX-License-Identifier: Apache-2.0 */
/* Files whose header says where they end. libsndfile reads fewer samples than stated, or leaves what
 * follows them unread, without a word: NIST SPHERE, AIFF, AU and W64. */
#include <string.h>

#include "base/little_endian.h"
#include "base/number.h"
#include "corpus/audio_source.h"

#define TRAILING_MAX 4096 /* bytes behind the end that may be anything: tags, padding */
#define SPHERE_HEADER_MAX 16384

static uint64_t read_big(const uint8_t *b)
{
	return (uint64_t)b[0] << 24 | (uint64_t)b[1] << 16 | (uint64_t)b[2] << 8 | b[3];
}

/* The value of a field of a SPHERE header, which is lines of "NAME -TYPE VALUE"; NULL: it has none. */
static const char *find_field(const char *header, const char *name)
{
	size_t size = strlen(name);
	for (const char *line = header; (line = strchr(line, '\n'));) {
		line++;
		if (strncmp(line, name, size) || line[size] != ' ')
			continue;
		const char *type = line + size + 1, *value = strchr(type, ' ');
		const char *end = strchr(type, '\n');
		return value && end && value < end ? value + 1 : NULL;
	}
	return NULL;
}

static uint64_t read_field(const char *header, const char *name)
{
	const char *value = find_field(header, name);
	return value ? core_parse_leading_int(value) : 0;
}

/* Reads the header as a text. False for a file that is no SPHERE. */
static bool read_sphere(core_source *s, char header[SPHERE_HEADER_MAX + 1])
{
	ssize_t n = core_source_bytes(s, 0, header, SPHERE_HEADER_MAX);
	if (n < 16 || memcmp(header, "NIST_1A\n", 8))
		return false;
	header[n] = '\0';
	char *end = strstr(header, "end_head");
	if (end)
		*end = '\0';
	return true;
}

/* Bytes up to the last sample that a SPHERE header states; -1: not stated. */
static int64_t measure_sphere(core_source *s)
{
	char header[SPHERE_HEADER_MAX + 1];
	if (!read_sphere(s, header))
		return -1;
	uint64_t start = core_parse_leading_int(header + 8 + strspn(header + 8, " "));
	uint64_t samples = read_field(header, "sample_count");
	uint64_t size = read_field(header, "sample_n_bytes"),
		 channels = read_field(header, "channel_count");
	if (!samples || !size || size > 8 || !channels || channels > 64 ||
		samples > INT64_MAX / 1024)
		return -1;
	return (int64_t)(start + samples * size * channels);
}

/* Bytes that the outermost header of an AIFF, AU or W64 file states; -1: none, or not known when it
 * was written. */
static int64_t measure_container(core_source *s)
{
	uint8_t start[24];
	if (core_source_bytes(s, 0, start, sizeof start) != (ssize_t)sizeof start)
		return -1;
	if (!memcmp(start, "FORM", 4) && read_big(start + 4))
		return (int64_t)read_big(start + 4) + 8;
	if (!memcmp(start, ".snd", 4) && read_big(start + 8) && read_big(start + 8) != 0xffffffff)
		return (int64_t)(read_big(start + 4) + read_big(start + 8));
	if (!memcmp(start, "riff\x2e\x91\xcf\x11", 8)) {
		uint64_t size = core_read_little(start + 16, 8);
		return size && size < INT64_MAX ? (int64_t)size : -1;
	}
	return -1;
}

fv_status core_extent_check(core_source *s)
{
	int64_t sphere = measure_sphere(s), stated = sphere >= 0 ? sphere : measure_container(s);
	if (sphere > s->bytes)
		return fv_fail(s->ctx, FV_DATA,
			"%s: damaged or cut short: its header says %lld bytes, the file has %lld",
			s->path, (long long)sphere, (long long)s->bytes);
	if (stated < 0 || s->bytes - stated <= TRAILING_MAX)
		return FV_OK;
	return fv_fail(s->ctx, FV_DATA,
		"%s: its header says %lld bytes, and %lld more bytes follow: the program that "
		"wrote it did not complete the header, or something was appended",
		s->path, (long long)stated, (long long)(s->bytes - stated));
}

const char *core_sphere_explain(core_source *s)
{
	char header[SPHERE_HEADER_MAX + 1];
	const char *coding = read_sphere(s, header) ? find_field(header, "sample_coding") : NULL;
	if (!coding || !strstr(coding, "shorten"))
		return NULL;
	return "its samples are compressed by shorten, which is not read";
}
