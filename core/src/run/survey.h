/* SPDX-License-Identifier: Apache-2.0 */
/* The state of every run of a study, from its folders: done, running, failed, interrupted or pending, and
 * how long the rest will take. Runs that cannot be planned (study->failed) count as failed. */
#ifndef CORE_RUN_SURVEY_H
#define CORE_RUN_SURVEY_H

#include "run/folder.h"
#include "run/pace.h"

typedef struct core_survey {
	const core_study *study;
	core_folder_state *state; /* [n_runs] */
	const char **reason;      /* [n_runs] of failed runs: the first line; else NULL */
	core_lease_view *view;    /* [n_runs] what was seen of the processes that compute them */
	int64_t *warnings;        /* [n_runs] in the logs of runs that are done */
	int64_t *remaining;       /* [variants] runs that are not done and have not failed */
	int64_t count
		[CORE_FOLDER_STATES]; /* the runs of tuned variants, which choose, not counted */
	int64_t to_choose, chosen, choice_failed; /* runs of tuned variants */
	core_pace pace;
	double left_s; /* with the workers that run now, or one worker if none does. NaN: not known */
} core_survey;

/* Looks at all runs. */
FV_NODISCARD fv_status core_survey_make(fv_ctx *ctx, core_study *study, core_survey *out);
/* Looks again at those that were not done. */
FV_NODISCARD fv_status core_survey_update(fv_ctx *ctx, core_survey *survey);

#endif
