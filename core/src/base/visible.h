/* SPDX-License-Identifier: Apache-2.0 */
/* Text on a terminal: what it shows, and how many columns it takes. All that others wrote goes through one of these before
 * it is shown. */
#ifndef CORE_BASE_VISIBLE_H
#define CORE_BASE_VISIBLE_H

#include "base/text.h"

/* Adds text with control characters, marks that change its direction, and invalid UTF-8 as \xNN, since names
 * may hold commands to a terminal. Returns its width in columns; NULL is empty. */
size_t core_put_visible(core_text *out, const char *text);

/* Adds JSON in which such characters, which stand in strings alone, are escapes of JSON: it means the same. Ends of lines stay. */
void core_put_json(core_text *out, const char *json);

/* The same into a buffer, cut where it is full, between characters. */
void core_escape(char *out, size_t size, const char *text);

/* Adds a text from core_put_visible, cut in its middle to at most `width` columns: "funct…voice". Returns
 * the width. */
size_t core_put_cut(core_text *out, const char *visible, size_t width);

/* Returns the bytes of the first character of such a text, with the marks that belong to it, and the columns it takes. */
size_t core_visible_character(const char *visible, size_t *columns);

/* Adds text in lines of at most `width` columns, broken between words; 0: one line. Lines after the first
 * begin with `indent` spaces. Ends with a newline. */
void core_put_wrapped(core_text *out, const char *text, size_t width, size_t indent);

#endif
