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

/* What a sum of probabilities in float32 may exceed 1 by. */
#define CORE_PROBABILITY_EXCESS 1e-3

/* A membership is finite and from 0 on; one that is a probability is 1 at most. */
static inline bool core_is_membership(double value, bool probability)
{
	return value >= 0 && isfinite(value) &&
	       (!probability || value <= 1 + CORE_PROBABILITY_EXCESS);
}

/* Writes the shortest decimal text that reads back as the same number. Returns `buffer`. */
const char *core_number_text(char buffer[32], double value);

#endif
