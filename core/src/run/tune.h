/* SPDX-License-Identifier: Apache-2.0 */
/* Tuned variants. In each fold a tuned variant picks the trial with the best development value (tune.by),
 * averaged over the seeds; of equal ones the first. Nothing is trained: its run folders hold links to the
 * files of the chosen trial's run of the same fold and seed, a copy of its metrics with the key `chosen`,
 * and their own env.json and `done`. `done` holds the fingerprints of all trials, the seeds and the
 * evaluation, so that a change of any of them makes the choice anew. */
#ifndef CORE_RUN_TUNE_H
#define CORE_RUN_TUNE_H

#include <jansson.h>

#include "run/study_types.h"

typedef struct core_tune_summary {
	int64_t folds;  /* tuned variants x folds */
	int64_t chosen; /* of these, with a choice */
	int64_t now;    /* chosen by this call */
	int64_t failed; /* without a choice, because of a trial or of the choice itself */
} core_tune_summary;

/* Sets the failure of a tuned run of which a trial's run has failed: the other trials alone would be another
 * choice. */
FV_NODISCARD fv_status core_tune_pass_on_failure(
	fv_ctx *ctx, const core_study *study, core_run *run);

/* Identifies a tuned variant by its trials, which must be identified. */
FV_NODISCARD fv_status core_tune_identify(
	fv_ctx *ctx, const core_study *study, const core_variant *variant, core_identity *out);

/* Makes the fingerprint of a run of a tuned variant; those of its trials must exist. */
FV_NODISCARD fv_status core_tune_make_fingerprint(
	fv_ctx *ctx, const core_study *study, core_run *run);

/* Makes every choice whose trials are all done and that is not made yet; with `force` all of them. Adds to
 * *out. Each failure is reported in the context with its folder. Returns the status of the first; with
 * study->keep_going failures are counted and recorded in the run folders, and so is a choice of which a trial
 * failed. */
FV_NODISCARD fv_status core_tune_choose(
	fv_ctx *ctx, const core_study *study, bool force, core_tune_summary *out);

/* Reads the value of tune.by from the folder of a finished run. NaN: undefined. Errors: FV_DATA if a file
 * cannot be read or lacks the value. */
FV_NODISCARD fv_status core_tune_read_value(
	fv_ctx *ctx, const char *dir, const char *by, double *value);

/* Returns the index of the best of n values, the first of equal ones; -1: none is finite. */
int32_t core_tune_find_best(const char *by, int32_t n, const double *value);

#endif
