/* SPDX-License-Identifier: Apache-2.0 */
/* The inferred groups of one fold, beside the known groups of people. groups.csv also has training rows, so
 * the groups of people come from the predictions of all folds. */
#ifndef CORE_PLOT_GROUPINGS_H
#define CORE_PLOT_GROUPINGS_H

#include "plot/drawing.h"

enum { CORE_GROUPINGS_MAX = 6, CORE_PEOPLE_MAX = 12 };

typedef struct core_grouping {
	size_t row; /* of the grid: the first variant with these groups */
	size_t n;
	const char **file;    /* [n] recordings */
	const char **cluster; /* [n] inferred group; "none": unknown */
	int32_t *people;      /* [n] group of people; -1: unknown */
} core_grouping;

typedef struct core_groupings {
	const char *attribute;
	const core_eval_attribute *people;
	int64_t fold; /* the one asked for, -1: the first; then the one read */
	size_t n;
	core_grouping grouping[CORE_GROUPINGS_MAX];
} core_groupings;

/* Reads the groups of all variants with groupers, each grouping once. Groups made of true labels are left
 * out unless they were selected or there are no others. Errors: FV_DATA if there is none, or the attribute
 * has too many groups; FV_CONFIG for a fold that no variant has. */
FV_NODISCARD fv_status core_groupings_read(core_drawing *d, core_groupings *out);

#endif
