/* SPDX-License-Identifier: Apache-2.0 */
/* A results folder as it is: the truth is in the run folders, there is no index. */
#ifndef CORE_REPORT_COLLECT_H
#define CORE_REPORT_COLLECT_H

#include <stdbool.h>

#include <jansson.h>

#include "base/context.h"

typedef enum core_run_state {
	CORE_RUN_DONE,
	CORE_RUN_RUNNING,
	CORE_RUN_FAILED,
	CORE_RUN_OPEN
} core_run_state;

typedef struct core_result {
	const char *dir;
	int64_t fold, seed;
	core_run_state state;
	const char *reason;    /* of a failure; NULL otherwise */
	json_t *metrics, *env; /* of a done run; NULL otherwise */
} core_result;

typedef struct core_result_cell {
	const char *name, *dir; /* slug-hash8 */
	int64_t index;          /* position in the configuration that made it; big when not known */
	size_t n;
	core_result *run; /* by fold, then seed */
	/* The runs that count: of an unfinished cell the largest whole block of folds x seeds, so
	 * that a mean over seeds is over the same seeds in every fold. */
	int32_t n_folds, n_seeds;
	int64_t *fold, *seed;     /* [n_folds], [n_seeds], ascending */
	const core_result **used; /* [n_folds, n_seeds] */
} core_result_cell;

typedef struct core_results {
	const char *dir;
	size_t n;
	core_result_cell *cell; /* by index, then name */
} core_results;

/* Names and texts live as long as the context; free the JSON with core_results_free. Folders that
 * are no cell are left alone. Errors: FV_DATA for a folder that is not there, has no cell, or holds
 * a damaged file of a run that is done. */
FV_NODISCARD fv_status core_results_read(fv_ctx *ctx, const char *dir, core_results **out);
void core_results_free(core_results *results);

/* Walks metrics: "f1", "attributes.gender.tpr_gap"; NaN when null or not there. */
double core_result_value(const core_result *run, const char *attribute, const char *metric);
/* An attribute's name, in the order of metrics.json; NULL past the last. */
const char *core_result_attribute(const core_result *run, size_t index);

#endif
