/* SPDX-License-Identifier: Apache-2.0 */
/* Text that is another thing than it was taken for: pointers, pages, markup, other encodings. */
#include <ctype.h>

#include "base/content.h"
#include "base/content_private.h"

#define UNITS 64 /* characters of UTF-16 and UTF-32 that are looked at */

/* True if the text at an offset starts with `word` (in lower case), in any case. */
static bool has_word(const uint8_t *start, size_t n, size_t offset, const char *word)
{
	size_t size = strlen(word);
	if (n < size || offset > n - size)
		return false;
	for (size_t i = 0; i < size; i++)
		if (tolower(start[offset + i]) != word[i])
			return false;
	return true;
}

static size_t skip_blanks(const uint8_t *start, size_t n, size_t at)
{
	while (at < n && start[at] && strchr(" \t\r\n", start[at]))
		at++;
	return at;
}

static const char *name_markup(const uint8_t *start, size_t n, size_t at)
{
	static const char *const html[] = {"<!doctype html", "<html", "<head", "<body", "<title"};
	size_t from = at;
	if (has_word(start, n, at, "<?xml"))
		while (from < n && start[from] != '>')
			from++;
	if (from < n && start[from] == '>')
		from = skip_blanks(start, n, from + 1);
	for (size_t i = 0; i < sizeof html / sizeof *html; i++)
		if (has_word(start, n, from, html[i]))
			return "an HTML page";
	if (has_word(start, n, from, "<error>"))
		return "an error message of a server in XML";
	return has_word(start, n, at, "<?xml") || has_word(start, n, at, "<svg") ? "an XML file"
										 : NULL;
}

/* An object starts with a key or ends at once; a list starts with a value, and a number in it must
 * be followed by a comma or the end. */
static const char *name_json(const uint8_t *start, size_t n, size_t at)
{
	if (at >= n || (start[at] != '{' && start[at] != '['))
		return NULL;
	size_t next = skip_blanks(start, n, at + 1);
	if (next >= n)
		return NULL;
	bool json = start[at] == '{' ? start[next] == '"' || start[next] == '}'
				     : start[next] && strchr("\"{[]", start[next]);
	if (!json && start[at] == '[') {
		size_t end = next;
		while (end < n && start[end] && strchr("+-.0123456789eE", start[end]))
			end++;
		size_t after = skip_blanks(start, n, end);
		json = end > next && after < n && (start[after] == ',' || start[after] == ']');
	}
	return json ? CORE_CONTENT_JSON : NULL;
}

/* Pointers that stand for a large file: its content is elsewhere. */
static const char *name_pointer(const uint8_t *start, size_t n)
{
	size_t head = n < 256 ? n : 256;
	if (core_has(start, n, 0, "version ") && memmem(start, head, "\noid sha256:", 12))
		return "a Git LFS pointer, whose file was not downloaded";
	if (core_has(start, n, 0, "/annex/objects/") || core_has(start, n, 0, "../.git/annex/") ||
		core_has(start, n, 0, ".git/annex/"))
		return "a git-annex pointer, whose file was not downloaded";
	if (core_has(start, n, 0, "model_checkpoint_path:"))
		return "the list of files of a TensorFlow checkpoint";
	return core_has(start, n, 0, "-----BEGIN PGP") ? "a PGP message" : NULL;
}

/* True if the characters of `width` bytes, little or big endian, are text of mostly ASCII: no NUL,
 * no control character, three quarters below 128. */
static bool is_wide_text(const uint8_t *start, size_t n, size_t width, bool little)
{
	size_t units = n / width < UNITS ? n / width : UNITS, ascii = 0;
	for (size_t i = 0; i < units; i++) {
		uint32_t unit = 0;
		for (size_t k = 0; k < width; k++)
			unit = unit << 8 | start[width * i + (little ? width - 1 - k : k)];
		if (unit == 0x7f || unit > 0x10ffff)
			return false;
		if (unit < 0x20 && unit != '\t' && unit != '\n' && unit != '\r')
			return false;
		ascii += unit < 0x80;
	}
	return units >= 4 && 4 * ascii >= 3 * units;
}

static const char *name_encoding(const uint8_t *start, size_t n)
{
	if (core_has(start, n, 0, "\xff\xfe\0\0") || core_has(start, n, 0, "\0\0\xfe\xff") ||
		is_wide_text(start, n, 4, true) || is_wide_text(start, n, 4, false))
		return "text in UTF-32";
	if (core_has(start, n, 0, "\xff\xfe") || core_has(start, n, 0, "\xfe\xff") ||
		is_wide_text(start, n, 2, true) || is_wide_text(start, n, 2, false))
		return "text in UTF-16";
	return NULL;
}

const char *core_text_content(const uint8_t *start, size_t n)
{
	const char *name = name_encoding(start, n);
	if (name)
		return name;
	size_t mark = core_has(start, n, 0, "\xef\xbb\xbf") ? 3 : 0;
	name = name_pointer(start + mark, n - mark);
	size_t at = skip_blanks(start, n, mark);
	if (!name)
		name = name_markup(start, n, at);
	return name ? name : name_json(start, n, at);
}
