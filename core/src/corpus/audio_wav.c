/* SPDX-License-Identifier: Apache-2.0 */
/* What a WAVE header says about the file, beyond what libsndfile tells. */
#include <ctype.h>
#include <string.h>

#include "base/little_endian.h"
#include "corpus/audio_source.h"

#define CHUNK_HEADER 8
#define ENDLESS 0x7fff0000u /* sizes from here on mean: not known when the header was written */
#define TRAILING_MAX 4096   /* bytes behind the chunks that may be anything: tags, padding */

struct facts {
	bool has_format, has_data;
	uint32_t coding;            /* format tag */
	int64_t data_at, data_size; /* data_size as stated */
	int64_t behind;             /* bytes behind the data that begin no chunk */
};

static bool read_at(const core_source *s, int64_t at, uint8_t *bytes, size_t n)
{
	return core_source_bytes(s, at, bytes, n) == (ssize_t)n;
}

/* Does a chunk begin here: a printable name and a size that fits? */
static bool is_chunk(const uint8_t *header, int64_t at, int64_t bytes)
{
	for (int i = 0; i < 4; i++)
		if (!isprint(header[i]))
			return false;
	return at + CHUNK_HEADER + (int64_t)(uint32_t)core_read_little(header + 4, 4) <= bytes;
}

static void read_format(const core_source *s, int64_t at, uint32_t size, struct facts *out)
{
	uint8_t fmt[26];
	out->has_format = size >= 2 && read_at(s, at, fmt, 2);
	out->coding = out->has_format ? (uint32_t)(fmt[1] << 8 | fmt[0]) : 0;
	/* WAVE_FORMAT_EXTENSIBLE has the coding in a later field. */
	if (out->coding == 0xfffe && size >= sizeof fmt && read_at(s, at, fmt, sizeof fmt))
		out->coding = (uint32_t)(fmt[25] << 8 | fmt[24]);
}

/* Reads the chunks up to the data, and looks at what follows it. */
static void read_facts(const core_source *s, struct facts *out)
{
	uint8_t header[CHUNK_HEADER];
	*out = (struct facts){0};
	for (int64_t at = 12; read_at(s, at, header, sizeof header);) {
		uint32_t size = (uint32_t)core_read_little(header + 4, 4);
		int64_t next = at + CHUNK_HEADER + (int64_t)size + (size & 1);
		if (!memcmp(header, "fmt ", 4))
			read_format(s, at + CHUNK_HEADER, size, out);
		if (!memcmp(header, "data", 4) && !out->has_data) {
			out->has_data = true;
			out->data_at = at + CHUNK_HEADER;
			out->data_size = size;
		} else if (out->has_data && !is_chunk(header, at, s->bytes)) {
			out->behind = s->bytes - at;
			return;
		}
		/* Some programs write no padding byte behind an odd number of bytes. */
		if (next > at + CHUNK_HEADER + size &&
			read_at(s, next - 1, header, sizeof header) &&
			is_chunk(header, next - 1, s->bytes))
			next--;
		at = next;
	}
}

/* False for a file that is no plain WAVE. */
static bool find_facts(const core_source *s, struct facts *out)
{
	uint8_t riff[4];
	bool plain = read_at(s, 0, riff, sizeof riff) && !memcmp(riff, "RIFF", sizeof riff);
	if (plain)
		read_facts(s, out);
	return plain;
}

fv_status core_wav_check(const core_source *s)
{
	struct facts f;
	if (!find_facts(s, &f) || !f.has_data || f.data_size >= ENDLESS)
		return FV_OK;
	if (!f.data_size && f.behind)
		return fv_fail(s->ctx, FV_DATA,
			"%s: its header says 0 samples, and %lld bytes follow: the program that "
			"wrote "
			"it did not complete the header: convert it, for example with ffmpeg -i IN "
			"OUT.wav",
			s->path, (long long)f.behind);
	if (f.behind > TRAILING_MAX)
		return fv_fail(s->ctx, FV_DATA,
			"%s: its header says %lld bytes of samples, and %lld more bytes follow "
			"that "
			"are nothing known: the program that wrote it did not complete the header, "
			"or something was appended",
			s->path, (long long)f.data_size, (long long)f.behind);
	return FV_OK;
}

const char *core_wav_explain(const core_source *s)
{
	static const struct {
		uint32_t coding;
		const char *name;
	} known[] = {{0x50, "MPEG audio"}, {0x55, "MP3"}, {0xff, "AAC"}, {0x1610, "AAC"},
		{0x160, "Windows Media Audio"}, {0x161, "Windows Media Audio"},
		{0x162, "Windows Media Audio"}, {0x2000, "AC-3"}, {0x22, "TrueSpeech"},
		{0x42, "G.723.1"}, {0x83, "G.729"}, {0x674f, "Vorbis"}, {0xa109, "Speex"}};
	struct facts f;
	if (!find_facts(s, &f))
		return NULL;
	if (!f.has_format)
		return "its header ends before the description of the samples";
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i].coding == f.coding)
			return core_format(s->ctx,
				"its samples are coded as %s (0x%04x), which is "
				"not read in WAVE",
				known[i].name, (unsigned)f.coding);
	if (!f.has_data)
		return "it ends before its samples";
	return core_format(
		s->ctx, "its header is damaged, or its coding 0x%04x is not read", f.coding);
}
