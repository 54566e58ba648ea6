/* SPDX-License-Identifier: Apache-2.0 */
/* Results as an SQLite database. */
#ifndef CORE_REPORT_WRITE_SQLITE_H
#define CORE_REPORT_WRITE_SQLITE_H

#include "report/result_table.h"
#include "report/results.h"

/* Appends the bytes of a database with the tables for CSV, each in its long form under its name, and the table
 * `epochs` (variant, fold, seed, stage, epoch, metric, value) with the learning curves of all done runs. The
 * same results give the same bytes. */
FV_NODISCARD fv_status core_write_sqlite(
	fv_ctx *ctx, const core_document *document, const core_results *results, core_text *out);

#endif
