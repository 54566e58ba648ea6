/* SPDX-License-Identifier: Apache-2.0 */
/* The axes of runs as columns for programs: a block is a column for each of its keys ("grouper.name",
 * "grouper.k"). */
#ifndef CORE_REPORT_FLAT_AXES_H
#define CORE_REPORT_FLAT_AXES_H

#include "report/result_table.h"
#include "report/results.h"

/* Returns an object whose names are the columns: the names of objective, groups and encoder, the bias, then the
 * axes of the matrix and of `tune:` of all variants. NULL: out of memory. */
json_t *core_flat_axes_find(const core_results *results);

/* Finds "grouper.k" among axes: under that name, or in a block under the name before a dot. NULL: not there. */
json_t *core_flat_axes_value(const json_t *axes, const char *key);

/* Finds the value of a run. A tuned run has the values of the trial it took. What is no axis of its study is
 * missing, except the bias, and the names of objective, groups ("A x B") and encoder. Errors: FV_FAILED (memory). */
FV_NODISCARD fv_status core_flat_axis_read(
	fv_ctx *ctx, const core_run_result *run, const char *key, core_table_value *out);

#endif
