/* SPDX-License-Identifier: Apache-2.0 */
/* Result tables for people of the counts of a fold, and of the agreement of inferred groups.
 * corpus/split_report.h and run/group_report.h make the JSON. */
#ifndef CORE_REPORT_SPLIT_TABLES_H
#define CORE_REPORT_SPLIT_TABLES_H

#include "corpus/split_report.h"
#include "report/write.h"
#include "run/group_report.h"

FV_NODISCARD fv_status core_split_tables(
	fv_ctx *ctx, const core_split_report *report, core_document *document);

FV_NODISCARD fv_status core_group_tables(
	fv_ctx *ctx, const core_group_report *report, core_document *document);

#endif
