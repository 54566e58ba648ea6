/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that are given as probabilities or shares: predictions, labels, memberships of groups. */
#ifndef CORE_BASE_PROBABILITY_H
#define CORE_BASE_PROBABILITY_H

#include "base/csv.h"

/* Reads a number from 0 to 1. One that is outside by at most 1e-6, the rounding of a sum in float32,
 * is set to 0 or 1. Returns NULL, or what is wrong with the text, to follow "X is 'TEXT', ": "not a
 * finite number", "no probability (0 to 1): logits?". */
const char *core_parse_probability(const char *text, double *out);

/* Reads the columns of a table as probabilities, out [n_rows, n]. One failure tells of all numbers
 * that are no probabilities; texts that are no numbers are reported by row. Errors: FV_DATA. */
FV_NODISCARD fv_status core_read_probabilities(
	fv_ctx *ctx, const core_csv *csv, int32_t n, const int64_t *column, float *out);

#endif
