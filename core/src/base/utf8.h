/* SPDX-License-Identifier: Apache-2.0 */
/* Checks whether a text is well-formed UTF-8. */
#ifndef CORE_BASE_UTF8_H
#define CORE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the UTF-8 character at the start of s[left], left > 0. 0 when it is invalid:
 * malformed, overlong, a surrogate, or beyond U+10FFFF. */
size_t core_utf8_length(const unsigned char *s, size_t left);
bool core_is_utf8(const char *text);

#endif
