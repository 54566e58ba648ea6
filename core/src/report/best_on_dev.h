/* SPDX-License-Identifier: Apache-2.0 */
/* The variant that is best on development rows: the one that a study would have chosen without looking at the
 * test rows. */
#ifndef CORE_REPORT_BEST_ON_DEV_H
#define CORE_REPORT_BEST_ON_DEV_H

#include "report/grid.h"

/* Finds, among the ranked variants with debiasing that have scores, the one whose mean of a metric over the
 * development rows of its runs is best; -1: none has it. attribute NULL: over all rows. */
FV_NODISCARD fv_status core_find_best_on_dev(fv_ctx *ctx, const core_grid *grid,
	const char *attribute, core_metric_id id, int64_t *best);

#endif
