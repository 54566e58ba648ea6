/* SPDX-License-Identifier: Apache-2.0 */
/* Reads a results folder from its run folders; there is no index. */
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
	CORE_RUN_LEFT_OUT, /* done, but its files are unreadable or of another version */
} core_run_status;

typedef struct core_run_result {
	const char *dir;
	int64_t fold, seed;
	core_run_status status;
	const char *reason;          /* of a failed run; else NULL */
	json_t *metrics, *env;       /* of a done run; else NULL */
	const core_run_facts *facts; /* read from env; NULL: the run is not done */
} core_run_result;

/* The blocks of a configuration that name plugins. */
typedef enum core_plugin_block {
	CORE_LOSS_BLOCK,
	CORE_GROUPER_BLOCK,
	CORE_ENCODER_BLOCK,
	CORE_PLUGIN_BLOCKS,
} core_plugin_block;

typedef struct core_variant_result {
	const char *name, *dir; /* slug-hash8 */
	const char *slug;
	const char
		*label; /* the slug, or the name, with the builds that are told: "NAME@3f2a91c" */
	/* first digits of the hashes of a block's plugins, of those that have several builds among the results; NULL:
	 * none has */
	const char *build[CORE_PLUGIN_BLOCKS];
	double ended; /* when the last of its runs ended, in seconds of Unix; 0: no build is told */
	bool older;   /* a newer build of it is among the results */
	const char *
		rebuilt; /* it has no finished run, but another build of these plugins has; else NULL */
	bool left_out;      /* all of its runs are left out */
	const char *reason; /* why it has no runs: it could not start; else NULL */
	int64_t index;      /* position in the configuration that made it; INT64_MAX: not known */
	size_t n;
	core_run_result *run; /* by fold, then seed */
	/* The runs that count. For an unfinished variant this is the largest complete block of folds x
	 * seeds, so that every fold has the same seeds. */
	int32_t n_folds, n_seeds;
	int64_t *fold, *seed;         /* [n_folds], [n_seeds], ascending */
	const core_run_result **used; /* [n_folds, n_seeds] */
} core_variant_result;

typedef struct core_results {
	const char *dir;
	size_t n_old, n_damaged; /* runs left out: of another version; with unreadable files */
	size_t n, n_left_out;
	size_t n_trials;              /* variants that core_hide_trials has dropped */
	core_variant_result *variant; /* [n] by index, then name, followed by those left out */
} core_results;

/* Is it the name of a variant's folder, <slug>-<8 hex digits>; of a run's, fold<F>-seed<S>? */
bool core_is_variant_name(const char *name);
bool core_is_run_name(const char *name, int64_t *fold, int64_t *seed);

/* Returns the facts of the variant's first run that counts; NULL: no run is done. */
static inline const core_run_facts *core_variant_facts(const core_variant_result *variant)
{
	return variant->n_folds ? variant->used[0]->facts : NULL;
}

/* Names and texts live as long as the context; release the JSON with core_results_free. Ignores
 * folders that are not variants. Runs that are left out have no metrics; a warning for each kind names
 * the first and says how many there are. Errors: FV_DATA if the folder is missing, has no variant (of those asked for: how many others there are), or
 * has only runs that are left out. */
FV_NODISCARD fv_status core_results_read(fv_ctx *ctx, const char *dir, core_results **out);
/* Reads only the variants whose folders are named [n, sorted by bytes]. */
FV_NODISCARD fv_status core_results_read_some(
	fv_ctx *ctx, const char *dir, const char *const *names, size_t n_names, core_results **out);
void core_results_free(core_results *results);
/* Gives variants with equal labels those of their folders, with the builds that are told: "<slug>-<hash8>@3f2a91c". */
FV_NODISCARD fv_status core_results_tell_apart(fv_ctx *ctx, core_results *results);
/* Drops all variants except the first n. */
void core_results_keep_first(core_results *results, size_t n);

/* Returns a value of metrics.json, over all rows if attribute is NULL. NaN: null or missing. */
double core_run_metric(const core_run_result *run, const char *attribute, const char *metric);
/* Returns the hash of the features that a done run was trained on; NULL: it is not recorded. */
const json_t *core_run_features(const core_run_result *run);
/* Returns the name of an attribute, in the order of metrics.json; NULL past the last. */
const char *core_run_attribute(const core_run_result *run, size_t index);

#endif
