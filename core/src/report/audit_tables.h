/* SPDX-License-Identifier: Apache-2.0 */
/* Result tables for people of the metrics of a prediction file, and of the comparison of two.
 * eval/report_json.h makes the JSON. */
#ifndef CORE_REPORT_AUDIT_TABLES_H
#define CORE_REPORT_AUDIT_TABLES_H

#include "eval/assess.h"
#include "report/write.h"

FV_NODISCARD fv_status core_audit_tables(fv_ctx *ctx, const char *path, const core_metrics *metrics,
	int64_t min_support, core_document *document);

/* Differences: first minus second. */
FV_NODISCARD fv_status core_comparison_tables(fv_ctx *ctx, const char *first, const char *second,
	const core_comparison *comparison, core_document *document);

#endif
