/* SPDX-License-Identifier: Apache-2.0 */
/* How much a metric varies, by source: folds, training seeds, seeds of the groupers, seeds of the
 * bias. Variants that differ only in the last two are replicates. The spread of a source is the
 * standard deviation (n - 1) over its levels, each averaged over everything else. A source with one
 * level has no spread. */
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

/* Variants that differ only in the seeds of groupers and bias. */
typedef struct core_replicates {
	size_t n;    /* variants */
	size_t *row; /* [n] of the grid */
	const char *label;
	/* NULL: the sources can be separated; else why grouping and draw cannot, one line */
	const char *reason;
	int32_t levels[CORE_SOURCES];
	double *sd[CORE_SOURCES]; /* [columns]; NaN: fewer than two levels, or undefined */
	const char *training;     /* what the training seeds decide */
} core_replicates;

typedef struct core_spread {
	size_t n;
	core_replicates *replicates;
} core_spread;

const char *core_source_name(core_source source); /* "folds", "training seed", ... */

/* Finds replicates among the rows of the grid with done runs, in the order of their first variant. */
FV_NODISCARD fv_status core_spread_make(fv_ctx *ctx, const core_grid *grid, core_spread *out);

#endif
