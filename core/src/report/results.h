/* SPDX-License-Identifier: Apache-2.0 */
/* A results folder as it is on disk: there is no index beside the run folders. */
#ifndef CORE_REPORT_RESULTS_H
#define CORE_REPORT_RESULTS_H

#include <stdbool.h>

#include <jansson.h>

#include "report/facts.h"

typedef enum core_run_status {
	CORE_RUN_DONE,
	CORE_RUN_RUNNING,
	CORE_RUN_FAILED,
	CORE_RUN_OPEN,
	CORE_RUN_LEFT_OUT, /* done, but its files cannot be read, or are of another version */
} core_run_status;

typedef struct core_run_result {
	const char *dir;
	int64_t fold, seed;
	core_run_status status;
	const char *reason;          /* of a failure; NULL otherwise */
	json_t *metrics, *env;       /* of a done run; NULL otherwise */
	const core_run_facts *facts; /* what env says; NULL: the run is not done */
} core_run_result;

typedef struct core_variant_result {
	const char *name, *dir; /* slug-hash8 */
	const char *label;      /* the slug */
	bool left_out;          /* each of its runs is */
	int64_t index; /* position in the configuration that made it; INT64_MAX: not known */
	size_t n;
	core_run_result *run; /* by fold, then seed */
	/* The runs that count: of an unfinished variant the largest whole block of folds x seeds, so
	 * that a mean over seeds is over the same seeds in every fold. */
	int32_t n_folds, n_seeds;
	int64_t *fold, *seed;         /* [n_folds], [n_seeds], ascending */
	const core_run_result **used; /* [n_folds, n_seeds] */
} core_variant_result;

typedef struct core_results {
	const char *dir;
	size_t n_old,
		n_damaged; /* runs left out: of another version; with files that cannot be read */
	size_t n, n_left_out;
	core_variant_result *variant; /* [n] by index, then name; after them those left out */
} core_results;

/* What the variant's first run that counts says; NULL: no run is done. */
static inline const core_run_facts *core_variant_facts(const core_variant_result *variant)
{
	return variant->n_folds ? variant->used[0]->facts : NULL;
}

/* Names and texts live as long as the context; free the JSON with core_results_free. Folders that
 * are no variant are left alone. Runs that are left out have no metrics; a warning for each kind
 * names one and says how many. Errors: FV_DATA for a folder that is not there, has no variant, or
 * none but runs to be left out. */
FV_NODISCARD fv_status core_results_read(fv_ctx *ctx, const char *dir, core_results **out);
void core_results_free(core_results *results);
/* Drops all variants but the first n. */
void core_results_keep_first(core_results *results, size_t n);

/* A value of metrics.json; attribute NULL: of all rows. NaN when null or not there. */
double core_run_metric(const core_run_result *run, const char *attribute, const char *metric);
/* An attribute's name, in the order of metrics.json; NULL past the last. */
const char *core_run_attribute(const core_run_result *run, size_t index);

#endif
