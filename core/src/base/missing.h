/* SPDX-License-Identifier: Apache-2.0 */
/* Values of text columns as people write them: words that mean "missing", and several spellings of
 * one value. Every column of names (classes, attributes, speakers, groups) is cleaned here.
 *
 * Blanks are white space, the no-break space and the other spaces of Unicode. */
#ifndef CORE_BASE_MISSING_H
#define CORE_BASE_MISSING_H

#include <stdbool.h>

#include "base/context.h"

/* True for NULL, for a text of blanks only, and, in any case and with blanks around it, for nan,
 * na, n/a, none, null, unknown, ?, <na> (pandas), #n/a (Excel) and -nan. */
bool core_is_missing(const char *text);

/* True if two texts are spellings of one value: they differ only in case (of Latin, Greek and
 * Cyrillic letters), in blanks, in whether characters are composed (an umlaut as one character or
 * as two), or as a whole number with and without decimals of zero (4, 4.0). A
 * blank between two digits counts: "1 11" is not "11 1". */
bool core_same_value(const char *a, const char *b);

/* Cleans the n values of a column in place. A value that is missing, or that is the same value as
 * one of the n_also texts, becomes NULL. Spellings of one value become the most frequent of them
 * (ties: the first by bytes), composed (NFC) and without blanks around it; the new texts live as long as the context.
 * Warns at most twice: about words that mean missing (empty cells are not mentioned), and about
 * spellings that were merged. line[i] is the line of value[i] in the file `path`. Errors: FV_FAILED
 * if memory is out. */
FV_NODISCARD fv_status core_clean_column(fv_ctx *ctx, const char *path, const char *column,
	int64_t n, const char **value, const int64_t *line, int32_t n_also,
	const char *const *also);

#endif
