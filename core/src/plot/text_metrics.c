/* SPDX-License-Identifier: Apache-2.0 */
#include "plot/text_metrics.h"

#include <string.h>
#include <utf8proc.h>

#include "base/text.h"
#include "base/utf8.h"

#define EM 2048.0
#define ELLIPSIS "\xe2\x80\xa6"
#define REPLACEMENT "\xef\xbf\xbd"

/* In 1/2048 em. */
static double find_width(int32_t character, bool bold)
{
	for (size_t i = 0; i < core_font_ranges; i++) {
		const core_width_range *r = &core_font_widths[i];
		if (character >= r->first && character <= r->last)
			return (bold ? r->bold : r->regular)[character - r->first];
	}
	int columns = utf8proc_charwidth(character);
	return columns <= 0 ? 0 : columns == 1 ? 0.62 * EM : EM;
}

/* Reads the character at `text`; returns its bytes, 1 for a byte that is not UTF-8. */
static size_t read_character(const char *text, size_t left, int32_t *character)
{
	size_t n = core_utf8_length((const unsigned char *)text, left);
	*character = 0xFFFD;
	if (n)
		(void)utf8proc_iterate(
			(const utf8proc_uint8_t *)text, (utf8proc_ssize_t)n, character);
	return n ? n : 1;
}

double core_measure_text(const char *text, double size, bool bold)
{
	double width = 0;
	for (size_t left = strlen(text); left;) {
		int32_t character;
		size_t n = read_character(text, left, &character);
		width += find_width(character, bold);
		text += n;
		left -= n;
	}
	return width * size / EM;
}

/* Returns how many bytes at the beginning fit into `room` points. */
static size_t fit_start(const char *text, double size, bool bold, double room)
{
	size_t left = strlen(text), used = 0;
	while (left) {
		int32_t character;
		size_t n = read_character(text + used, left, &character);
		room -= find_width(character, bold) * size / EM;
		if (room < 0)
			break;
		used += n;
		left -= n;
	}
	while (used && text[used - 1] == ' ')
		used--;
	return used;
}

/* Returns the first byte, from `from` on, after which the rest fits into `room` points. */
static size_t fit_end(const char *text, size_t from, double size, bool bold, double room)
{
	size_t size_left = strlen(text);
	while (from < size_left && core_measure_text(text + from, size, bold) > room) {
		int32_t character;
		from += read_character(text + from, size_left - from, &character);
	}
	while (text[from] == ' ')
		from++;
	return from;
}

const char *core_fit_text(fv_ctx *ctx, const char *text, double size, bool bold, double width)
{
	if (core_measure_text(text, size, bold) <= width)
		return text;
	double room = width - core_measure_text(ELLIPSIS, size, bold);
	size_t start = fit_start(text, size, bold, 0.6 * room);
	size_t end = fit_end(text, start, size, bold, 0.4 * room);
	return core_format(ctx, "%.*s" ELLIPSIS "%s", (int)start, text, text + end);
}

const char *core_clean_text(fv_ctx *ctx, const char *text)
{
	core_text out = {0};
	for (size_t left = strlen(text); left;) {
		int32_t character;
		bool valid = core_utf8_length((const unsigned char *)text, left) != 0;
		size_t n = read_character(text, left, &character);
		bool control = character < 0x20 || (character >= 0x7f && character < 0xa0) ||
			       character == 0xFFFE || character == 0xFFFF;
		if (!valid)
			core_text_put(&out, REPLACEMENT, 3);
		else if (control)
			core_text_put(&out, " ", 1);
		else
			core_text_put(&out, text, n);
		text += n;
		left -= n;
	}
	const char *copy = core_strndup(ctx, out.data ? out.data : "", out.size);
	if (out.failed)
		(void)fv_fail(ctx, FV_FAILED, "out of memory");
	copy = out.failed ? NULL : copy;
	core_text_free(&out);
	return copy;
}
