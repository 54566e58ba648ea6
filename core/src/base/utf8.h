/* SPDX-License-Identifier: Apache-2.0 */
/* Text in UTF-8: whether it is well formed, and one spelling of its characters. */
#ifndef CORE_BASE_UTF8_H
#define CORE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the UTF-8 character at the start of s[left], left > 0. 0 when it is invalid:
 * malformed, overlong, a surrogate, or beyond U+10FFFF. */
size_t core_utf8_length(const unsigned char *s, size_t left);

/* Moves behind the byte order marks at the start of a text: editors that add one may find one. */
void core_utf8_skip_marks(const char **text, size_t *size);

/* Returns a copy in which characters are composed (Unicode NFC), so that the two spellings of an
 * umlaut are one; text that is no UTF-8 is copied as it is. Free it. NULL: memory is out. */
char *core_utf8_compose(const char *text);
bool core_is_utf8(const char *text);

#endif
