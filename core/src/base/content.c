/* SPDX-License-Identifier: Apache-2.0 */
#include "base/content.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/content_private.h"
#include "base/io.h"
#include "base/utf8.h"

#define START_SIZE 4096 /* bytes of a file that are looked at */
#define QUOTED 60       /* bytes of a text that are quoted */

/* Files whose first bytes alone tell what they are. */
#define MAGIC(bytes, name)                                                                         \
	{                                                                                          \
		bytes, sizeof(bytes) - 1, name                                                     \
	}
static const struct magic {
	const char *bytes;
	size_t size;
	const char *name;
} magics[] = {
	MAGIC("\x1f\x8b", "a gzip archive"),
	MAGIC("BZh91AY&SY", "a bzip2 archive"),
	MAGIC("\xfd"
	      "7zXZ\0",
		"an xz archive"),
	MAGIC("\x28\xb5\x2f\xfd", "a zstd archive"),
	MAGIC("\x04\x22\x4d\x18", "an lz4 archive"),
	MAGIC("7z\xbc\xaf\x27\x1c", "a 7z archive"),
	MAGIC("Rar!\x1a\x07", "a RAR archive"),
	MAGIC("PK\5\6", "an empty zip archive"),
	MAGIC("\x93NUMPY", CORE_CONTENT_NPY),
	MAGIC("\x89HDF\r\n\x1a\n", "an HDF5 file"),
	MAGIC("MATLAB 5.0 MAT-file", "a MATLAB file"),
	MAGIC("MATLAB 7.3 MAT-file", "a MATLAB file"),
	MAGIC("PAR1\x15", "a Parquet table"),
	MAGIC("ARROW1\0\0", "an Arrow table"),
	MAGIC("\xff\xff\xff\xff\x10\x00\x00\x00", "an Arrow table"),
	MAGIC("SQLite format 3\0", "an SQLite database"),
	MAGIC("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Office file (xls, doc)"),
	MAGIC("\x7f"
	      "ELF",
		"an ELF program or library"),
	MAGIC("%PDF-", "a PDF document"),
	MAGIC("{\\rtf1", "an RTF document"),
	MAGIC("lmgg", "a GGML model"),
	MAGIC("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e",
		"a PyTorch file in the form before 1.6"),
	MAGIC("RDX3\n", "an R data file"),
	MAGIC("RDX2\n", "an R data file"),
};

static const char *find_magic(const uint8_t *start, size_t n)
{
	for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
		if (core_has_bytes(start, n, 0, magics[i].bytes, magics[i].size))
			return magics[i].name;
	return NULL;
}

/* A tar archive has its mark behind the first file's name. */
static const char *name_late_mark(const uint8_t *start, size_t n)
{
	return core_has(start, n, 257, "ustar") ? "a tar archive" : NULL;
}

static const char *name_zeros(const uint8_t *start, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (start[i])
			return NULL;
	return n >= 16 ? "a file that starts with zero bytes (a download that broke off?)" : NULL;
}

const char *core_content_name(const void *file, size_t n)
{
	const uint8_t *start = file;
	if (n == 0)
		return "an empty file";
	const char *name = find_magic(start, n);
	if (!name)
		name = core_zip_content(start, n);
	if (!name)
		name = core_text_content(start, n);
	if (!name)
		name = core_media_content(start, n);
	if (!name)
		name = core_model_content(start, n);
	if (!name)
		name = name_late_mark(start, n);
	return name ? name : name_zeros(start, n);
}

/* Bytes of the first line that is not empty, and where it starts. */
static size_t find_line(const uint8_t *start, size_t n, size_t *at)
{
	size_t from = core_has(start, n, 0, "\xef\xbb\xbf") ? 3 : 0;
	while (from < n && (start[from] == '\n' || start[from] == '\r'))
		from++;
	size_t to = from;
	while (to < n && start[to] != '\n' && start[to] != '\r')
		to++;
	*at = from;
	return to - from;
}

/* UTF-8 without control characters. Behind what is quoted, the last character may be cut off. */
static bool is_text(const uint8_t *start, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t length = core_utf8_length(start + i, n - i);
		if (!length)
			return i > QUOTED && n - i < 4 && start[i] >= 0xc2;
		if (!start[i] || start[i] == 0x7f ||
			(start[i] < 0x20 && !strchr("\t\n\r\f", start[i])))
			return false;
		i += length;
	}
	return true;
}

static size_t count_byte(const uint8_t *start, size_t n, uint8_t byte)
{
	size_t count = 0;
	for (size_t i = 0; i < n; i++)
		count += start[i] == byte;
	return count;
}

/* True if the first two lines have the same separator equally often. */
static bool is_table(const uint8_t *start, size_t n)
{
	size_t at, second, size = find_line(start, n, &at);
	size_t size2 = find_line(start + at + size, n - at - size, &second);
	const uint8_t *header = start + at, *row = header + size + second;
	for (const char *separator = ",;\t"; size2 && *separator; separator++) {
		size_t count = count_byte(header, size, (uint8_t)*separator);
		if (count && count == count_byte(row, size2, (uint8_t)*separator))
			return true;
	}
	return false;
}

const char *core_content_describe(fv_ctx *ctx, const void *file, size_t n)
{
	const uint8_t *start = file;
	const char *name = core_content_name(file, n);
	if (name || !is_text(start, n))
		return name;
	size_t at, size = find_line(start, n, &at), kept = size < QUOTED ? size : QUOTED;
	if (!size)
		return "a file of empty lines";
	while (kept < size && (start[at + kept] & 0xc0) == 0x80)
		kept--; /* whole characters */
	return core_format(ctx, "%s: '%.*s%s'", is_table(start, n) ? "a table of text" : "text",
		(int)kept, (const char *)start + at, kept < size ? "..." : "");
}

const char *core_content_of_file(fv_ctx *ctx, const char *path)
{
	int fd = core_open_regular(path, NULL);
	if (fd < 0)
		return NULL;
	uint8_t start[START_SIZE];
	ssize_t n = core_read_fully(fd, start, sizeof start);
	close(fd);
	return n < 0 ? NULL : core_content_describe(ctx, start, (size_t)n);
}
