/* SPDX-License-Identifier: Apache-2.0 */
/* How far a study is: runs by state, in all and for each value of each axis of the matrix. */
#ifndef CORE_REPORT_STATUS_TABLES_H
#define CORE_REPORT_STATUS_TABLES_H

#include "report/result_table.h"
#include "run/survey.h"

/* "done", "running", "failed", "interrupted", "pending" */
const char *core_folder_state_name(core_folder_state state);
/* Adds a table for each axis with more than one value; for people. */
FV_NODISCARD fv_status core_status_tables(
	fv_ctx *ctx, const core_survey *survey, core_document *document);
/* Returns the survey as a JSON object: counts, left_s, and every run with its axes. NULL: out of memory. */
json_t *core_status_json(const core_survey *survey);
/* Appends "1155 runs: 276 done, 4 running, ...; about 14 min left". */
void core_status_line(const core_survey *survey, core_text *out);
/* Appends "; 2 done runs have warnings: DIR/log, ..." for n runs, `dir` the folder of the first; nothing for none. */
void core_status_tell_warnings(core_text *out, int64_t n, const char *dir);

#endif
