/* SPDX-License-Identifier: Apache-2.0 */
#include "run/durations.h"

#include <math.h>

#include <fairvox/grouper.h>
#include <fairvox/loss.h>

#include "run/failures.h"
#include "run/grouping.h"
#include "run/sets.h"

static bool uses_durations(const core_plugin_spec *loss)
{
	const fv_loss_ops *ops = loss->plugin->descriptor->ops;
	bool uses = ops->uses_duration != 0;
	for (int32_t i = 0; i < loss->n_delegates; i++)
		uses |= uses_durations(&loss->delegate[i].use);
	return uses;
}

bool core_durations_used(const core_variant *variant)
{
	bool uses = uses_durations(&variant->loss);
	for (int32_t i = 0; i < variant->n_groupers; i++)
		uses |= (variant->groupers[i].uses & FV_USE_DURATION) != 0;
	return uses;
}

/* Measures one recording or segment; NAN if neither its bounds nor a file tell. */
static fv_status measure_recording(
	fv_ctx *ctx, const core_recordings *r, int64_t row, bool has_audio, double *seconds)
{
	const core_segment *segment = core_recording_segment(r, row);
	double start = segment ? segment->start : 0, end = segment ? segment->end : INFINITY;
	fv_status status = FV_OK;
	*seconds = NAN;
	if (!isfinite(end) && !has_audio)
		return FV_OK;
	if (!isfinite(end))
		status = core_audio_seconds(ctx, r->path[row], &end);
	*seconds = status ? NAN : fmax(end - start, 0);
	return status;
}

/* Fills in set->seconds, unless nothing tells durations. Reports every recording that cannot be read. */
static fv_status measure_set(fv_ctx *ctx, core_study *study, core_set *set)
{
	const core_recordings *r = &set->recordings;
	bool has_audio = set->spec->audio != NULL;
	fv_status first = has_audio ? core_set_find_audio(ctx, study, set) : FV_OK;
	if (first || (!has_audio && !r->segment))
		return first;
	double *seconds = core_alloc(ctx, (size_t)r->n, sizeof *seconds);
	if (!seconds)
		return FV_FAILED;
	for (int64_t i = 0; i < r->n; i++) {
		fv_status status = measure_recording(ctx, r, i, has_audio, &seconds[i]);
		first = first ? first : status;
	}
	set->seconds = seconds;
	return first;
}

fv_status core_durations_prepare(fv_ctx *ctx, core_study *study)
{
	for (int64_t i = 0; i < study->n_runs; i++) {
		core_run *run = &study->run[i];
		core_set *set = &study->set[study->fold[run->fold].set];
		if (run->failure || !core_durations_used(core_run_variant(study, run)))
			continue;
		fv_status status = FV_OK;
		if (!set->seconds && !set->failure)
			status = core_study_move_failure(
				ctx, study, measure_set(ctx, study, set), &set->failure);
		if (status)
			return status;
		run->failure = set->failure;
	}
	return FV_OK;
}
