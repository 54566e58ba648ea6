/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of a column that is too narrow for them. A text is cut in its middle, "funct…voice"; where that would make different
 * texts equal, what they have in common is cut, and the words in which they differ are kept: "gd…eta=0.1…". */
#ifndef CORE_REPORT_CUT_TEXTS_H
#define CORE_REPORT_CUT_TEXTS_H

#include "base/text.h"

/* Writes each text [n], as core_put_visible made it, to out[i], which is empty, cut to at most `width` columns. Returns whether different
 * texts are still different; text without room, or memory that runs out (out[0].failed), may be why not. */
bool core_cut_texts(const char *const *text, size_t width, size_t n, core_text *out);

#endif
