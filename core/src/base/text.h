/* SPDX-License-Identifier: Apache-2.0 */
/* A growing string for tables and CSV files, and words for messages. */
#ifndef CORE_BASE_TEXT_H
#define CORE_BASE_TEXT_H

#include <stdbool.h>

#include "base/context.h"

typedef struct core_text {
	char *data; /* NUL-terminated once something was added; free with core_text_free */
	size_t size, room;
	bool failed; /* memory ran out: data is incomplete */
} core_text;

void core_text_add(core_text *text, const char *format, ...) FV_PRINTF(2, 3);
void core_text_put(core_text *text, const char *data, size_t size);
void core_text_csv(core_text *text, const char *field); /* quoted where RFC 4180 asks for it */
void core_text_free(core_text *text);

/* Bytes of the UTF-8 character at the start of text[left], left > 0; 0 when it is none: not well-formed,
 * longer than need be, a surrogate or past U+10FFFF. */
size_t core_utf8_length(const unsigned char *text, size_t left);
bool core_is_utf8(const char *text);

/* The entry of `names` nearest to `word` (edit distance at most 2 and under half the length), or
 * NULL: for "unknown key 'epoch', did you mean 'epochs'?". */
const char *core_nearest(const char *word, const char *const *names, size_t n);

#endif
