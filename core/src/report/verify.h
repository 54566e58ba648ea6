/* SPDX-License-Identifier: Apache-2.0 */
/* Recomputes results from the predictions: each run's metrics.json from its predictions.csv, and the
 * table from those. */
#ifndef CORE_REPORT_VERIFY_H
#define CORE_REPORT_VERIFY_H

#include "report/results.h"

typedef struct core_verified {
	int64_t runs, values; /* compared */
	int64_t different;    /* values that differ in any bit */
} core_verified;

/* Records every difference with run, place and both values, and then returns FV_FAILED.
 * Errors: FV_DATA for unreadable files. */
FV_NODISCARD fv_status core_verify(fv_ctx *ctx, const core_results *results, core_verified *out);

#endif
