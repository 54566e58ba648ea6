/* SPDX-License-Identifier: Apache-2.0 */
/* The single-label reading of predictions: the class with the largest probability against the class with
 * the largest label, the first of equals. */
#ifndef CORE_EVAL_ARGMAX_H
#define CORE_EVAL_ARGMAX_H

#include "eval/tally.h"

typedef struct core_argmax_row {
	int32_t predicted, label;
} core_argmax_row;

/* Reads one row. Returns false if the row does not count: no class is labelled, or the label has no
 * strict majority and set->majority_only leaves such rows out. */
bool core_argmax_read(const core_eval_set *set, int64_t row, core_argmax_row *out);

/* Has one class, and only one, a label above one half? */
bool core_has_majority(const float *label, int32_t C);

/* Counts the rows whose label has no strict majority. */
int64_t core_count_no_majority(const core_eval_set *set);

/* Adds the rows to count [C, C], true class x predicted class. id [n]: only the rows whose id is `group`;
 * NULL: all. */
void core_confusion_count(
	const core_eval_set *set, const int32_t *id, int32_t group, int64_t *count);

#endif
