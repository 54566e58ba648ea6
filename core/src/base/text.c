/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static bool reserve_bytes(core_text *text, size_t more)
{
	size_t need = text->size + more + 1;
	if (need <= text->capacity)
		return true;
	size_t capacity = text->capacity ? text->capacity : 256;
	while (capacity < need)
		capacity *= 2;
	char *grown = text->failed ? NULL : realloc(text->data, capacity);
	if (!grown) {
		text->failed = true;
		core_memory_note_failure();
		return false;
	}
	text->data = grown;
	text->capacity = capacity;
	return true;
}

void core_text_put(core_text *text, const char *data, size_t size)
{
	if (!reserve_bytes(text, size))
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
	if (n < 0 || !reserve_bytes(text, (size_t)n))
		return;
	va_start(args, format);
	vsnprintf(text->data + text->size, (size_t)n + 1, format, args);
	va_end(args);
	text->size += (size_t)n;
}

void core_text_csv(core_text *text, const char *field)
{
	size_t n = strlen(field);
	bool padded = n && (strchr(" \t", field[0]) || strchr(" \t", field[n - 1]));
	if (!padded && !strpbrk(field, ",;\t\"\r\n")) {
		core_text_put(text, field, n);
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

void core_text_shell(core_text *text, const char *word)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "@%+=:,./_-";
	if (*word && !word[strspn(word, plain)]) {
		core_text_put(text, word, strlen(word));
		return;
	}
	core_text_put(text, "'", 1);
	for (const char *p = word; *p; p++)
		if (*p == '\'')
			core_text_put(text, "'\\''", 4);
		else
			core_text_put(text, p, 1);
	core_text_put(text, "'", 1);
}

void core_text_free(core_text *text)
{
	free(text->data);
	*text = (core_text){0};
}
