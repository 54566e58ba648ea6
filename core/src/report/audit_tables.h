/* SPDX-License-Identifier: Apache-2.0 */
/* The metrics of one file of predictions, and the comparison of two, as result tables for people. JSON is
 * that of eval/report_json.h. */
#ifndef CORE_REPORT_AUDIT_TABLES_H
#define CORE_REPORT_AUDIT_TABLES_H

#include "eval/assess.h"
#include "report/write.h"

FV_NODISCARD fv_status core_audit_tables(fv_ctx *ctx, const char *path, const core_metrics *metrics,
	int64_t min_support, core_document *document);

/* First less second. */
FV_NODISCARD fv_status core_comparison_tables(fv_ctx *ctx, const char *first, const char *second,
	const core_comparison *comparison, core_document *document);

#endif
