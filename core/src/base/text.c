/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool reserve(core_text *text, size_t more)
{
	size_t need = text->size + more + 1;
	if (need <= text->room)
		return true;
	size_t room = text->room ? text->room : 256;
	while (room < need)
		room *= 2;
	char *grown = text->failed ? NULL : realloc(text->data, room);
	if (!grown) {
		text->failed = true;
		return false;
	}
	text->data = grown;
	text->room = room;
	return true;
}

void core_text_put(core_text *text, const char *data, size_t size)
{
	if (!reserve(text, size))
		return;
	memcpy(text->data + text->size, data, size);
	text->size += size;
	text->data[text->size] = '\0';
}

void core_text_add(core_text *text, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int n = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (n < 0 || !reserve(text, (size_t)n))
		return;
	va_start(args, format);
	vsnprintf(text->data + text->size, (size_t)n + 1, format, args);
	va_end(args);
	text->size += (size_t)n;
}

void core_text_csv(core_text *text, const char *field)
{
	if (!strpbrk(field, ",\"\r\n")) {
		core_text_put(text, field, strlen(field));
		return;
	}
	core_text_put(text, "\"", 1);
	for (const char *p = field; *p; p++) {
		if (*p == '"')
			core_text_put(text, "\"", 1);
		core_text_put(text, p, 1);
	}
	core_text_put(text, "\"", 1);
}

void core_text_free(core_text *text)
{
	free(text->data);
	*text = (core_text){0};
}

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

#define NEAR_MAX 64

/* Edit distance with swaps of neighbours (optimal string alignment). */
static size_t distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b), rows[3][NEAR_MAX + 1];
	if (n > NEAR_MAX || m > NEAR_MAX)
		return NEAR_MAX;
	size_t *before = rows[0], *last = rows[1], *row = rows[2];
	for (size_t j = 0; j <= m; j++)
		last[j] = before[j] = j;
	for (size_t i = 1; i <= n; i++) {
		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			row[j] = best;
		}
		size_t *free_row = before;
		before = last;
		last = row;
		row = free_row;
	}
	return last[m];
}

const char *core_nearest(const char *word, const char *const *names, size_t n)
{
	const char *best = NULL;
	size_t best_distance = 3;
	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, names[i]), longest = strlen(names[i]);
		if (strlen(word) > longest)
			longest = strlen(word);
		if (d < best_distance && 2 * d < longest + 1) {
			best = names[i];
			best_distance = d;
		}
	}
	return best;
}
