/* SPDX-License-Identifier: Apache-2.0 */
/* Confusion matrices as result tables. */
#ifndef CORE_REPORT_CONFUSION_TABLE_H
#define CORE_REPORT_CONFUSION_TABLE_H

#include "report/grid.h"

/* Adds a matrix for people: each true class with the shares of the predicted classes, and its rows.
 * count [C, C]: true class x predicted class; group NULL: of all rows. */
FV_NODISCARD fv_status core_add_confusion(fv_ctx *ctx, int32_t C, const char *const *classes,
	const int64_t *count, const char *group, core_document *document);

/* Adds those of every variant, for JSON alone: of all rows and of each group, all folds pooled, the counts of
 * all seeds added. */
FV_NODISCARD fv_status core_add_confusions(
	fv_ctx *ctx, const core_grid *grid, core_document *document);

#endif
