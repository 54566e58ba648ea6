/* SPDX-License-Identifier: Apache-2.0 */
/* Text inside HTML and XML. */
#ifndef CORE_BASE_MARKUP_H
#define CORE_BASE_MARKUP_H

#include "base/text.h"

/* Adds a text so that it is text wherever it stands, between tags and in quoted attributes: <, >, &, and both
 * quotes become entities. Control characters, marks that change the direction of text, what is no character, and invalid
 * UTF-8 become U+FFFD. */
void core_text_markup(core_text *out, const char *text);

#endif
