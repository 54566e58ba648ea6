/* SPDX-License-Identifier: Apache-2.0 */
#include "base/visible.h"

#include <stdio.h>
#include <string.h>

#include <utf8proc.h>

#include "base/utf8.h"

#define ELLIPSIS "…"

/* Decodes the valid character of n bytes at `c`. */
static utf8proc_int32_t decode_character(const unsigned char *c, size_t n)
{
	utf8proc_int32_t point = 0;
	(void)utf8proc_iterate(c, (utf8proc_ssize_t)n, &point);
	return point;
}

/* Is it a control character, a line or paragraph separator, or an invisible one that changes the text around
 * it? The two joiners are part of words in some scripts. */
static bool is_harmful(utf8proc_int32_t point)
{
	switch (utf8proc_category(point)) {
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return true;
	case UTF8PROC_CATEGORY_CF:
		return point != 0x200c && point != 0x200d;
	default:
		return false;
	}
}

static size_t measure_character(utf8proc_int32_t point)
{
	int width = utf8proc_charwidth(point);
	return width > 0 ? (size_t)width : 0;
}

/* Bytes of the character at c that may be shown; 0: none, the next *skipped bytes are to be escaped. */
static size_t measure_shown(const unsigned char *c, size_t left, size_t *skipped)
{
	size_t n = core_utf8_length(c, left);
	bool shown = n && !is_harmful(decode_character(c, n));
	*skipped = shown ? 0 : n ? n : 1;
	return shown ? n : 0;
}

void core_escape(char *out, size_t size, const char *text)
{
	size_t used = 0, left = strlen(text), skipped;
	for (const unsigned char *c = (const unsigned char *)text; left;) {
		size_t n = measure_shown(c, left, &skipped), taken = n + skipped;
		if (used + n + 4 * skipped >= size)
			break;
		memcpy(out + used, c, n);
		used += n;
		for (size_t i = 0; i < skipped; i++)
			used += (size_t)snprintf(out + used, size - used, "\\x%02x", c[i]);
		c += taken;
		left -= taken;
	}
	out[used] = '\0';
}

size_t core_put_visible(core_text *out, const char *text)
{
	size_t width = 0, left = text ? strlen(text) : 0;
	for (const unsigned char *c = (const unsigned char *)text; left;) {
		size_t n = core_utf8_length(c, left);
		utf8proc_int32_t point = n ? decode_character(c, n) : 0;
		if (!n || is_harmful(point)) {
			n = n ? n : 1;
			for (size_t i = 0; i < n; i++)
				core_text_add(out, "\\x%02x", c[i]);
			width += 4 * n;
		} else {
			core_text_put(out, (const char *)c, n);
			width += measure_character(point);
		}
		c += n;
		left -= n;
	}
	return width;
}

void core_put_json(core_text *out, const char *json)
{
	size_t left = strlen(json), skipped;
	for (const unsigned char *c = (const unsigned char *)json; left;) {
		size_t n = *c == '\n' || *c == '\t' ? 1 : measure_shown(c, left, &skipped);
		if (!n) {
			n = core_utf8_length(c, left);
			utf8proc_int32_t point = n ? decode_character(c, n) : 0xfffd;
			n = n ? n : 1;
			if (point < 0x10000)
				core_text_add(out, "\\u%04x", (unsigned)point);
			else
				core_text_add(out, "\\u%04x\\u%04x",
					0xd7c0 + ((unsigned)point >> 10),
					0xdc00 + ((unsigned)point & 0x3ff));
		} else {
			core_text_put(out, (const char *)c, n);
		}
		c += n;
		left -= n;
	}
}

/* Returns the bytes of the longest start of a valid text that takes at most `width` columns, and sets what it
 * takes. Marks stay with the letter before them. */
static size_t find_prefix(const char *text, size_t width, size_t *taken)
{
	size_t at = 0, left = strlen(text);
	for (*taken = 0; left;) {
		const unsigned char *c = (const unsigned char *)text + at;
		size_t n = core_utf8_length(c, left),
		       own = n ? measure_character(decode_character(c, n)) : 1;
		n = n ? n : 1;
		if (*taken + own > width)
			break;
		*taken += own;
		at += n;
		left -= n;
	}
	return at;
}

size_t core_visible_character(const char *visible, size_t *columns)
{
	size_t size = core_utf8_length((const unsigned char *)visible, strlen(visible)), marks,
	       none;
	size = size ? size : 1;
	*columns = measure_character(decode_character((const unsigned char *)visible, size));
	marks = find_prefix(visible + size, 0, &none);
	return size + marks;
}

size_t core_put_cut(core_text *out, const char *visible, size_t width)
{
	size_t taken, whole, rest, size = strlen(visible);
	(void)find_prefix(visible, SIZE_MAX, &whole);
	if (whole <= width) {
		core_text_put(out, visible, size);
		return whole;
	}
	if (!width)
		return 0;
	size_t head = find_prefix(visible, width / 2, &taken);
	/* the tail: what is left after so many columns that the rest fits */
	size_t tail = find_prefix(visible, whole - (width - 1 - taken), &rest);
	while (tail < size &&
		whole - rest > width - 1 - taken) { /* a wide character was in the way */
		size_t n = core_utf8_length((const unsigned char *)visible + tail, size - tail);
		rest += measure_character(
			decode_character((const unsigned char *)visible + tail, n));
		tail += n;
	}
	core_text_put(out, visible, head);
	core_text_add(out, ELLIPSIS);
	core_text_put(out, visible + tail, size - tail);
	return taken + 1 + whole - rest;
}

void core_put_wrapped(core_text *out, const char *text, size_t width, size_t indent)
{
	size_t at = 0;
	for (const char *word = text; *word;) {
		size_t size = strcspn(word, " "), own;
		core_text part = {0};
		core_text_put(&part, word, size);
		own = size ? (find_prefix(part.data ? part.data : "", SIZE_MAX, &own), own) : 0;
		if (width && at && at + 1 + own > width) {
			core_text_add(out, "\n%*s", (int)indent, "");
			at = indent;
		} else if (word != text) {
			core_text_put(out, " ", 1);
			at++;
		}
		core_text_put(out, word, size);
		out->failed |= part.failed;
		core_text_free(&part);
		at += own;
		word += size;
		word += *word == ' ';
	}
	core_text_put(out, "\n", 1);
}
