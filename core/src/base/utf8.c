/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

size_t core_utf8_length(const unsigned char *s, size_t left)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (n == 0 || n > left || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	bool overlong = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xf0 && s[1] < 0x90);
	bool surrogate = s[0] == 0xed && s[1] >= 0xa0;
	bool beyond = s[0] == 0xf4 && s[1] >= 0x90;
	return overlong || surrogate || beyond ? 0 : n;
}

bool core_is_utf8(const char *text)
{
	size_t left = strlen(text);
	while (left) {
		size_t n = core_utf8_length((const unsigned char *)text, left);
		if (!n)
			return false;
		text += n;
		left -= n;
	}
	return true;
}

void core_utf8_skip_marks(const char **text, size_t *size)
{
	while (*size >= 3 && !memcmp(*text, "\xef\xbb\xbf", 3)) {
		*text += 3;
		*size -= 3;
	}
}

static bool is_ascii(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

char *core_utf8_compose(const char *text)
{
	if (is_ascii(text) || !core_is_utf8(text))
		return strdup(text);
	utf8proc_uint8_t *composed = NULL;
	utf8proc_ssize_t length = utf8proc_map((const utf8proc_uint8_t *)text, 0, &composed,
		UTF8PROC_NULLTERM | UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	if (length == UTF8PROC_ERROR_NOMEM)
		return NULL;
	return length < 0 ? strdup(text) : (char *)composed;
}
