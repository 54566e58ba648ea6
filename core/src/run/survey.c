/* SPDX-License-Identifier: Apache-2.0 */
#include "run/survey.h"

#include <math.h>
#include <string.h>

/* Records how long a run took that was found done, unless it only chose among trials. */
static fv_status record_done(fv_ctx *ctx, core_survey *s, const core_run *run)
{
	double seconds, ended;
	if (core_run_variant(s->study, run)->tune)
		return FV_OK;
	fv_status status = core_folder_times(ctx, run->dir, &seconds, &ended);
	if (!status && !isnan(seconds))
		core_pace_add(&s->pace, run, seconds);
	return status;
}

/* Finds the state of a run that was not done. `own` holds temporary texts. */
static fv_status look_at_folder(fv_ctx *ctx, fv_ctx *own, core_survey *s, int64_t index)
{
	const core_run *run = &s->study->run[index];
	const char *reason;
	if (core_folder_is_done(own, run)) {
		s->state[index] = CORE_FOLDER_DONE;
		s->warnings[index] = core_folder_count_warnings(own, run->dir);
		return record_done(own, s, run);
	}
	fv_status status =
		core_folder_find_state(own, run->dir, &s->view[index], &s->state[index], &reason);
	if (status || !reason)
		return status;
	if (!s->reason[index] || strcmp(s->reason[index], reason))
		s->reason[index] = core_strdup(ctx, reason);
	return s->reason[index] ? FV_OK : FV_FAILED;
}

static void count_run(core_survey *s, int64_t index)
{
	const core_run *run = &s->study->run[index];
	core_folder_state state = s->state[index];
	if (core_run_variant(s->study, run)->tune) {
		s->chosen += state == CORE_FOLDER_DONE;
		s->choice_failed += state == CORE_FOLDER_FAILED;
		s->to_choose += state != CORE_FOLDER_DONE && state != CORE_FOLDER_FAILED;
		return;
	}
	s->count[state]++;
	s->remaining[run->variant] += state != CORE_FOLDER_DONE && state != CORE_FOLDER_FAILED;
}

fv_status core_survey_update(fv_ctx *ctx, core_survey *s)
{
	size_t variants = s->study->config->n_variants;
	fv_status status = FV_OK;
	memset(s->count, 0, sizeof s->count);
	memset(s->remaining, 0, variants * sizeof *s->remaining);
	s->to_choose = s->chosen = s->choice_failed = 0;
	for (size_t i = 0; i < s->study->n_failed; i++) {
		bool tuned = s->study->config->variants[s->study->failed[i].variant].tune;
		s->choice_failed += tuned;
		s->count[CORE_FOLDER_FAILED] += !tuned;
	}
	fv_ctx *own = core_ctx_aside(ctx); /* the study may be followed for hours */
	if (!own)
		return FV_FAILED;
	for (int64_t i = 0; i < s->study->n_runs && !status; i++) {
		if (s->state[i] != CORE_FOLDER_DONE)
			status = look_at_folder(ctx, own, s, i);
		count_run(s, i);
	}
	status = core_ctx_rejoin(ctx, own, status);
	int64_t workers = s->count[CORE_FOLDER_RUNNING];
	s->left_s = core_pace_expect(&s->pace, s->remaining) / (double)(workers ? workers : 1);
	return status;
}

fv_status core_survey_make(fv_ctx *ctx, core_study *study, core_survey *out)
{
	size_t runs = (size_t)study->n_runs, variants = study->config->n_variants;
	*out = (core_survey){.study = study,
		.state = core_alloc(ctx, runs, sizeof *out->state),
		.reason = core_alloc(ctx, runs, sizeof *out->reason),
		.view = core_alloc(ctx, runs, sizeof *out->view),
		.warnings = core_alloc(ctx, runs, sizeof *out->warnings),
		.remaining = core_alloc(ctx, variants, sizeof *out->remaining)};
	if (!out->state || !out->reason || !out->view || !out->warnings || !out->remaining)
		return FV_FAILED;
	for (size_t i = 0; i < runs; i++)
		out->state[i] = CORE_FOLDER_PENDING;
	fv_status status = core_pace_make(ctx, study, &out->pace);
	return status ? status : core_survey_update(ctx, out);
}
