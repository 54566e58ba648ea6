/* SPDX-License-Identifier: Apache-2.0 */
/* The order of the rows of the short table. */
#ifndef CORE_REPORT_SHORT_ORDER_H
#define CORE_REPORT_SHORT_ORDER_H

#include "report/short_table.h"

typedef struct core_short_order {
	size_t n;    /* variants with finished runs */
	size_t *row; /* [n] of the grid: ranked ones, then references and those that are not ranked */
	size_t ranked; /* how many of them are ranked */
} core_short_order;

FV_NODISCARD fv_status core_short_order_make(fv_ctx *ctx, const core_grid *grid,
	const core_variant_axes *axes, const core_short_choice *choice, core_short_order *out);

/* Returns the number that a statistic of a row is; NaN: none. */
double core_short_number(const core_grid *grid, size_t row, const core_pick *pick);

#endif
