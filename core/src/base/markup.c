/* SPDX-License-Identifier: Apache-2.0 */
#include "base/markup.h"

#include <string.h>

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
	case '\t':
	case '\n':
		return NULL;
	default:
		return c < 0x20 || c == 0x7F ? "\xef\xbf\xbd" : NULL;
	}
}

void core_text_markup(core_text *out, const char *text)
{
	for (; *text; text++) {
		const char *entity = find_entity((unsigned char)*text);
		if (entity)
			core_text_put(out, entity, strlen(entity));
		else
			core_text_put(out, text, 1);
	}
}
