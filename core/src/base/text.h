/* SPDX-License-Identifier: Apache-2.0 */
/* A growing string for tables and CSV files. */
#ifndef CORE_BASE_TEXT_H
#define CORE_BASE_TEXT_H

#include <stdbool.h>

#include "base/context.h"

typedef struct core_text {
	char *data; /* NUL-terminated after the first addition; free with core_text_free */
	size_t size, capacity;
	bool failed; /* memory ran out, so that data is incomplete */
} core_text;

void core_text_add(core_text *text, const char *format, ...) FV_PRINTF(2, 3);
void core_text_put(core_text *text, const char *data, size_t size);
/* Adds a field of a CSV file, quoted where RFC 4180 requires it, and where a reader could take a part
 * of it for a separator or leave out blanks around it. */
void core_text_csv(core_text *text, const char *field);
/* Adds a word of a shell command, in single quotes unless it needs none. */
void core_text_shell(core_text *text, const char *word);
void core_text_free(core_text *text);

#endif
