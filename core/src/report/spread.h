/* SPDX-License-Identifier: Apache-2.0 */
/* How much a metric varies, and with what: folds, seeds of training, seeds of grouping, seeds of the
 * bias. Variants that differ in the last two alone are replicates. The spread by a source is the standard
 * deviation (n - 1) of the means over everything else, one for each of its levels. What has one level
 * only has no spread. */
#ifndef CORE_REPORT_SPREAD_H
#define CORE_REPORT_SPREAD_H

#include "report/grid.h"

typedef enum core_source {
	CORE_SOURCE_FOLDS,
	CORE_SOURCE_TRAINING,
	CORE_SOURCE_GROUPING,
	CORE_SOURCE_DRAW,
	CORE_SOURCES,
} core_source;

/* Variants that differ in seeds of grouping and bias alone. */
typedef struct core_replicates {
	size_t n;    /* variants */
	size_t *row; /* [n] of the grid */
	const char *label;
	/* NULL: every source can be told apart; else why grouping and draw cannot: one line */
	const char *reason;
	int32_t levels[CORE_SOURCES];
	double *sd[CORE_SOURCES]; /* [columns]; NaN: fewer than two levels, or undefined */
	const char *training;     /* what the seeds of training decide */
} core_replicates;

typedef struct core_spread {
	size_t n;
	core_replicates *replicates;
} core_spread;

const char *core_source_name(core_source source); /* "folds", "training seed", ... */

/* Replicates among the grid's rows that have done runs, in the order of their first variant. */
FV_NODISCARD fv_status core_spread_make(fv_ctx *ctx, const core_grid *grid, core_spread *out);

#endif
