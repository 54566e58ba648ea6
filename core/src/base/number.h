/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers to and from text, '.' as decimal point whatever the locale. */
#ifndef CORE_BASE_NUMBER_H
#define CORE_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* The whole text as a finite number; spaces around are allowed. False: it is none. */
bool core_parse_double(const char *text, double *out);
bool core_parse_int(const char *text, int64_t *out);

/* The whole number from 0 that a text begins with, after spaces; 0 when there is none. */
uint64_t core_parse_start(const char *text);

/* The shortest decimal text that reads back to the same number. */
const char *core_number_text(char buffer[32], double value);

#endif
