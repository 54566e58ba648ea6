/* SPDX-License-Identifier: Apache-2.0 */
#include "base/markup.h"

#include <string.h>

#include <utf8proc.h>

#include "base/utf8.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static const char *find_entity(unsigned char c)
{
	switch (c) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* Is it a character that XML 1.0 forbids or warns of, or one that changes the direction of the text around it? */
static bool is_refused(utf8proc_int32_t point)
{
	bool control =
		(point < 0x20 && point != '\t' && point != '\n') || (point >= 0x7f && point < 0xa0);
	bool direction =
		(point >= 0x202a && point <= 0x202e) || (point >= 0x2066 && point <= 0x2069);
	bool no_character = (point & 0xfffe) == 0xfffe || (point >= 0xfdd0 && point <= 0xfdef);
	return control || direction || no_character;
}

void core_text_markup(core_text *out, const char *text)
{
	size_t left = strlen(text);
	for (const unsigned char *c = (const unsigned char *)text; left;) {
		size_t n = core_utf8_length(c, left);
		utf8proc_int32_t point = -1;
		if (n)
			(void)utf8proc_iterate(c, (utf8proc_ssize_t)n, &point);
		const char *entity = !n || is_refused(point) ? REPLACEMENT : find_entity(*c);
		if (entity)
			core_text_put(out, entity, strlen(entity));
		else
			core_text_put(out, (const char *)c, n);
		n = n ? n : 1;
		c += n;
		left -= n;
	}
}
