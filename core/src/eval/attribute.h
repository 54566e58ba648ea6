/* SPDX-License-Identifier: Apache-2.0 */
/* The groups that metrics are computed for. */
#ifndef CORE_EVAL_ATTRIBUTE_H
#define CORE_EVAL_ATTRIBUTE_H

#include <stdint.h>

#include "base/context.h"

/* The group of every row for one attribute. Ids follow the order of the names. */
typedef struct core_eval_attribute {
	const char *name;
	int32_t G;
	const char *const *group; /* [G] */
	const int32_t *id;        /* [n]; -1: unknown, left out of all metrics of this attribute */
	/* Groups of a product that were left out because they have few rows; their rows are unknown. */
	int32_t n_small;
	const char *const *small; /* [n_small] */
	const int64_t *small_rows;
} core_eval_attribute;

/* A numeric attribute with more values than this has no groups. */
#define CORE_EVAL_VALUES_MAX 12

#define CORE_NUMERIC_MAX 64 /* attributes that are numbers */

/* Makes the groups from one text per row: the distinct non-empty values sorted by bytes; an empty text is
 * unknown. With `only` (n_only > 0) the groups are these values, sorted by bytes, and any other value is
 * unknown; a value of `only` that no row has makes an absent group. */
FV_NODISCARD fv_status core_eval_attribute_make(fv_ctx *ctx, const char *name, int64_t n,
	const char *const *value, const char *const *only, int32_t n_only,
	core_eval_attribute *out);

#endif
