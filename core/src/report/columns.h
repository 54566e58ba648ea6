/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of a grid: F1, ACC, the TPR and DP gap of each attribute, and the metric that
 * eval.compare names. */
#ifndef CORE_REPORT_COLUMNS_H
#define CORE_REPORT_COLUMNS_H

#include "report/grid.h"

/* Fills column, n_columns and family from grid->tests. Errors: FV_DATA if no run is done. */
FV_NODISCARD fv_status core_columns_make(fv_ctx *ctx, const core_results *results, core_grid *grid);

/* Finds the first variant that declares a comparison family; NULL: none does. */
const core_run_facts *core_find_declaration(const core_results *results);

#endif
