/* SPDX-License-Identifier: Apache-2.0 */
/* What a WAVE header says about the file, beyond what libsndfile tells: RIFF, its big-endian form
 * RIFX, and RF64 with sizes of 64 bits (EBU Tech 3306). */
#include <ctype.h>
#include <string.h>

#include "base/little_endian.h"
#include "corpus/audio_source.h"

#define CHUNK_HEADER 8
#define ENDLESS 0x7fff0000u /* sizes from here on mean: not known when the header was written */
#define SIZE_IN_DS64 0xffffffffu
#define TRAILING_MAX 4096 /* bytes behind the chunks that may be anything: tags, padding */
#define CODING_MPEG 0x50
#define CODING_MP3 0x55

struct facts {
	bool big_endian;
	bool has_format, has_data;
	uint32_t coding;    /* format tag */
	int64_t stated;     /* size of the data in RF64; -1: not stated */
	int64_t data_at;    /* where the samples begin */
	int64_t data_size;  /* as stated; -1: not known when the header was written */
	int64_t behind;     /* bytes behind the data that begin no chunk */
	int64_t next_data;  /* where a second chunk of samples begins; 0: there is none */
	int64_t next_start; /* where another WAVE file begins behind this one; 0: there is none */
};

static bool read_at(core_source *s, int64_t at, uint8_t *bytes, size_t n)
{
	return core_source_bytes(s, at, bytes, n) == (ssize_t)n;
}

static uint32_t read_number(const uint8_t *bytes, int n, bool big_endian)
{
	uint32_t value = 0;
	for (int i = 0; big_endian && i < n; i++)
		value = value << 8 | bytes[i];
	return big_endian ? value : (uint32_t)core_read_little(bytes, n);
}

/* Does a chunk begin here: a printable name and a size that fits? */
static bool is_chunk(const uint8_t *header, int64_t at, int64_t bytes, bool big_endian)
{
	for (int i = 0; i < 4; i++)
		if (!isprint(header[i]))
			return false;
	return at + CHUNK_HEADER + (int64_t)read_number(header + 4, 4, big_endian) <= bytes;
}

static void read_format(core_source *s, int64_t at, uint32_t size, struct facts *out)
{
	uint8_t fmt[26];
	out->has_format = size >= 2 && read_at(s, at, fmt, 2);
	out->coding = out->has_format ? read_number(fmt, 2, out->big_endian) : 0;
	/* WAVE_FORMAT_EXTENSIBLE has the coding in a later field. */
	if (out->coding == 0xfffe && size >= sizeof fmt && read_at(s, at, fmt, sizeof fmt))
		out->coding = read_number(fmt + 24, 2, out->big_endian);
}

/* Reads the size of the data, behind that of the file. */
static void read_long_sizes(core_source *s, int64_t at, struct facts *out)
{
	uint8_t sizes[16];
	uint64_t size = read_at(s, at, sizes, sizeof sizes) ? core_read_little(sizes + 8, 8) : 0;
	out->stated = size < INT64_MAX / 2 ? (int64_t)size : -1;
}

static void add_data(uint32_t size, int64_t at, struct facts *out)
{
	out->has_data = true;
	out->data_at = at;
	out->data_size = size < ENDLESS ? (int64_t)size : -1;
	if (size == SIZE_IN_DS64)
		out->data_size = out->stated;
}

/* Reads one chunk. Returns where the next one begins. */
static int64_t read_chunk(core_source *s, int64_t at, const uint8_t *header, struct facts *out)
{
	uint32_t size = read_number(header + 4, 4, out->big_endian);
	int64_t start = at + CHUNK_HEADER, next = start + (int64_t)size;
	if (!memcmp(header, "fmt ", 4) && !out->has_data)
		read_format(s, start, size, out);
	if (!memcmp(header, "ds64", 4))
		read_long_sizes(s, start, out);
	if (!memcmp(header, "data", 4) && out->has_data && !out->next_data)
		out->next_data = at;
	if (!memcmp(header, "data", 4) && !out->has_data) {
		add_data(size, start, out);
		next = out->data_size < 0 ? s->bytes : start + out->data_size;
	}
	/* Some programs write no padding byte behind an odd number of bytes. */
	uint8_t after[CHUNK_HEADER];
	bool odd = (next - start) & 1;
	bool unpadded = odd && read_at(s, next, after, sizeof after) &&
			is_chunk(after, next, s->bytes, out->big_endian);
	return next + (odd && !unpadded);
}

/* Reads the chunks, and looks at what follows the samples. */
static void read_facts(core_source *s, struct facts *out)
{
	uint8_t header[CHUNK_HEADER];
	for (int64_t at = 12; read_at(s, at, header, sizeof header);) {
		if (out->has_data && !memcmp(header, "RIFF", 4) && !out->next_start)
			out->next_start = at;
		if (out->has_data && !is_chunk(header, at, s->bytes, out->big_endian)) {
			out->behind = s->bytes - at;
			return;
		}
		at = read_chunk(s, at, header, out);
	}
}

