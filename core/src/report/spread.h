/* SPDX-License-Identifier: Apache-2.0 */
/* How much a figure of metrics.json varies, and with what: folds, seeds of training, seeds of
 * grouping, seeds of the bias. Cells that differ in the last two alone are one family. The spread by
 * a source is the standard deviation (n-1) of the means over everything else, one for each of its
 * levels. What has one level only has no spread. */
#ifndef CORE_REPORT_SPREAD_H
#define CORE_REPORT_SPREAD_H

#include "report/grid_private.h"

typedef enum core_source {
	CORE_SOURCE_FOLDS,
	CORE_SOURCE_TRAINING,
	CORE_SOURCE_GROUPING,
	CORE_SOURCE_DRAW,
	CORE_SOURCES,
} core_source;

typedef struct core_family {
	size_t n;    /* members */
	size_t *row; /* [n] of the grid */
	const char *label;
	/* NULL: every source can be told apart; else why grouping and draw cannot: one line */
	const char *reason;
	int32_t levels[CORE_SOURCES];
	double *sd[CORE_SOURCES]; /* [columns]; NaN: fewer than two levels, or undefined */
	const char *training;     /* what the seeds of training decide */
} core_family;

typedef struct core_spread {
	size_t n;
	core_family *family;
} core_spread;

const char *core_source_name(core_source source); /* "folds", "training seed", ... */

/* Families of the grid's rows that have done runs, in the order of their first member. */
FV_NODISCARD fv_status core_spread_make(fv_ctx *ctx, const core_grid *grid, core_spread *out);

/* A line for each family and source of several levels; no sheet when there is none. */
FV_NODISCARD fv_status core_spread_sheet(
	fv_ctx *ctx, const core_grid *grid, core_document *document);
FV_NODISCARD fv_status core_spread_json(fv_ctx *ctx, const core_grid *grid, json_t **out);

/* Seeds of a row's groupers ("1", "1,2"), of its bias; "" where they are the run's. NULL: out of
 * memory. */
const char *core_grouping_seed(fv_ctx *ctx, const json_t *cell);
const char *core_draw_seed(fv_ctx *ctx, const json_t *cell);

#endif
