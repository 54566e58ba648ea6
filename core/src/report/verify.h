/* SPDX-License-Identifier: Apache-2.0 */
/* Results recomputed from what was predicted: each run's metrics.json from its predictions.csv, and
 * the table from those. */
#ifndef CORE_REPORT_VERIFY_H
#define CORE_REPORT_VERIFY_H

#include "report/results.h"

typedef struct core_verified {
	int64_t runs, values; /* compared */
	int64_t different;    /* values that are not the same, bit by bit */
} core_verified;

/* Every difference is recorded as a failure that names run, place and both values; then FV_FAILED.
 * Errors: FV_DATA for files that cannot be read. */
FV_NODISCARD fv_status core_verify(fv_ctx *ctx, const core_results *results, core_verified *out);

#endif
