/* SPDX-License-Identifier: Apache-2.0 */
#include "run/failures.h"

#include <string.h>

#include "run/tune.h"

bool core_study_goes_on(const core_study *study, fv_status status)
{
	return study->keep_going && core_is_failure(status);
}

fv_status core_study_move_failure(
	fv_ctx *ctx, const core_study *study, fv_status status, const core_reason **reason)
{
	if (!core_study_goes_on(study, status))
		return status;
	*reason = core_error_take(ctx, ctx, status);
	return FV_OK;
}

fv_status core_study_fail_run(fv_ctx *ctx, const core_study *study, core_run *run, fv_status status)
{
	return core_study_move_failure(ctx, study, status, &run->failure);
}

fv_status core_study_fail_variant(fv_ctx *ctx, core_study *study, int32_t variant, fv_status status)
{
	const core_reason *reason = NULL;
	status = core_study_move_failure(ctx, study, status, &reason);
	for (int64_t i = 0; i < study->n_runs; i++)
		if (reason && study->run[i].variant == variant && !study->run[i].failure)
			study->run[i].failure = reason;
	return status;
}

fv_status core_study_name_failure(fv_ctx *ctx, const core_run *run, fv_status status)
{
	if (!core_is_failure(status))
		return status;
	return core_reason_report(ctx, run->dir, core_error_take(ctx, ctx, status));
}

static const core_reason *find_encoding_failure(const core_study *study, const core_run *run)
{
	const core_reason *reason = study->encoding[run->encoding].failure;
	for (int32_t i = 0; i < core_run_variant(study, run)->n_groupers && !reason; i++)
		if (run->group_encoding[i] >= 0)
			reason = study->encoding[run->group_encoding[i]].failure;
	return reason;
}

fv_status core_study_pass_on_failures(fv_ctx *ctx, core_study *study)
{
	fv_status status = FV_OK;
	bool any = false;
	for (int64_t i = 0; i < study->n_runs; i++) {
		core_run *run = &study->run[i];
		if (!run->failure && !run->done)
			run->failure = find_encoding_failure(study, run);
		any |= run->failure != NULL;
	}
	for (int64_t i = 0; i < study->n_runs && any && !status; i++)
		if (!study->run[i].failure)
			status = core_tune_pass_on_failure(ctx, study, &study->run[i]);
	return status;
}

fv_status core_study_add_failed(fv_ctx *ctx, core_study *study, const core_failed_run *failed)
{
	if (study->n_failed == study->failed_capacity) {
		size_t capacity = 2 * study->n_failed + 16;
		core_failed_run *grown = core_alloc(ctx, capacity, sizeof *grown);
		if (!grown)
			return FV_FAILED;
		if (study->n_failed)
			memcpy(grown, study->failed, study->n_failed * sizeof *grown);
		study->failed = grown;
		study->failed_capacity = capacity;
	}
	study->failed[study->n_failed++] = *failed;
	return FV_OK;
}

fv_status core_study_set_failed_apart(fv_ctx *ctx, core_study *study)
{
	int64_t all = study->n_runs;
	fv_status status = FV_OK;
	study->n_runs = 0;
	for (int64_t i = 0; i < all && !status; i++) {
		const core_run *run = &study->run[i];
		if (!run->failure) {
			study->run[study->n_runs++] = *run;
			continue;
		}
		core_failed_run failed = {.variant = run->variant,
			.fold = study->fold[run->fold].fold,
			.seed = run->seed,
			.reason = run->failure,
			.number = run->number,
			.aside = run->aside};
		status = core_study_add_failed(ctx, study, &failed);
	}
	/* A run whose labels could not be read is among the failed ones from the start. */
	for (size_t i = 0; i < study->n_failed && !status; i++) {
		core_failed_run *failed = &study->failed[i];
		const char *variant = study->identity[failed->variant].dir;
		if (failed->all || failed->dir || !variant)
			continue;
		failed->dir = core_format(ctx, "%s/fold%lld-seed%lld", variant,
			(long long)failed->fold, (long long)failed->seed);
		status = failed->dir ? FV_OK : FV_FAILED;
	}
	return status;
}
