/* SPDX-License-Identifier: Apache-2.0 */
/* Recordings, videos and images. */
#include "base/content_private.h"

static const struct {
	const char *start;
	size_t size;
	size_t offset; /* of a second mark */
	const char *mark;
	const char *name;
} kinds[] = {
	{"RIFF", 4, 8, "WAVE", "a WAVE recording"},
	{"RIFX", 4, 8, "WAVE", "a WAVE recording"},
	{"RF64", 4, 8, "WAVE", "a WAVE recording"},
	{"BW64", 4, 8, "WAVE", "a WAVE recording"},
	{"riff\x2e\x91\xcf\x11", 8, 0, "", "a WAVE64 recording"},
	{"RIFF", 4, 8, "AVI ", "an AVI video"},
	{"RIFF", 4, 8, "WEBP", "a WebP image"},
	{"RIFF", 4, 0, "", "a RIFF file"},
	{"FORM", 4, 8, "AIFF", "an AIFF recording"},
	{"FORM", 4, 8, "AIFC", "an AIFF recording"},
	{"fLaC", 4, 0, "", "a FLAC recording"},
	{"OggS\0", 5, 28, "OpusHead", "an Opus recording in Ogg"},
	{"OggS\0", 5, 28, "\x01vorbis", "a Vorbis recording in Ogg"},
	{"OggS\0", 5, 28,
		"\x7f"
		"FLAC",
		"a FLAC recording in Ogg"},
	{"OggS\0", 5, 28, "Speex  ", "a Speex recording in Ogg"},
	{"OggS\0", 5, 0, "", "an Ogg file"},
	{".snd\0\0\0", 7, 0, "", "an AU recording"},
	{"caff\0\1", 6, 0, "", "a CAF recording"},
	{"NIST_1A\n", 8, 0, "", "a NIST SPHERE recording"},
	{"#!AMR", 5, 0, "", "an AMR recording"},
	{"\x30\x26\xb2\x75\x8e\x66\xcf\x11", 8, 0, "", "a Windows Media file (wma, wmv)"},
	{"FLV\1", 4, 0, "", "a Flash video (flv)"},
	{"\0\0\1\xba", 4, 0, "", "an MPEG video"},
	{"\x89PNG\r\n\x1a\n", 8, 0, "", "a PNG image"},
	{"\xff\xd8\xff", 3, 0, "", "a JPEG image"},
	{"GIF87a", 6, 0, "", "a GIF image"},
	{"GIF89a", 6, 0, "", "a GIF image"},
};

/* ISO media files: a box of type ftyp with the brand, or the boxes of old QuickTime files. */
static const char *name_boxes(const uint8_t *start, size_t n)
{
	static const struct {
		const char *brand, *name;
	} brands[] = {
		{"M4A ", "an M4A recording (MPEG-4 audio)"},
		{"M4B ", "an M4A recording (MPEG-4 audio)"},
		{"qt  ", "a QuickTime video (mov)"},
		{"3gp", "a 3GP video"},
		{"heic", "a HEIC image"},
		{"avif", "an AVIF image"},
	};
	if (core_has(start, n, 4, "ftyp")) {
		for (size_t i = 0; i < sizeof brands / sizeof *brands; i++)
			if (core_has_bytes(start, n, 8, brands[i].brand, strlen(brands[i].brand)))
				return brands[i].name;
		return "an MP4 video (MPEG-4)";
	}
	bool box = core_has(start, n, 4, "moov") || core_has(start, n, 4, "mdat") ||
		   core_has(start, n, 4, "wide");
	return box && start[0] == 0 ? "a QuickTime video (mov)" : NULL;
}

/* Matroska names its kind in the first element, as EBML's DocType. */
static const char *name_matroska(const uint8_t *start, size_t n)
{
	if (!core_has(start, n, 0, "\x1a\x45\xdf\xa3"))
		return NULL;
	for (size_t at = 4; at + 4 < n && at < 64; at++)
		if (core_has(start, n, at, "webm"))
			return "a WebM video";
	return "a Matroska video (mkv)";
}

/* The header of a frame: eleven ones, then version, layer, rate index and sampling index, of which
 * some values do not exist. */
static const char *name_frame(const uint8_t *start, size_t n)
{
	if (n < 4 || start[0] != 0xff)
		return NULL;
	if ((start[1] & 0xf6) == 0xf0)
		return "an AAC recording";
	bool header = (start[1] & 0xe0) == 0xe0 && (start[1] & 0x18) != 0x08 &&
		      (start[1] & 0x06) != 0 && (start[2] & 0xf0) != 0xf0 &&
		      (start[2] & 0x0c) != 0x0c;
	bool third = (start[1] & 0x06) == 0x02;
	return !header ? NULL : third ? "an MP3 recording" : "an MPEG recording (layer I or II)";
}

/* Is it text that begins with the letters of a mark? Behind these, all but two kinds have sizes or versions, with bytes
 * that no text has. */
static bool is_text_behind_mark(const uint8_t *start, size_t n)
{
	if (core_has(start, n, 0, "NIST_1A") || core_has(start, n, 0, "#!AMR"))
		return false;
	for (size_t i = 0; i < n && i < 64; i++)
		if (start[i] < '\t' || (i < 8 && start[i] >= 0x80))
			return false;
	return true;
}

const char *core_media_content(const uint8_t *start, size_t n)
{
	if (is_text_behind_mark(start, n))
		return NULL;
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (core_has_bytes(start, n, 0, kinds[i].start, kinds[i].size) &&
			core_has_bytes(
				start, n, kinds[i].offset, kinds[i].mark, strlen(kinds[i].mark)))
			return kinds[i].name;
	if (core_has(start, n, 0, "ID3") && n >= 10 && start[3] < 0x10 && start[6] < 0x80)
		return "an MP3 recording";
	const char *name = name_boxes(start, n);
	if (!name)
		name = name_matroska(start, n);
	return name ? name : name_frame(start, n);
}
