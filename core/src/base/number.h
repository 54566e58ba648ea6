/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers to and from text, with '.' as decimal point in every locale. */
#ifndef CORE_BASE_NUMBER_H
#define CORE_BASE_NUMBER_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

/* Parse a whole text as a finite number, spaces around it allowed. False: not a number. */
bool core_parse_double(const char *text, double *out);
bool core_parse_int(const char *text, int64_t *out);

/* The non-negative integer at the start of a text, after spaces; 0 when there is none. */
uint64_t core_parse_leading_int(const char *text);

/* The number as a message prints it: "nan" for every NaN, also for those that printf would call "-nan". */
static inline double core_printable(double value)
{
	return isnan(value) ? (double)NAN : value;
}

/* Writes the shortest decimal text that reads back as the same number. Returns `buffer`. */
const char *core_number_text(char buffer[32], double value);

#endif