/* False for a file that is no WAVE. */
static bool find_facts(core_source *s, struct facts *out)
{
	uint8_t start[12];
	*out = (struct facts){.stated = -1};
	if (!read_at(s, 0, start, sizeof start) || memcmp(start + 8, "WAVE", 4))
		return false;
	out->big_endian = !memcmp(start, "RIFX", 4);
	if (memcmp(start, "RIFF", 4) && memcmp(start, "RF64", 4) && !out->big_endian)
		return false;
	read_facts(s, out);
	return true;
}

static fv_status check_size(const core_source *s, const struct facts *f)
{
	int64_t present = s->bytes - f->data_at;
	if (!f->data_size && f->behind)
		return fv_fail(s->ctx, FV_DATA,
			"%s: its header says 0 samples, and %lld bytes follow: the program that "
			"wrote "
			"it did not complete the header: convert it, for example with ffmpeg -i IN "
			"OUT.wav",
			s->path, (long long)f->behind);
	if (f->data_size > present)
		return fv_fail(s->ctx, FV_DATA,
			"%s: damaged or cut short: %lld of %lld bytes of samples", s->path,
			(long long)present, (long long)f->data_size);
	if (f->behind > TRAILING_MAX)
		return fv_fail(s->ctx, FV_DATA,
			"%s: its header says %lld bytes of samples, and %lld more bytes follow "
			"that "
			"are nothing known: the program that wrote it did not complete the header, "
			"or something was appended",
			s->path, (long long)f->data_size, (long long)f->behind);
	return FV_OK;
}

fv_status core_wav_check(core_source *s)
{
	struct facts f;
	uint8_t start[3];
	bool found = find_facts(s, &f);
	if (!found && read_at(s, 0, start, sizeof start) && !memcmp(start, "ID3", sizeof start))
		return fv_fail(s->ctx, FV_DATA,
			"%s: an ID3v2 tag is in front of its WAVE header: convert it, for example "
			"with ffmpeg -i IN OUT.wav",
			s->path);
	if (found && !f.has_data)
		return fv_fail(s->ctx, FV_DATA,
			"%s: damaged: a chunk in front of its samples says that it is longer than "
			"the "
			"file",
			s->path);
	if (found && f.next_data) /* libsndfile reads the one or the other */
		return fv_fail(s->ctx, FV_DATA,
			"%s: a WAVE recording, but it has a second chunk of samples, from byte "
			"%lld on",
			s->path, (long long)f.next_data);
	if (!found || f.data_size < 0)
		return FV_OK;
	return check_size(s, &f);
}

bool core_wav_find_mpeg(core_source *s, int64_t *from, int64_t *to)
{
	struct facts f;
	if (!find_facts(s, &f) || !f.has_data ||
		(f.coding != CODING_MP3 && f.coding != CODING_MPEG))
		return false;
	*from = f.data_at;
	*to = f.data_size < 0 || f.data_size > s->bytes - f.data_at ? s->bytes
								    : f.data_at + f.data_size;
	return true;
}

/* Why the samples of a sound header cannot be read; NULL: nothing known. */
static const char *explain_coding(core_source *s, uint32_t coding)
{
	static const struct {
		uint32_t coding;
		const char *name;
	} known[] = {{0xff, "AAC"}, {0x1610, "AAC"}, {0x160, "Windows Media Audio"},
		{0x161, "Windows Media Audio"}, {0x162, "Windows Media Audio"}, {0x2000, "AC-3"},
		{0x22, "TrueSpeech"}, {0x42, "G.723.1"}, {0x83, "G.729"}, {0x674f, "Vorbis"},
		{0xa109, "Speex"}};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++)
		if (known[i].coding == coding)
			return core_format(s->ctx,
				"its samples are coded as %s (0x%04x), which is "
				"not read in WAVE",
				known[i].name, (unsigned)coding);
	return NULL;
}

const char *core_wav_explain(core_source *s)
{
	struct facts f;
	if (!find_facts(s, &f))
		return NULL;
	if (!f.has_format)
		return "its header ends before the description of the samples";
	const char *reason = explain_coding(s, f.coding);
	if (reason)
		return reason;
	if (!f.has_data)
		return "it ends before its samples";
	if (f.next_start)
		return core_format(s->ctx, "another WAVE file follows from byte %lld on",
			(long long)f.next_start);
	if (f.next_data)
		return core_format(s->ctx, "it has a second chunk of samples, from byte %lld on",
			(long long)f.next_data);
	return core_format(
		s->ctx, "its header is damaged, or its coding 0x%04x is not read", f.coding);
}
